"""What the token endpoint may answer, and what an ID token must say, for somebody to get in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from tests.harness.oidc_issuer import new_key
from tests.harness.signing_in import SigningIn
from tests.harness.token_forge import MISSING

SESSION_COOKIE = "__Host-clientsphere_session"


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def refused(signing: SigningIn, url: str, browser: Any) -> tuple[int, str]:
    response = await browser.get(url)
    assert SESSION_COOKIE not in browser.cookies
    return code(response)


class TestIdTokens:
    @pytest.mark.parametrize(
        "claims",
        [
            {"iss": "https://other.example"},
            {"aud": "another"},
            {"aud": ["console", "another"]},
            {"aud": []},
            {"aud": MISSING},
            {"azp": "another"},
            {"azp": None},
            {"nonce": MISSING},
            {"nonce": ""},
            {"nonce": 1},
            {"nonce": "x"},
            {"sub": MISSING},
            {"sub": ""},
            {"sub": "a\n"},
            {"exp": 1},
            {"exp": MISSING},
            {"iat": MISSING},
            {"iat": 9_999_999_999},
            {"nbf": 9_999_999_999},
            {"roles": 1},
        ],
        ids=str,
    )
    async def test_are_refused_with(
        self, signing: SigningIn, sign_in_id: str, claims: dict[str, object]
    ) -> None:
        signing.server.id_token_claims = claims
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        assert await refused(signing, callback, browser) == (401, "sign_in_unproven")

    @pytest.mark.parametrize("claims", [{"aud": ["console"]}, {"azp": "console"}], ids=str)
    async def test_may_say(
        self, signing: SigningIn, sign_in_id: str, claims: dict[str, object]
    ) -> None:
        signing.server.id_token_claims = claims
        await signing.sign_in(sign_in_id)

    @pytest.mark.parametrize(
        "header",
        [
            {"typ": "at+jwt"},
            {"typ": ""},
            {"typ": "logout+jwt"},
            {"kid": "unknown"},
            {"kid": MISSING},
            {"x5t": "x"},
            {"jwk": {}},
            {"crit": []},
        ],
        ids=str,
    )
    async def test_are_refused_with_the_header(
        self, signing: SigningIn, sign_in_id: str, header: dict[str, object]
    ) -> None:
        signing.server.id_token_header = header
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        assert await refused(signing, callback, browser) == (401, "sign_in_unproven")

    async def test_that_can_never_be_good_have_nobody_asked_for_keys(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        signing.server.id_token_header = {"typ": "at+jwt"}
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        assert await refused(signing, callback, browser) == (401, "sign_in_unproven")
        assert "/keys" not in signing.server.asked

    async def test_are_refused_without_a_signature_of_the_issuers_key(
        self, signing: SigningIn, sign_in_id: str
    ) -> None:
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        honest = signing.server.keys["k1"]
        await signing.outside.get(signing.server.key_set_url)
        for algorithm, key in (("ES256", new_key("ES256")), ("RS256", new_key("RS256"))):
            signing.server.keys["k1"] = (algorithm, key)
            token = signing.server.id_token(next(iter(signing.server.codes.values())))
            signing.server.keys["k1"] = honest
            signing.server.token_answer = JSONResponse({"id_token": token})
            assert await refused(signing, callback, browser) == (401, "sign_in_unproven")
            callback = await signing.callback_url(browser, sign_in_id)

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (JSONResponse({}), (401, "sign_in_unproven")),
            (JSONResponse({"id_token": 1}), (401, "sign_in_unproven")),
            (JSONResponse({"id_token": "x.y.z"}), (401, "sign_in_unproven")),
            (JSONResponse({"id_token": "x" * 9000}), (401, "sign_in_unproven")),
            (Response(b"<html>"), (401, "sign_in_unproven")),
            (Response(b'{"id_token": "a", "id_token": "b"}'), (401, "sign_in_unproven")),
            (JSONResponse({"error": "invalid_grant"}, 400), (401, "sign_in_refused")),
            (JSONResponse({"error": "invalid_client"}, 401), (401, "sign_in_refused")),
            (Response(b"", 500), (503, "identity_provider_unavailable")),
            (Response(b"x" * 70_000), (503, "identity_provider_unavailable")),
            (RedirectResponse("/elsewhere"), (503, "identity_provider_unavailable")),
            (RedirectResponse("/elsewhere", 303), (503, "identity_provider_unavailable")),
        ],
    )
    async def test_are_not_made_up_from_another_answer(
        self, signing: SigningIn, sign_in_id: str, answer: Response, expected: tuple[int, str]
    ) -> None:
        signing.server.token_answer = answer
        browser = signing.browser()
        callback = await signing.callback_url(browser, sign_in_id)
        assert await refused(signing, callback, browser) == expected
        assert "/elsewhere" not in signing.server.asked
