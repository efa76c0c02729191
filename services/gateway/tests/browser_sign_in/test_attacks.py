"""What attackers of RFC 9700 try on a browser's way to the issuer and back."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.responses import JSONResponse

from gateway.browser_sign_in.model import digest
from tests.harness.authorization_server import Client, authorization_server
from tests.harness.browser import ORIGIN
from tests.harness.certificates import CertificateAuthority
from tests.harness.gateway import Tables
from tests.harness.signing_in import SigningIn

SIGN_IN_COOKIE = "__Host-clientsphere_sign_in"
SESSION_COOKIE = "__Host-clientsphere_session"


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def with_query(url: str, **changes: str | None) -> str:
    parts = httpx.URL(url)
    query = {**dict(parts.params), **changes}
    return str(parts.copy_with(params={name: one for name, one in query.items() if one}))


async def refused(signing: SigningIn, url: str, browser: Any) -> tuple[int, str]:
    response = await browser.get(url)
    assert SESSION_COOKIE not in browser.cookies
    return code(response)


class TestLoginCsrf:
    """An attacker makes a victim's browser finish the attacker's own sign-in."""

    async def test_fails_in_a_browser_that_began_nothing(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        callback = await signing.callback_url(signing.browser(), sign_in_id)
        victim = signing.browser()
        assert await refused(signing, callback, victim) == (400, "sign_in_expired")

    async def test_fails_in_a_browser_that_began_another(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        callback = await signing.callback_url(signing.browser(), sign_in_id)
        victim = signing.browser()
        await victim.get(f"/v1/sign-in/{sign_in_id}/start")
        assert await refused(signing, callback, victim) == (400, "sign_in_expired")

    async def test_never_reaches_the_issuer(self, signing: SigningIn, sign_in_id: str) -> None:
        callback = await signing.callback_url(signing.browser(), sign_in_id)
        await signing.browser().get(callback)
        assert signing.server.forms == []

    async def test_fails_with_a_second_cookie_beside_the_right_one(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        value = browser.cookies[SIGN_IN_COOKIE]
        both = f"{SIGN_IN_COOKIE}={value}; {SIGN_IN_COOKIE}={value}"
        response = await browser.get(callback, cookie=both)
        assert code(response) == (400, "sign_in_expired")


class TestState:
    @pytest.mark.parametrize("state", [None, "x", "x" * 5000, "\u0000", "\u20ac"])
    async def test_that_is_not_ours_is_refused(
        self, signing: SigningIn, sign_in_id: str, state: str | None
    ) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        changed = with_query(callback, state=state)
        assert await refused(signing, changed, browser) == (400, "sign_in_expired")

    async def test_that_comes_twice_is_refused(self, signing: SigningIn, sign_in_id: str) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        (state,) = parse_qs(urlsplit(callback).query)["state"]
        twice = f"{callback}&state={state}"
        assert await refused(signing, twice, browser) == (400, "sign_in_expired")

    async def test_is_good_for_ten_minutes(self, signing: SigningIn, sign_in_id: str) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        signing.gateway.clock.now_s += 600
        assert await refused(signing, callback, browser) == (400, "sign_in_expired")

    async def test_is_good_until_the_last_second(self, signing: SigningIn, sign_in_id: str) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        signing.gateway.clock.now_s += 30
        assert (await browser.get(callback)).status_code == 303

    async def test_that_expired_is_swept_by_the_next_sign_in(
        self, signing: SigningIn, sign_in_id: str, tables: Tables
    ) -> None:
        callback = await signing.callback_url(signing.browser(), sign_in_id)
        (state,) = parse_qs(urlsplit(callback).query)["state"]
        signing.gateway.clock.now_s += 600
        await signing.browser().get(f"/v1/sign-in/{sign_in_id}/start")
        assert await tables.sign_in_attempts.take(digest(state)) is None


class TestReplay:
    async def test_of_a_callback_that_went_well_fails(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        cookie = f"{SIGN_IN_COOKIE}={browser.cookies[SIGN_IN_COOKIE]}"
        assert (await browser.get(callback)).status_code == 303
        again = await browser.get(callback, cookie=cookie)
        assert code(again) == (400, "sign_in_expired")
        assert len(signing.server.forms) == 1

    async def test_of_a_callback_that_failed_fails(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        wrong = with_query(callback, iss="https://other.example")
        assert await refused(signing, wrong, browser) == (401, "sign_in_unproven")
        assert await refused(signing, callback, browser) == (400, "sign_in_expired")


class TestCodeInjection:
    """An attacker puts a victim's stolen code into an attempt of their own."""

    async def test_fails_because_the_verifier_is_another(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        stolen = await signing.callback_url(signing.browser(), sign_in_id)
        attacker = signing.browser()
        own = await signing.callback_url(attacker, sign_in_id)
        (stolen_code,) = parse_qs(urlsplit(stolen).query)["code"]
        injected = with_query(own, code=stolen_code)
        assert await refused(signing, injected, attacker) == (401, "sign_in_refused")

    async def test_fails_because_the_nonce_is_another_where_the_issuer_minds_no_verifier(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        stolen = await signing.callback_url(signing.browser(), sign_in_id)
        attacker = signing.browser()
        own = await signing.callback_url(attacker, sign_in_id)
        (stolen_code,) = parse_qs(urlsplit(stolen).query)["code"]
        token = signing.server.id_token(signing.server.codes[stolen_code])
        signing.server.token_answer = JSONResponse({"id_token": token})
        assert await refused(signing, own, attacker) == (401, "sign_in_unproven")

    @pytest.mark.parametrize("change", [{"code": None}, {"code": "x"}, {"code": "x" * 5000}])
    async def test_fails_without_a_code_of_the_issuer(
        self, signing: SigningIn, sign_in_id: str, change: dict[str, str | None]
    ) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        changed = with_query(callback, **change)
        assert await refused(signing, changed, browser) == (401, "sign_in_refused")


class TestMixUp:
    """An attacker's issuer, or another tenant's, gets or gives what belongs to an honest one."""

    @pytest.mark.parametrize("named", ["https://other.example", "", "HTTPS://LOCALHOST"])
    async def test_fails_when_the_answer_names_another_issuer_or_none(
        self, signing: SigningIn, sign_in_id: str, named: str
    ) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        changed = with_query(callback, iss=named)
        assert await refused(signing, changed, browser) == (401, "sign_in_unproven")
        assert signing.server.forms == []

    async def test_fails_when_an_issuer_that_names_nobody_names_another(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        signing.server.names_itself = False
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        changed = with_query(callback, iss="https://other.example")
        assert await refused(signing, changed, browser) == (401, "sign_in_unproven")

    async def test_fails_at_the_redirect_uri_of_another_issuer(
        self, signing: SigningIn, sign_in_id: str, authority: CertificateAuthority
    ) -> None:
        async with authorization_server(authority) as attackers:
            attackers.names_itself = False
            other_id = await signing.offer(url=attackers.url)
            browser = signing.browser()
            callback = await signing.callback_url(browser, sign_in_id)
            crossed = with_query(callback.replace(sign_in_id, other_id), iss=None)
            assert await refused(signing, crossed, browser) == (400, "sign_in_expired")
            assert attackers.forms == []

    async def test_fails_with_an_id_token_of_another_issuer(
        self, signing: SigningIn, sign_in_id: str, authority: CertificateAuthority
    ) -> None:
        async with authorization_server(authority) as attackers:
            browser = signing.browser()
            callback = await signing.callback_url(browser, sign_in_id)
            (stolen_code,) = parse_qs(urlsplit(callback).query)["code"]
            token = attackers.id_token(signing.server.codes[stolen_code])
            signing.server.token_answer = JSONResponse({"id_token": token})
            assert await refused(signing, callback, browser) == (401, "sign_in_unproven")

    async def test_fails_when_somebody_of_another_tenant_of_the_issuer_signs_in(
        self, signing: SigningIn
    ) -> None:
        other = await signing.gateway.new_tenant("Quaymere")
        ours = await signing.offer(condition={"claim": "org", "value": "kestrand"})
        theirs = await signing.offer(other, condition={"claim": "org", "value": "quaymere"})
        signing.server.person = {"sub": "ada", "org": "kestrand"}
        browser = signing.browser()
        callback = await signing.callback_url(browser, theirs)
        assert await refused(signing, callback, browser) == (401, "sign_in_unproven")
        me = await (await signing.sign_in(ours, org="kestrand")).get("/v1/me")
        assert me.json()["tenant"]["id"] == signing.tenant.tenant.id

    async def test_cannot_be_prepared_by_entries_that_share_a_client(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        other = await signing.gateway.new_tenant("Quaymere")
        for wish in ({"audience": "else"}, {"audience": "console", "sign_in": {"client_id": "x"}}):
            with pytest.raises(AssertionError, match="token_issuer_ambiguous"):
                await signing.offer(other, **wish)


class TestRefusalsOfTheIssuer:
    async def test_are_told_to_the_browser_and_to_the_audit_trail(
        self, signing: SigningIn, sign_in_id: str, tables: Tables
    ) -> None:
        signing.server.refuses = "access_denied"
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        assert await refused(signing, callback, browser) == (401, "sign_in_refused")
        told = (await tables.audit_trail())[-1]
        assert (told.action, told.outcome) == ("user.sign_in_refused", "denied")
        assert (told.target_id, told.principal_id) == (sign_in_id, "unknown")
        assert dict(told.details) == {"reason": "sign_in_refused", "error": "access_denied"}

    async def test_win_over_a_code_beside_them_and_are_not_repeated_when_odd(
        self, signing: SigningIn, sign_in_id: str, tables: Tables
    ) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        odd = with_query(callback, error="<script>alert(1)</script>")
        assert await refused(signing, odd, browser) == (401, "sign_in_refused")
        assert dict((await tables.audit_trail())[-1].details) == {"reason": "sign_in_refused"}
        assert signing.server.forms == []

    async def test_that_nobody_asked_for_are_not_told(
        self, signing: SigningIn, sign_in_id: str, tables: Tables
    ) -> None:
        before = await tables.audit_trail()
        response = await signing.browser().get(
            f"/v1/sign-in/{sign_in_id}/callback?error=access_denied&state=x"
        )
        assert code(response) == (400, "sign_in_expired")
        assert await tables.audit_trail() == before


class TestFixation:
    async def test_a_session_gets_a_secret_that_nobody_had_before(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        browser = signing.browser()
        browser.cookies[SESSION_COOKIE] = "planted"
        await browser.get(await signing.callback_url(browser, sign_in_id))
        first = browser.cookies[SESSION_COOKIE]
        await browser.get(await signing.callback_url(browser, sign_in_id))
        assert len({"planted", first, browser.cookies[SESSION_COOKIE]}) == 3

    async def test_a_planted_session_is_none(self, signing: SigningIn, sign_in_id: str) -> None:
        browser = await signing.sign_in(sign_in_id)
        own = browser.cookies[SESSION_COOKIE]
        browser.cookies[SESSION_COOKIE] = "planted"
        assert code(await browser.get("/v1/me")) == (401, "session_ended")
        both = f"{SESSION_COOKIE}=planted; {SESSION_COOKIE}={own}"
        response = await browser.get("/v1/me", cookie=both)
        assert code(response) == (401, "credentials_missing")


class TestOpenRedirects:
    @pytest.mark.parametrize(
        "return_to",
        [
            "https://evil.example",
            "http:evil.example",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/ok\r\nSet-Cookie: a=b",
            "/\u2028",
            "/\u0000",
            "/\u3002evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "evil.example",
            "@evil.example",
            ".evil.example",
            ":80@evil.example/",
            "",
            "?x=1",
            "#x",
            "/" + "x" * 512,
            "/<script>",
            '/"onload=',
        ],
        ids=lambda written: repr(written)[:30],
    )
    async def test_do_not_even_begin(
        self, signing: SigningIn, sign_in_id: str, return_to: str
    ) -> None:
        path = httpx.URL(f"/v1/sign-in/{sign_in_id}/start", params={"return_to": return_to})
        browser = signing.browser()
        assert code(await browser.get(str(path))) == (400, "return_path_invalid")
        assert browser.cookies == {}

    @pytest.mark.parametrize(
        "return_to", ["/", "/a//b", "/%2f%2fevil.example", "/x?next=https://evil.example", "/.//x"]
    )
    async def test_are_paths_of_our_own_origin_whatever_is_in_them(
        self, signing: SigningIn, sign_in_id: str, return_to: str
    ) -> None:
        browser = signing.browser()
        arrived = await browser.get(await signing.callback_url(browser, sign_in_id, return_to))
        assert arrived.headers["location"] == ORIGIN + return_to


class TestTheSecretOfTheClient:
    async def test_goes_to_the_issuer_alone_and_never_through_the_browser(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        browser = signing.browser()
        started = await browser.get(f"/v1/sign-in/{sign_in_id}/start")
        parameters = await browser.get(f"/v1/sign-in/{sign_in_id}")
        for response in (started, parameters):
            assert "s3cret" not in f"{response.headers} {response.text}"

    @pytest.mark.parametrize("secret", [None, "wrong"])
    async def test_is_needed(self, signing: SigningIn, sign_in_id: str, secret: str | None) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        uris = signing.server.clients["console"].redirect_uris
        signing.server.clients["console"] = Client(secret, uris)
        assert await refused(signing, callback, browser) == (401, "sign_in_refused")

    @pytest.mark.parametrize("name", ["gateway-token-key", "sign-in-", "sign-in-A", "SIGN-IN-a"])
    async def test_can_be_no_other_secret_of_ours(self, signing: SigningIn, name: str) -> None:
        with pytest.raises(AssertionError, match="invalid_request"):
            await signing.offer(sign_in={"client_secret_name": name})
