"""Issuers are asked rarely, once for all who wait, and may be away for a day."""

from __future__ import annotations

import asyncio
import json

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from gateway.token_issuers.documents import discovery_url
from gateway.token_issuers.issuer_keys import KeysOfIssuers
from tests.fakes.gateway_ports import FakeIssuerDocuments
from tests.harness.gateway import Clock
from tests.harness.oidc_issuer import new_key

ISSUER = "https://login.example"
KEYS_URL = "https://keys.example"
JWKS = {name: new_key("EdDSA").as_dict(private=False) for name in ("old", "new")}


class Issuer:
    """What is published, and who asked."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.documents = FakeIssuerDocuments()
        self.keys = KeysOfIssuers(self.documents, self.clock)
        self.publish("old")

    def publish(self, *key_ids: str) -> None:
        keys = [{**JWKS[key_id], "kid": key_id} for key_id in key_ids]
        discovery = {"issuer": ISSUER, "jwks_uri": KEYS_URL}
        self.documents.published = {
            discovery_url(ISSUER): json.dumps(discovery).encode(),
            KEYS_URL: json.dumps({"keys": keys}).encode(),
        }

    def go_away(self) -> None:
        self.documents.published = {}

    async def asked_in_the_background(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def has(self, key_id: str) -> bool:
        return await self.keys.find(ISSUER, key_id) is not None

    @property
    def times_asked(self) -> int:
        return self.documents.asked.count(discovery_url(ISSUER))


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


class TestFind:
    async def test_asks_once_in_ten_minutes(self, issuer: Issuer) -> None:
        for _ in range(10):
            assert await issuer.has("old")
            issuer.clock.now_s += 59
        assert issuer.times_asked == 1

    async def test_notices_after_ten_minutes_that_a_key_was_withdrawn(self, issuer: Issuer) -> None:
        assert await issuer.has("old")
        issuer.publish("new")
        issuer.clock.now_s += 599
        assert await issuer.has("old")
        issuer.clock.now_s += 1
        assert not await issuer.has("old")

    async def test_asks_at_once_for_a_key_that_it_does_not_know(self, issuer: Issuer) -> None:
        assert await issuer.has("old")
        issuer.publish("old", "new")
        issuer.clock.now_s += 30
        assert await issuer.has("new")
        assert issuer.times_asked == 2

    async def test_asks_at_most_twice_a_minute_whatever_keys_are_named(
        self, issuer: Issuer
    ) -> None:
        for number in range(600):
            assert not await issuer.has(f"made up {number}")
            issuer.clock.now_s += 0.1
        assert issuer.times_asked == 2

    async def test_asks_once_for_all_who_wait(self, issuer: Issuer) -> None:
        issuer.documents.waits = asyncio.Event()
        waiting = [asyncio.create_task(issuer.has("old")) for _ in range(20)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        issuer.documents.waits.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert found[1:] == [True] * 19
        assert issuer.times_asked == 1

    async def test_asks_no_second_time_while_the_answer_is_awaited(self, issuer: Issuer) -> None:
        issuer.documents.waits = asyncio.Event()
        waiting = [asyncio.create_task(issuer.has("old"))]
        await asyncio.sleep(0)
        issuer.clock.now_s += 30
        waiting.append(asyncio.create_task(issuer.has("old")))
        await asyncio.sleep(0)
        issuer.documents.waits.set()
        assert await asyncio.gather(*waiting) == [True, True]
        assert issuer.times_asked == 1

    async def test_keeps_issuers_apart(self, issuer: Issuer) -> None:
        assert await issuer.has("old")
        with pytest.raises(DependencyUnavailableError):
            await issuer.keys.find("https://another.example", "old")


class TestAnIssuerThatIsAway:
    async def test_is_said_to_be_so_when_its_keys_were_never_had(self, issuer: Issuer) -> None:
        issuer.go_away()
        for _ in range(3):
            with pytest.raises(DependencyUnavailableError) as failure:
                await issuer.has("old")
            assert (failure.value.code, failure.value.retry_after_s) == ("issuer_unavailable", 30)
        assert issuer.times_asked == 1
        issuer.publish("old")
        issuer.clock.now_s += 30
        assert await issuer.has("old")

    async def test_has_its_last_keys_for_a_day(self, issuer: Issuer) -> None:
        assert await issuer.has("old")
        issuer.go_away()
        issuer.clock.now_s += 86_399
        assert await issuer.has("old")
        assert not await issuer.has("new")
        issuer.clock.now_s += 1
        with pytest.raises(DependencyUnavailableError):
            await issuer.has("old")

    async def test_that_publishes_nonsense_is_as_good_as_away(self, issuer: Issuer) -> None:
        assert await issuer.has("old")
        issuer.documents.published[KEYS_URL] = b"<html>"
        issuer.clock.now_s += 600
        assert await issuer.has("old")
        issuer.documents.published[discovery_url(ISSUER)] = b'{"issuer": "https://x.example"}'
        issuer.clock.now_s += 600
        assert await issuer.has("old")
        await issuer.asked_in_the_background()
        assert await issuer.has("old")
        assert issuer.times_asked == 3

    async def test_keeps_nobody_waiting_whose_key_is_known(self, issuer: Issuer) -> None:
        assert await issuer.has("old")
        issuer.go_away()
        issuer.clock.now_s += 600
        assert await issuer.has("old")
        issuer.clock.now_s += 30
        issuer.documents.waits = asyncio.Event()
        assert await issuer.has("old")
        await issuer.asked_in_the_background()
        assert await issuer.has("old")
        await issuer.keys.stop()
        assert issuer.times_asked == 3

    async def test_is_trusted_as_before_when_it_is_back(self, issuer: Issuer) -> None:
        assert await issuer.has("old")
        issuer.go_away()
        issuer.clock.now_s += 600
        assert await issuer.has("old")
        issuer.publish("new")
        issuer.clock.now_s += 30
        assert await issuer.has("new")
        assert not await issuer.has("old")


def running_tasks() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks()}


class TestStop:
    async def test_leaves_nothing_running(self, issuer: Issuer) -> None:
        issuer.documents.waits = asyncio.Event()
        waiting = asyncio.create_task(issuer.has("old"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert f"keys of {ISSUER}" in running_tasks()
        await issuer.keys.stop()
        assert f"keys of {ISSUER}" not in running_tasks()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    async def test_is_nothing_where_nothing_runs(self, issuer: Issuer) -> None:
        assert await issuer.has("old")
        await issuer.keys.stop()
        assert await issuer.has("old")
