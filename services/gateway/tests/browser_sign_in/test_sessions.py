"""A session is a credential of its browser, of our own pages, and for a while."""

from __future__ import annotations

import httpx
import pytest

from gateway.browser_sign_in.model import digest
from gateway.model.tenancy import NewTenant
from tests.harness.browser import ORIGIN, Browser
from tests.harness.gateway import OPERATOR_KEY, Gateway, Tables
from tests.harness.signing_in import SigningIn

COOKIE = "__Host-clientsphere_session"
NEW_BASE = "/v1/knowledge-bases"


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


async def owner_of(signing: SigningIn, tenant: NewTenant | None = None) -> httpx.AsyncClient:
    key = (tenant or signing.tenant).owner_key.key
    transport = httpx.ASGITransport(signing.gateway.app)
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)


@pytest.fixture
async def browser(signing: SigningIn, sign_in_id: str) -> Browser:
    return await signing.sign_in(sign_in_id, roles=["kb-admins"])


class TestChanges:
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": f"{ORIGIN}.evil.example"},
            {"origin": f"{ORIGIN}:8443"},
            {"origin": ORIGIN.replace("https", "http")},
            {"origin": ORIGIN.upper()},
            {"origin": ORIGIN, "sec_fetch_site": "cross-site"},
            {"origin": ORIGIN, "sec_fetch_site": "same-site"},
            {"origin": ORIGIN, "sec_fetch_site": "none"},
            {"referer": f"{ORIGIN}/"},
            {"x_requested_with": "XMLHttpRequest"},
        ],
        ids=str,
    )
    async def test_are_not_taken_from_pages_elsewhere(
        self, browser: Browser, headers: dict[str, str]
    ) -> None:
        for method, path in (
            ("POST", NEW_BASE),
            ("DELETE", "/v1/session"),
            ("DELETE", "/v1/documents/doc_1"),
        ):
            response = await browser.send(method, path, **headers)
            assert code(response) == (403, "foreign_origin")
        assert (await browser.get("/v1/me")).status_code == 200

    @pytest.mark.parametrize(
        "headers", [{}, {"sec_fetch_site": "same-origin"}], ids=["old browser", "browser"]
    )
    async def test_are_taken_from_our_own_pages(
        self, browser: Browser, headers: dict[str, str]
    ) -> None:
        response = await browser.send("DELETE", "/v1/documents/doc_1", origin=ORIGIN, **headers)
        assert code(response) == (404, "document_not_found")


class TestACookie:
    async def test_does_not_stand_beside_another_credential(
        self, signing: SigningIn, browser: Browser
    ) -> None:
        wrong = await browser.get("/v1/me", authorization="Bearer nonsense")
        assert code(wrong) == (401, "token_invalid")
        key = signing.tenant.owner_key.key
        me = await browser.get("/v1/me", authorization=f"Bearer {key}")
        assert me.json()["principal"]["kind"] == "api_key"

    @pytest.mark.parametrize("before", ["?", "x", "a=b,", '"'])
    async def test_under_another_name_is_none(self, browser: Browser, before: str) -> None:
        named = f"{before}{COOKIE}={browser.cookies.pop(COOKIE)}"
        response = await browser.get("/v1/me", cookie=named)
        assert code(response) == (401, "credentials_missing")

    async def test_is_found_among_others(self, browser: Browser) -> None:
        among = f"a=b;  {COOKIE}={browser.cookies.pop(COOKIE)} ;c"
        assert (await browser.get("/v1/me", cookie=among)).status_code == 200

    async def test_opens_nothing_of_the_operators(self, browser: Browser) -> None:
        response = await browser.get("/v1/tenants/tnt_1/token-issuers")
        assert code(response) == (401, "credentials_missing")

    async def test_is_nothing_where_browsers_cannot_reach_the_gateway(
        self, signing: SigningIn, browser: Browser, tables: Tables
    ) -> None:
        inside = signing.browser(Gateway(tables, clock=signing.gateway.clock))
        inside.cookies = browser.cookies
        assert code(await inside.get("/v1/me")) == (401, "credentials_missing")

    async def test_is_stored_as_a_digest(
        self, signing: SigningIn, browser: Browser, tables: Tables
    ) -> None:
        (session,) = await tables.sessions_of(signing.tenant.tenant.id)
        assert session.secret_digest == digest(browser.cookies[COOKIE])


class TestTheEnd:
    async def test_comes_with_signing_out(
        self, signing: SigningIn, browser: Browser, tables: Tables
    ) -> None:
        cookie = f"{COOKIE}={browser.cookies[COOKIE]}"
        principal_id = (await browser.get("/v1/me")).json()["principal"]["id"]
        signed_out = await browser.send("DELETE", "/v1/session", origin=ORIGIN)
        assert signed_out.status_code == 204
        assert browser.cookies == {}
        assert code(await browser.get("/v1/me", cookie=cookie)) == (401, "session_ended")
        told = (await tables.audit_trail())[-1]
        assert (told.action, told.principal_id) == ("user.signed_out", principal_id)

    async def test_comes_after_an_hour_without_use(
        self, signing: SigningIn, browser: Browser
    ) -> None:
        clock = signing.gateway.clock
        for _ in range(3):
            clock.now_s += 3000
            assert (await browser.get("/v1/me")).status_code == 200
            await signing.gateway.browsers.usage.flush()
        clock.now_s += 3600
        assert code(await browser.get("/v1/me")) == (401, "session_ended")

    async def test_comes_after_half_a_day_whatever_the_use(
        self, signing: SigningIn, browser: Browser
    ) -> None:
        clock = signing.gateway.clock
        for _ in range(17):
            clock.now_s += 2500
            assert (await browser.get("/v1/me")).status_code == 200
            await signing.gateway.browsers.usage.flush()
        clock.now_s += 700
        assert code(await browser.get("/v1/me")) == (401, "session_ended")

    async def test_is_only_for_those_who_have_a_session(self, signing: SigningIn) -> None:
        async with await owner_of(signing) as owner:
            assert code(await owner.delete("/v1/session")) == (401, "session_missing")

    async def test_comes_with_the_end_of_the_issuers_entry(
        self, signing: SigningIn, browser: Browser, sign_in_id: str, tables: Tables
    ) -> None:
        tenant_id = signing.tenant.tenant.id
        assert await tables.sessions_of(tenant_id) != []
        async with signing.gateway.client(OPERATOR_KEY) as operator:
            await operator.delete(f"/v1/tenants/{tenant_id}/token-issuers/{sign_in_id}")
        assert code(await browser.get("/v1/me")) == (401, "session_ended")
        assert await tables.sessions_of(tenant_id) == []


class TestManagers:
    async def test_see_who_is_signed_in_and_end_it(
        self, signing: SigningIn, browser: Browser, sign_in_id: str, tables: Tables
    ) -> None:
        me = (await browser.get("/v1/me")).json()
        async with await owner_of(signing) as owner:
            (listed,) = (await owner.get("/v1/sessions")).json()["items"]
            assert listed["user_id"] == me["principal"]["id"]
            assert (listed["token_issuer_id"], listed["roles"]) == (sign_in_id, ["admin"])
            assert set(listed) == {
                "id",
                "user_id",
                "token_issuer_id",
                "roles",
                "created_at",
                "last_used_at",
                "expires_at",
            }
            path = f"/v1/sessions/{listed['id']}"
            assert (await owner.delete(path)).status_code == 204
            assert code(await owner.delete(path)) == (404, "session_not_found")
            assert (await owner.get("/v1/sessions")).json()["items"] == []
        assert code(await browser.get("/v1/me")) == (401, "session_ended")
        told = (await tables.audit_trail())[-1]
        assert (told.action, told.target_id) == ("session.revoked", listed["id"])
        assert dict(told.details) == {"user": me["principal"]["id"]}

    async def test_may_end_nothing_of_those_who_may_more(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        admin = await signing.sign_in(sign_in_id, sub="ada", roles=["kb-admins"])
        for role, expected in (("owner", 403), ("editor", 204)):
            signing_id = await signing.offer(
                audience=role, sign_in={"client_id": role}, default_role=role
            )
            signing.server.clients[role] = signing.server.clients["console"]
            await signing.sign_in(signing_id, sub="bob", roles=[])
            newest = (await admin.get("/v1/sessions")).json()["items"]
            (session_id,) = [one["id"] for one in newest if one["roles"] == [role]]
            ended = await admin.send("DELETE", f"/v1/sessions/{session_id}", origin=ORIGIN)
            assert ended.status_code == expected

    async def test_are_those_with_the_permission(self, signing: SigningIn, sign_in_id: str) -> None:
        editor = await signing.sign_in(sign_in_id, roles=["kb-editors"])
        assert code(await editor.get("/v1/sessions")) == (403, "permission_denied")

    async def test_of_another_tenant_find_nothing(
        self, signing: SigningIn, browser: Browser
    ) -> None:
        async with await owner_of(signing) as owner:
            (listed,) = (await owner.get("/v1/sessions")).json()["items"]
        other = await signing.gateway.new_tenant("Quaymere")
        async with await owner_of(signing, other) as stranger:
            assert (await stranger.get("/v1/sessions")).json()["items"] == []
            foreign = await stranger.delete(f"/v1/sessions/{listed['id']}")
            assert code(foreign) == (404, "session_not_found")
        assert (await browser.get("/v1/me")).status_code == 200
