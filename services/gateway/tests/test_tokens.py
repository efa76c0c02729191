"""Our own access tokens: issued and read back; test_token_attacks.py is about all others."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import OKPKey

from clientsphere_common.errors import UnauthenticatedError
from gateway.token_keys import TokenKeys
from gateway.token_verifier import TokenVerifier
from gateway.tokens import AccessTokens, TokenSubject
from tests.harness.gateway import Clock

NOW_S = 1_800_000_000
SUBJECT = TokenSubject("tnt_a", "key_a")
KEY = Ed25519PrivateKey.generate()


def access_tokens(now_s: float = NOW_S, issuer: str = "clientsphere") -> AccessTokens:
    clock = Clock(now_s)
    return AccessTokens(TokenKeys(KEY, 930, clock), issuer, 900, TokenVerifier(clock), clock)


def subject_of(token: str, tokens: AccessTokens) -> TokenSubject:
    return tokens.verify(tokens.read(token))


class TestAccessTokens:
    def test_speak_for_whom_they_were_issued(self) -> None:
        token = access_tokens().issue(SUBJECT).access_token
        assert subject_of(token, access_tokens()) == SUBJECT

    def test_say_by_whom_for_whom_and_until_when(self) -> None:
        tokens = access_tokens()
        token = tokens.read(tokens.issue(SUBJECT).access_token).token
        assert (token.algorithm, token.type) == ("Ed25519", "at+jwt")
        claims = dict(token.claims)
        assert str(claims.pop("jti")).startswith("tok_")
        assert claims == {
            "iss": "clientsphere",
            "sub": "key_a",
            "aud": "clientsphere-api",
            "exp": NOW_S + 900,
            "iat": NOW_S,
            "tenant": "tnt_a",
        }

    def test_no_two_are_the_same(self) -> None:
        tokens = access_tokens()
        assert tokens.issue(SUBJECT).access_token != tokens.issue(SUBJECT).access_token

    def test_say_how_long_they_live(self) -> None:
        assert access_tokens().issue(SUBJECT).expires_in == 900

    def test_know_their_own(self) -> None:
        presented = TokenVerifier().read(access_tokens().issue(SUBJECT).access_token)
        assert access_tokens().is_issuer_of(presented)
        assert not access_tokens(issuer="elsewhere").is_issuer_of(presented)

    def test_of_another_issuer_with_the_same_key_are_refused(self) -> None:
        token = access_tokens(issuer="elsewhere").issue(SUBJECT).access_token
        with pytest.raises(UnauthenticatedError, match="not a valid access token"):
            subject_of(token, access_tokens())

    def test_a_clock_may_be_half_a_minute_behind(self) -> None:
        token = access_tokens(NOW_S + 30).issue(SUBJECT).access_token
        assert subject_of(token, access_tokens()) == SUBJECT
        with pytest.raises(UnauthenticatedError, match="not a valid access token"):
            subject_of(token, access_tokens(NOW_S - 1))

    def test_live_half_a_minute_longer_than_they_say_and_no_second_more(self) -> None:
        token = access_tokens().issue(SUBJECT).access_token
        assert subject_of(token, access_tokens(NOW_S + 929)) == SUBJECT
        with pytest.raises(UnauthenticatedError, match="expired"):
            subject_of(token, access_tokens(NOW_S + 930))

    def test_a_public_key_is_all_that_others_need(self) -> None:
        (public_key,) = access_tokens().public_keys()
        token = access_tokens().issue(SUBJECT).access_token
        assert {**public_key, "x": ""} == {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": "",
            "kid": access_tokens().read(token).token.key_id,
            "use": "sig",
            "alg": "Ed25519",
        }
        verified = jws.deserialize_compact(
            token, OKPKey.import_key(dict(public_key)), algorithms=["Ed25519"]
        )
        assert json.loads(verified.payload)["sub"] == "key_a"
