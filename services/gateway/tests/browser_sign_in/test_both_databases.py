"""Signing in on both kinds of tables, with two gateways that share them."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from clientsphere_common.errors import NotFoundError
from gateway.browser_sign_in.model import digest
from tests.harness.browser import ORIGIN, Browser
from tests.harness.databases import DatabaseUnderTest
from tests.harness.gateway import OPERATOR_KEY, Gateway, Tables
from tests.harness.signing_in import SigningIn

FIVE_SECONDS = 5.0


@pytest.fixture
def gateway_database(database_under_test: DatabaseUnderTest) -> DatabaseUnderTest:
    return database_under_test


@pytest.fixture
def other(signing: SigningIn, tables: Tables) -> Gateway:
    """With a memory of its own."""
    one = signing.gateway
    return Gateway(
        tables,
        settings=one.settings,
        issuer_documents=one.issuer_documents,
        clock=one.clock,
        secrets=one.secrets,
    )


async def status(browser: Browser) -> int:
    return (await browser.get("/v1/me")).status_code


class TestTwoGateways:
    async def test_let_somebody_leave_from_one_and_come_back_to_the_other(
        self, signing: SigningIn, sign_in_id: str, other: Gateway
    ) -> None:
        leaving, coming = signing.browser(), signing.browser(other)
        callback = await signing.callback_url(leaving, sign_in_id)
        coming.cookies = leaving.cookies
        assert (await coming.get(callback)).headers["location"] == f"{ORIGIN}/"
        leaving.cookies = coming.cookies
        assert await status(leaving) == await status(coming) == 200

    async def test_let_nobody_come_back_twice(
        self, signing: SigningIn, sign_in_id: str, other: Gateway
    ) -> None:
        one, two = signing.browser(), signing.browser(other)
        callback = await signing.callback_url(one, sign_in_id)
        two.cookies = dict(one.cookies)
        assert (await one.get(callback)).status_code == 303
        assert (await two.get(callback)).status_code == 400

    @pytest.mark.parametrize("end", ["revoked", "signed out", "issuer removed"])
    async def test_end_a_session_within_five_seconds(
        self, signing: SigningIn, sign_in_id: str, other: Gateway, end: str
    ) -> None:
        here = await signing.sign_in(sign_in_id)
        there = signing.browser(other)
        there.cookies = dict(here.cookies)
        assert await status(here) == await status(there) == 200
        ended = await _end(signing, sign_in_id, here, end)
        assert ended.status_code == 204
        here.cookies = dict(there.cookies)
        assert await status(here) == 401
        signing.gateway.clock.now_s += FIVE_SECONDS
        assert await status(there) == 401


async def _end(signing: SigningIn, sign_in_id: str, here: Browser, end: str) -> httpx.Response:
    if end == "signed out":
        return await here.send("DELETE", "/v1/session", origin=ORIGIN)
    if end == "revoked":
        async with signing.gateway.client(signing.tenant.owner_key.key) as owner:
            (session,) = (await owner.get("/v1/sessions")).json()["items"]
            return await owner.delete(f"/v1/sessions/{session['id']}")
    path = f"/v1/tenants/{signing.tenant.tenant.id}/token-issuers/{sign_in_id}"
    async with signing.gateway.client(OPERATOR_KEY) as operator:
        return await operator.delete(path)


class TestTheList:
    async def test_comes_newest_first_in_full_pages_of_what_is_not_over(
        self, signing: SigningIn, sign_in_id: str, tables: Tables
    ) -> None:
        clock = signing.gateway.clock
        for place in range(6):
            # Some in the same millisecond. Of the second and the fourth one the hour ends soon.
            clock.now_s += 60 * (place % 2)
            await signing.sign_in(sign_in_id, sub=f"person {place}")
        made = await tables.sessions_of(signing.tenant.tenant.id)
        begun = [one.created_at for one in made]
        assert begun == sorted(begun, reverse=True)
        unused, used = made[1::2], made[::2]
        await tables.sessions.mark_used(
            {one.id: one.created_at + timedelta(minutes=30) for one in used}
        )
        clock.now_s += 3600
        assert len(unused) == 3
        async with signing.gateway.client(signing.tenant.owner_key.key) as owner:
            first = (await owner.get("/v1/sessions?page_size=2")).json()
            token = first["next_page_token"]
            rest = (await owner.get(f"/v1/sessions?page_token={token}")).json()
            ids = [[one["id"] for one in page["items"]] for page in (first, rest)]
            assert (ids, rest["next_page_token"]) == (
                [[one.id for one in used[:2]], [one.id for one in used[2:]]],
                None,
            )
            gone = await owner.delete(f"/v1/sessions/{unused[0].id}")
            assert (gone.status_code, gone.json()["code"]) == (404, "session_not_found")

    async def test_refuses_tokens_of_others_and_pages_that_make_no_sense(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        for subject in ("ada", "bob"):
            await signing.sign_in(sign_in_id, sub=subject)
        other = await signing.gateway.new_tenant("Quaymere")
        async with signing.gateway.client(signing.tenant.owner_key.key) as owner:
            token = (await owner.get("/v1/sessions?page_size=1")).json()["next_page_token"]
            impossible = await owner.get("/v1/sessions?page_size=201")
        async with signing.gateway.client(other.owner_key.key) as stranger:
            foreign = await stranger.get(f"/v1/sessions?page_token={token}")
        codes = [(one.status_code, one.json()["code"]) for one in (impossible, foreign)]
        assert codes == [(400, "invalid_request"), (400, "invalid_page_token")]


class TestTables:
    async def test_give_an_attempt_away_once(
        self, signing: SigningIn, sign_in_id: str, tables: Tables
    ) -> None:
        callback = await signing.callback_url(signing.browser(), sign_in_id)
        (state,) = parse_qs(urlsplit(callback).query)["state"]
        taken = await tables.sign_in_attempts.take(digest(state))
        assert taken is not None
        assert taken.issuer_id == sign_in_id
        assert await tables.sign_in_attempts.take(digest(state)) is None

    async def test_take_nothing_for_an_issuer_that_was_removed_meanwhile(
        self, signing: SigningIn, sign_in_id: str, tables: Tables
    ) -> None:
        await signing.sign_in(sign_in_id)
        callback = await signing.callback_url(signing.browser(), sign_in_id)
        (state,) = parse_qs(urlsplit(callback).query)["state"]
        attempt = await tables.sign_in_attempts.take(digest(state))
        (session,) = await tables.sessions_of(signing.tenant.tenant.id)
        await signing.gateway.issuers.registration.remove(signing.tenant.tenant.id, sign_in_id)
        assert attempt is not None
        with pytest.raises(NotFoundError):
            await tables.sign_in_attempts.add(attempt, attempt.expires_at)
        with pytest.raises(NotFoundError):
            await tables.sessions.add(session)

    async def test_note_use_and_end_a_session_once(
        self, signing: SigningIn, sign_in_id: str, tables: Tables
    ) -> None:
        browser = await signing.sign_in(sign_in_id)
        signing.gateway.clock.now_s += 60
        assert await status(browser) == 200
        await signing.gateway.browsers.usage.flush()
        (session,) = await tables.sessions_of(signing.tenant.tenant.id)
        assert (session.last_used_at - session.created_at).total_seconds() == 60
        await tables.sessions.end(session, "operator")
        trail = await tables.audit_trail()
        await tables.sessions.end(session, "operator")
        assert await tables.audit_trail() == trail

    async def test_forget_sessions_that_are_over(
        self, signing: SigningIn, sign_in_id: str, tables: Tables
    ) -> None:
        await signing.sign_in(sign_in_id)
        signing.gateway.clock.now_s += 43_200
        await signing.sign_in(sign_in_id)
        assert len(await tables.sessions_of(signing.tenant.tenant.id)) == 1
