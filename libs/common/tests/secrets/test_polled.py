"""Polling keeps what it knows, tells what is stale, and never lets an old answer win."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from clientsphere_common.errors import (
    DependencyUnavailableError,
    NotFoundError,
    ServiceError,
)
from clientsphere_common.secrets.polled import PolledSecrets
from clientsphere_common.secrets.ports import Secret
from tests.harness.modules import running

AWAY = DependencyUnavailableError("vault_unavailable", "Vault is away.")
GONE = NotFoundError("secret_not_found", "It is gone.")


class FakeSource:
    """Gives `value` at the time of `now_s`, or fails with `failure`."""

    def __init__(self) -> None:
        self.value = "first"
        self.now_s = 1000.0
        self.failure: Exception | None = None
        self.asked = 0

    async def fetch(self, name: str, known: Secret | None) -> Secret:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return Secret(name, self.value, f"version of {self.value}", self.now_s)

    def clock(self) -> float:
        return self.now_s


class SlowSource:
    """Gives one value after the other, the earlier the slower."""

    def __init__(self, values: list[str]) -> None:
        self._values = values
        self._at_once = 0
        self.most_at_once = 0

    async def fetch(self, name: str, known: Secret | None) -> Secret:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        value = self._values.pop(0)
        for _ in range(10 * len(self._values)):
            await asyncio.sleep(0)
        self._at_once -= 1
        return Secret(name, value, value, 0.0)


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def secrets(source: FakeSource) -> PolledSecrets:
    return PolledSecrets(source, 0.01, clock=source.clock)


class TestRead:
    async def test_falls_back_on_the_last_value_while_the_source_is_away(
        self, source: FakeSource, secrets: PolledSecrets
    ) -> None:
        first = await secrets.read("key")
        source.failure = AWAY
        assert await secrets.read("key") == first

    async def test_fails_when_there_is_nothing_to_fall_back_on(
        self, source: FakeSource, secrets: PolledSecrets
    ) -> None:
        source.failure = AWAY
        with pytest.raises(DependencyUnavailableError):
            await secrets.read("key")
        await secrets.check()

    async def test_an_answer_long_under_way_does_not_replace_a_newer_one(self) -> None:
        source = SlowSource(["first", "second"])
        secrets = PolledSecrets(source, 60)
        slow = asyncio.ensure_future(secrets.read("key"))
        fast = asyncio.ensure_future(secrets.read("key"))
        assert [(await slow).value, (await fast).value] == ["first", "second"]
        assert source.most_at_once == 1


class TestRefresh:
    @pytest.mark.parametrize("failure", [AWAY, GONE])
    async def test_keeps_what_cannot_be_had_any_more(
        self, source: FakeSource, secrets: PolledSecrets, failure: ServiceError
    ) -> None:
        first = await secrets.read("key")
        source.failure = failure
        await secrets.refresh()
        source.failure = AWAY
        assert await secrets.read("key") == first

    async def test_says_once_that_a_secret_is_stale_and_once_that_it_is_not(
        self, source: FakeSource, secrets: PolledSecrets
    ) -> None:
        await secrets.read("key")
        with capture_logs() as logged:
            source.failure, source.now_s = AWAY, 1042.0
            await secrets.refresh()
            await secrets.refresh()
            source.failure = None
            await secrets.refresh()
        assert [line["event"] for line in logged] == [
            "secret_not_confirmed",
            "secret_confirmed_again",
        ]
        assert logged[0]["age_s"] == 42

    async def test_says_that_a_secret_changed_but_not_what_it_is(
        self, source: FakeSource, secrets: PolledSecrets
    ) -> None:
        await secrets.read("key")
        with capture_logs() as logged:
            source.value = "second"
            await secrets.refresh()
        assert [(line["event"], line["secret"]) for line in logged] == [("secret_rotated", "key")]

    async def test_asks_for_nothing_that_nobody_reads(
        self, source: FakeSource, secrets: PolledSecrets
    ) -> None:
        await secrets.refresh()
        assert source.asked == 0


class TestCheck:
    async def test_tells_which_secret_is_how_old_and_why(
        self, source: FakeSource, secrets: PolledSecrets
    ) -> None:
        await secrets.read("key")
        await secrets.check()
        source.failure, source.now_s = AWAY, 1042.0
        await secrets.refresh()
        with pytest.raises(DependencyUnavailableError) as stale:
            await secrets.check()
        assert stale.value.code == "secret_stale"
        assert stale.value.message == (
            "The secret 'key' was last confirmed 42 s ago: Vault is away."
        )

    async def test_is_content_again_when_the_source_is_back(
        self, source: FakeSource, secrets: PolledSecrets
    ) -> None:
        await secrets.read("key")
        source.failure = AWAY
        await secrets.refresh()
        source.failure = None
        await secrets.refresh()
        await secrets.check()


class TestChanges:
    async def test_a_new_version_with_the_same_value_is_no_change(
        self, source: FakeSource, secrets: PolledSecrets
    ) -> None:
        changes = secrets.changes(await secrets.read("key"))
        waiting = asyncio.ensure_future(anext(changes))
        source.now_s += 1
        await secrets.refresh()
        assert not waiting.done()
        source.value = "second"
        await secrets.refresh()
        assert (await waiting).value == "second"

    async def test_who_was_away_sees_only_the_newest(
        self, source: FakeSource, secrets: PolledSecrets
    ) -> None:
        changes = secrets.changes(await secrets.read("key"))
        for source.value in ("second", "third"):
            await secrets.refresh()
        assert (await anext(changes)).value == "third"

    async def test_a_secret_that_another_read_is_polled_from_then_on(
        self, source: FakeSource, secrets: PolledSecrets
    ) -> None:
        changes = secrets.changes(Secret("key", "long ago", "0", 0.0))
        waiting = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0)
        await secrets.refresh()
        assert (await waiting).value == "first"


class TestWatch:
    async def test_raises_what_ended_the_polling(
        self, source: FakeSource, secrets: PolledSecrets
    ) -> None:
        async with running(secrets):
            await secrets.read("key")
            source.failure = RuntimeError("a bug")
            with pytest.raises(RuntimeError, match="a bug"):
                await secrets.watch()

    async def test_needs_a_start(self, secrets: PolledSecrets) -> None:
        with pytest.raises(RuntimeError, match="not started"):
            await secrets.watch()

    async def test_what_was_never_started_may_be_stopped(self, secrets: PolledSecrets) -> None:
        await secrets.stop()
