"""People sign in with a browser: to the issuer and back, over HTTPS."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.harness.authorization_server import Client
from tests.harness.browser import ORIGIN
from tests.harness.gateway import OPERATOR_KEY, Gateway, Tables
from tests.harness.oidc_issuer import Spoilt
from tests.harness.signing_in import SigningIn
from tests.harness.token_forge import MISSING


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


class TestSomebodyWhoSignsIn:
    async def test_is_who_the_issuer_says_and_may_what_the_entry_says(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        browser = await signing.sign_in(sign_in_id, roles=["kb-editors", "x"], groups=["g"])
        me = (await browser.get("/v1/me")).json()
        assert me["tenant"]["id"] == signing.tenant.tenant.id
        assert me["roles"] == ["editor"]
        assert me["principal"]["kind"] == "user"
        assert "documents:write" in me["permissions"]

    async def test_is_the_same_principal_as_with_a_token(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        browser = await signing.sign_in(sign_in_id)
        me = (await browser.get("/v1/me")).json()
        async with signing.gateway.client(signing.server.token("k1")) as client:
            assert (await client.get("/v1/me")).json()["principal"] == me["principal"]

    async def test_goes_on_where_they_wanted_to(self, signing: SigningIn, sign_in_id: str) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id, "/documents?page=2#top")
        arrived = await browser.get(callback)
        assert arrived.headers["location"] == f"{ORIGIN}/documents?page=2#top"

    async def test_gives_the_browser_nothing_to_read(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        arrived = await browser.get(callback)
        assert list(browser.cookies) == ["__Host-clientsphere_session"]
        assert arrived.content == b""
        assert arrived.headers["cache-control"] == "no-store"
        assert arrived.headers["referrer-policy"] == "no-referrer"

    async def test_gives_the_browser_cookies_that_end_with_what_they_are_for(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        browser = signing.browser()
        started = await browser.get(f"/v1/sign-in/{sign_in_id}/start")
        assert "Max-Age=600;" in started.headers["set-cookie"]
        callback = await signing.callback_url(browser, sign_in_id)
        arrived = await browser.get(callback)
        assert "Max-Age=43200;" in arrived.headers["set-cookie"]

    async def test_is_told_to_the_audit_trail(
        self, signing: SigningIn, sign_in_id: str, tables: Tables
    ) -> None:
        browser = await signing.sign_in(sign_in_id, roles=["kb-editors"])
        principal_id = (await browser.get("/v1/me")).json()["principal"]["id"]
        told = (await tables.audit_trail())[-1]
        assert (told.action, told.principal_id) == ("user.signed_in", principal_id)
        assert dict(told.details) == {"token_issuer": sign_in_id, "roles": "editor"}

    async def test_needs_no_secret_at_an_issuer_that_gave_none(self, signing: SigningIn) -> None:
        sign_in_id = await signing.offer(sign_in={"client_secret_name": None})
        uris = signing.server.clients["console"].redirect_uris
        signing.server.clients["console"] = Client(None, uris)
        await signing.sign_in(sign_in_id)

    async def test_may_come_from_an_issuer_that_does_not_type_its_id_tokens(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        signing.server.id_token_header = {"typ": MISSING}
        await signing.sign_in(sign_in_id)

    async def test_may_come_from_an_issuer_that_does_not_name_itself(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        signing.server.names_itself = False
        signing.server.changes = {"code_challenge_methods_supported": MISSING}
        await signing.sign_in(sign_in_id)


class TestTheRequestToTheIssuer:
    async def test_asks_for_a_code_with_pkce_and_keeps_the_endpoints_own_query(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        started = await signing.browser().get(f"/v1/sign-in/{sign_in_id}/start")
        location = urlsplit(started.headers["location"])
        assert f"{location.scheme}://{location.netloc}" == signing.server.url
        asked = parse_qs(location.query)
        assert all(len(values) == 1 for values in asked.values())
        assert asked["tenant"] == ["1"]
        assert asked["response_type"] == ["code"]
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["redirect_uri"] == [f"{ORIGIN}/v1/sign-in/{sign_in_id}/callback"]

    async def test_is_another_one_each_time(self, signing: SigningIn, sign_in_id: str) -> None:
        browser = signing.browser()
        seen: list[str] = []
        for _ in range(2):
            started = await browser.get(f"/v1/sign-in/{sign_in_id}/start")
            query = parse_qs(urlsplit(started.headers["location"]).query)
            seen += [*query["state"], *query["nonce"], *query["code_challenge"]]
            seen += browser.cookies.values()
        assert len(set(seen)) == len(seen) == 8

    async def test_is_made_from_a_discovery_document_that_is_read_once(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        for _ in range(3):
            await signing.browser().get(f"/v1/sign-in/{sign_in_id}/start")
        assert signing.server.asked == ["/.well-known/openid-configuration"]
        signing.gateway.clock.now_s += 600
        await signing.browser().get(f"/v1/sign-in/{sign_in_id}/start")
        assert len(signing.server.asked) == 2


class TestASignInThatDoesNotExist:
    @pytest.mark.parametrize("path", ["", "/start", "/start?return_to=//x", "/callback?state=x"])
    async def test_is_as_one_without_an_offer_and_one_that_was_removed(
        self, signing: SigningIn, sign_in_id: str, path: str
    ) -> None:
        async with signing.gateway.client(OPERATOR_KEY) as operator:
            issuers = f"/v1/tenants/{signing.tenant.tenant.id}/token-issuers"
            body = {"url": "https://other.example", "audience": "x"}
            without = (await operator.post(issuers, json=body)).json()["id"]
            assert (await operator.delete(f"{issuers}/{sign_in_id}")).status_code == 204
        answers = set()
        for one in (without, sign_in_id, "iss_" + "0" * 32, "'--", "x" * 100):
            response = await signing.browser().get(f"/v1/sign-in/{one}{path}")
            assert code(response) == (404, "sign_in_not_found")
            body_without_id = {**response.json(), "request_id": ""}
            answers.add((str(body_without_id), str(sorted(response.headers.keys()))))
        assert len(answers) == 1

    async def test_is_every_one_where_browsers_cannot_reach_the_gateway(
        self, signing: SigningIn, sign_in_id: str, tables: Tables
    ) -> None:
        inside = Gateway(tables, issuer_documents=signing.gateway.issuer_documents)
        for path in ("/start", "/callback?state=x"):
            response = await signing.browser(inside).get(f"/v1/sign-in/{sign_in_id}{path}")
            assert code(response) == (404, "sign_in_not_found")


class TestAnIssuerThatMisbehaves:
    @pytest.mark.parametrize("spoilt", list(Spoilt))
    async def test_is_as_one_that_is_away(
        self, signing: SigningIn, sign_in_id: str, spoilt: Spoilt
    ) -> None:
        signing.server.discovery = spoilt
        browser = signing.browser()
        for _ in range(2):
            started = await browser.get(f"/v1/sign-in/{sign_in_id}/start")
            assert code(started) == (503, "identity_provider_unavailable")
        assert len(signing.server.asked) == 1
        signing.server.discovery = None
        signing.gateway.clock.now_s += 5
        await signing.sign_in(sign_in_id)

    @pytest.mark.parametrize(
        "changes",
        [
            {"authorization_endpoint": MISSING},
            {"authorization_endpoint": "http://localhost/authorize"},
            {"authorization_endpoint": "https://ada@localhost/authorize"},
            {"authorization_endpoint": "javascript:alert(1)"},
            {"authorization_endpoint": ["https://localhost/"]},
            {"token_endpoint": MISSING},
            {"code_challenge_methods_supported": ["plain"]},
            {"code_challenge_methods_supported": []},
            {"code_challenge_methods_supported": "S256"},
        ],
        ids=str,
    )
    async def test_sends_no_browser_anywhere(
        self, signing: SigningIn, sign_in_id: str, changes: dict[str, object]
    ) -> None:
        signing.server.changes = changes
        started = await signing.browser().get(f"/v1/sign-in/{sign_in_id}/start")
        assert code(started) == (503, "identity_provider_unavailable")

    async def test_gets_no_code_over_plain_http(self, signing: SigningIn, sign_in_id: str) -> None:
        signing.server.changes = {"token_endpoint": "http://localhost/token"}
        browser = signing.browser()
        finished = await browser.get(await signing.callback_url(browser, sign_in_id))
        assert code(finished) == (503, "identity_provider_unavailable")

    async def test_is_not_asked_without_the_secret_that_its_client_needs(
        self, signing: SigningIn
    ) -> None:
        sign_in_id = await signing.offer(sign_in={"client_secret_name": "sign-in-unknown"})
        browser = signing.browser()
        finished = await browser.get(await signing.callback_url(browser, sign_in_id))
        assert code(finished) == (503, "identity_provider_unavailable")
        assert signing.server.forms == []
