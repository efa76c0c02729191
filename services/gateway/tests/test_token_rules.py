"""Tests of gateway.token_rules: where exactly each rule begins to refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.compact_tokens import UnverifiedToken
from gateway.token_rules import LEEWAY_S, TokenRules, text_claim

NOW = 1_800_000_000
LAST_SECOND = 253_402_300_799
RULES = TokenRules(
    issuer="https://issuer.example",
    audience="clientsphere",
    algorithms=frozenset({"ES256"}),
    types=frozenset({"at+jwt"}),
    text_claims=("tenant",),
)
CLAIMS: dict[str, object] = {
    "iss": "https://issuer.example",
    "aud": "clientsphere",
    "sub": "somebody",
    "tenant": "tnt_a",
    "iat": NOW,
    "exp": NOW + 900,
}


def token(algorithm: str = "ES256", kind: str = "at+jwt") -> UnverifiedToken:
    return UnverifiedToken(algorithm, "key", kind, CLAIMS, b"", b"")


class TestHeaders:
    def test_of_the_issuer_are_accepted(self) -> None:
        RULES.check_header(token())

    @pytest.mark.parametrize("other", [token(algorithm="HS256"), token(kind="JWT")])
    def test_with_another_algorithm_or_type_are_refused(self, other: UnverifiedToken) -> None:
        with pytest.raises(ValueError, match="not a kind of token"):
            RULES.check_header(other)


class TestClaims:
    def test_that_are_good_tell_when_the_token_expires(self) -> None:
        assert RULES.check_claims(CLAIMS, NOW) == NOW + 900

    @pytest.mark.parametrize(
        "allowed",
        [
            {"iat": NOW + LEEWAY_S},
            {"nbf": NOW + LEEWAY_S},
            {"iat": 0},
            {"exp": LAST_SECOND},
            {"sub": "s" * 255},
        ],
    )
    def test_up_to_the_bound_are_accepted(self, allowed: dict[str, object]) -> None:
        RULES.check_claims(CLAIMS | allowed, NOW)

    @pytest.mark.parametrize(
        "refused",
        [
            {"iat": NOW + LEEWAY_S + 1},
            {"nbf": NOW + LEEWAY_S + 1},
            {"iat": -1},
            {"exp": LAST_SECOND + 1},
            {"exp": float(NOW)},
            {"exp": True},
            {"exp": "1800000900"},
            {"sub": "s" * 256},
            {"sub": "some\nbody"},
            {"sub": ""},
            {"sub": 7},
            {"tenant": ""},
            {"tenant": None},
            {"iss": "https://other.example"},
            {"iss": None},
            {"aud": "other"},
            {"aud": ["clientsphere"]},
        ],
    )
    def test_beyond_it_are_refused(self, refused: dict[str, object]) -> None:
        with pytest.raises(
            ValueError, match=r"must|somebody else|no identifier|future|not valid yet"
        ):
            RULES.check_claims(CLAIMS | refused, NOW)

    @pytest.mark.parametrize("missing", ["iss", "aud", "sub", "tenant", "iat", "exp"])
    def test_that_are_missing_are_refused(self, missing: str) -> None:
        claims = {name: value for name, value in CLAIMS.items() if name != missing}
        with pytest.raises(
            ValueError, match=r"must|somebody else|no identifier|future|not valid yet"
        ):
            RULES.check_claims(claims, NOW)

    def test_need_only_what_the_issuer_asks_for(self) -> None:
        claims = {name: value for name, value in CLAIMS.items() if name != "tenant"}
        assert replace(RULES, text_claims=()).check_claims(claims, NOW) == NOW + 900


class TestAudiences:
    SHARED = replace(RULES, may_name_other_audiences=True)

    @pytest.mark.parametrize("named", ["clientsphere", ["clientsphere"], ["a", "clientsphere"]])
    def test_may_be_several_where_the_issuer_says_so(self, named: object) -> None:
        assert self.SHARED.is_for_us({"aud": named})

    @pytest.mark.parametrize("named", [[], ["a"], ["clientsphere", 7], "a", None, {}])
    def test_must_hold_ours(self, named: object) -> None:
        assert not self.SHARED.is_for_us({"aud": named})


class TestTextClaim:
    def test_is_the_text(self) -> None:
        assert text_claim({"a": "b"}, "a") == "b"
