"""Filters of lists: what they mean, what they refuse, and what page tokens are good for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from clientsphere_common.paging import PageWish
from gateway.model.library import DocumentChoice
from gateway.model.trail import TrailChoice
from tests.harness.databases import DatabaseUnderTest
from tests.harness.gateway import Gateway

DAY_S = 86_400
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture
def gateway_database(database_under_test: DatabaseUnderTest) -> DatabaseUnderTest:
    return database_under_test


class TestDocuments:
    async def test_are_chosen_by_the_filters_that_are_given(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        query = {
            "state": ["failed", "queued", "failed"],
            "knowledge_base_id": "kb_1",
            "name": "50%_\\",
            "created_after": "2026-11-22T10:30:00.25+01:00",
            "created_before": "2026-11-23t00:00:00z",
        }
        assert (await owner.get("/v1/documents", params=query)).status_code == 200
        after = datetime(2026, 11, 22, 10, 30, 0, 250_000, timezone(timedelta(hours=1)))
        before = datetime(2026, 11, 23, tzinfo=UTC)
        choice = DocumentChoice("kb_1", frozenset({"failed", "queued"}), "50%_\\", after, before)
        assert gateway.documents.pages_asked == [(choice, PageWish())]

    async def test_of_an_impossible_knowledge_base_are_looked_for_as_of_an_unknown_one(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        await owner.get("/v1/documents", params={"knowledge_base_id": "kb 1"})
        ((choice, _),) = gateway.documents.pages_asked
        assert choice == DocumentChoice("-")

    @pytest.mark.parametrize(
        "query",
        [
            {"state": "done"},
            {"state": "READY"},
            {"state": ""},
            {"state": "ready,failed"},
            {"name": "x" * 201},
            {"name": "a\0b"},
            {"name": "a\nb"},
            {"created_after": ""},
            {"created_after": "yesterday"},
            {"created_after": "1795340000"},
            {"created_after": "2026-11-22"},
            {"created_after": "2026-11-22T09:30:00"},
            {"created_after": "2026-11-22 09:30:00Z"},
            {"created_after": "2026-13-22T09:30:00Z"},
            {"created_after": "2026-11-22T09:30:00+99:00"},
            {"created_before": "2026-11-22T09:30Z"},
            {"created_before": "infinity"},
        ],
        ids=str,
    )
    async def test_are_not_chosen_by_what_makes_no_sense(
        self, gateway: Gateway, owner: httpx.AsyncClient, query: dict[str, str]
    ) -> None:
        response = await owner.get("/v1/documents", params=query)
        assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
        assert response.json()["errors"][0]["field"].startswith(next(iter(query)))
        assert gateway.documents.pages_asked == []

    @pytest.mark.parametrize(
        "at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"]
    )
    async def test_may_be_of_any_time(
        self, gateway: Gateway, owner: httpx.AsyncClient, at: str
    ) -> None:
        query = {"created_after": at, "created_before": at}
        assert (await owner.get("/v1/documents", params=query)).status_code == 200


class TestTheAuditTrail:
    async def test_is_read_as_chosen(self, gateway: Gateway, owner: httpx.AsyncClient) -> None:
        query = {
            "after": "3",
            "principal": "key_1",
            "outcome": "denied",
            "since": "2026-11-22T09:30:00Z",
            "until": "2026-11-22T09:30:00Z",
        }
        assert (await owner.get("/v1/audit/events", params=query)).status_code == 200
        await owner.get("/v1/audit/events", params={"principal": "no id"})
        assert [choice for choice, _ in gateway.trail.asked] == [
            TrailChoice(3, "", "key_1", "denied", AT, AT),
            TrailChoice(principal_id="-"),
        ]

    @pytest.mark.parametrize(
        "query",
        [
            {"outcome": "maybe"},
            {"outcome": ""},
            {"principal": "x" * 65},
            {"since": "1795340000000"},
            {"until": "2026-11-22T09:30:00"},
        ],
        ids=str,
    )
    async def test_is_not_chosen_by_what_makes_no_sense(
        self, owner: httpx.AsyncClient, query: dict[str, str]
    ) -> None:
        response = await owner.get("/v1/audit/events", params=query)
        assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


class TestApiKeys:
    @pytest.fixture
    async def keys(self, gateway: Gateway, owner: httpx.AsyncClient) -> httpx.AsyncClient:
        """Of each state, and one that was revoked before it expired."""
        made: dict[str, Any] = {}
        for name, days in (
            ("Forever", None),
            ("next year", 365),
            ("ended", 1),
            ("revoked", None),
            ("revoked_ended", 1),
        ):
            body = {"name": name, "role": "viewer", "expires_in_days": days}
            made[name] = (await owner.post("/v1/api-keys", json=body)).json()["id"]
        for name in ("revoked", "revoked_ended"):
            await owner.delete(f"/v1/api-keys/{made[name]}")
        gateway.clock.now_s += DAY_S
        return owner

    async def names(self, keys: httpx.AsyncClient, *query: tuple[str, str]) -> set[str]:
        response = await keys.get("/v1/api-keys", params=list(query))
        assert response.status_code == 200, response.text
        return {one["name"] for one in response.json()["items"]}

    async def test_are_in_one_state_each(self, keys: httpx.AsyncClient) -> None:
        states = ("active", "expired", "revoked")
        active, expired, revoked = [await self.names(keys, ("state", one)) for one in states]
        everything = await self.names(keys)
        assert everything - expired - revoked == active >= {"Forever", "next year"}
        assert (expired, revoked) == ({"ended"}, {"revoked", "revoked_ended"})
        both = await self.names(keys, ("state", "expired"), ("state", "revoked"))
        assert both == expired | revoked

    async def test_are_found_by_a_piece_of_their_name(self, keys: httpx.AsyncClient) -> None:
        assert await self.names(keys, ("name", "EVER")) == {"Forever"}
        assert await self.names(keys, ("name", "_")) == {"revoked_ended"}
        assert await self.names(keys, ("name", "%")) == set()
        assert await self.names(keys, ("name", "ended"), ("state", "expired")) == {"ended"}

    @pytest.mark.parametrize(
        "query", [{"state": "alive"}, {"name": "x" * 201}, {"name": "a\0"}], ids=str
    )
    async def test_are_not_chosen_by_what_makes_no_sense(
        self, owner: httpx.AsyncClient, query: dict[str, str]
    ) -> None:
        response = await owner.get("/v1/api-keys", params=query)
        assert (response.status_code, response.json()["code"]) == (400, "invalid_request")

    async def test_have_page_tokens_that_are_good_for_their_filters(
        self, keys: httpx.AsyncClient
    ) -> None:
        chosen = {"state": "revoked", "name": "revoked"}
        first = await keys.get("/v1/api-keys", params={**chosen, "page_size": "1"})
        token = {"page_token": first.json()["next_page_token"]}
        rest = (await keys.get("/v1/api-keys", params={**chosen, **token})).json()
        shown = [one["name"] for page in (first.json(), rest) for one in page["items"]]
        assert sorted(shown) == ["revoked", "revoked_ended"]
        assert rest["next_page_token"] is None
        for other in ({}, {"state": "revoked"}, {"state": "expired", "name": "revoked"}):
            refused = await keys.get("/v1/api-keys", params={**other, **token})
            assert (refused.status_code, refused.json()["code"]) == (400, "invalid_page_token")
