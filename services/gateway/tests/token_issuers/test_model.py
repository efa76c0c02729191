"""Tests of gateway.token_issuers.model: whose a token is, and what its claims say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.compact_tokens import UNTYPED
from gateway.token_issuers.model import (
    ClaimMapping,
    ClaimPath,
    SignInOffer,
    TenantCondition,
    TokenIssuer,
    texts_at,
)

ISSUER = TokenIssuer(
    id="iss_1",
    tenant_id="tnt_a",
    url="https://login.example",
    audience="clientsphere",
    algorithms=("RS256", "ES256"),
    types=("at+jwt",),
    mapping=ClaimMapping(),
    created_at=datetime(2026, 11, 22, tzinfo=UTC),
)
KESTRAND = replace(ISSUER, condition=TenantCondition("org", "kestrand"))
CLAIMS = {"iss": "https://login.example", "aud": "clientsphere", "org": "kestrand"}


class TestRules:
    def test_of_access_tokens_are_what_the_operator_said(self) -> None:
        rules = ISSUER.rules
        assert (rules.issuer, rules.audience) == ("https://login.example", "clientsphere")
        assert rules.algorithms == {"RS256", "ES256"}
        assert rules.types == {"at+jwt"}
        assert rules.is_for_us({"aud": ["other", "clientsphere"]})

    def test_of_id_tokens_ask_for_our_client_and_the_nonce(self) -> None:
        rules = ISSUER.id_token_rules("console")
        assert (rules.issuer, rules.audience) == ("https://login.example", "console")
        assert rules.algorithms == {"RS256", "ES256"}
        assert rules.types == {"JWT", UNTYPED}
        assert rules.text_claims == ("nonce",)
        assert rules.is_for_us({"aud": ["console"]})

    def test_of_signing_in_ask_for_an_id_token_where_nothing_else_is_said(self) -> None:
        assert SignInOffer("console").scopes == ("openid",)


class TestIsMeantBy:
    @pytest.mark.parametrize("issuer", [ISSUER, KESTRAND])
    def test_is_so_for_its_issuer_its_audience_and_its_tenant(self, issuer: TokenIssuer) -> None:
        assert issuer.is_meant_by(CLAIMS)

    @pytest.mark.parametrize("name", ["iss", "aud", "org"])
    @pytest.mark.parametrize("claimed", ["another", "", None, ["another"]])
    def test_is_not_so_for_any_other(self, name: str, claimed: object) -> None:
        assert not KESTRAND.is_meant_by({**CLAIMS, name: claimed})

    @pytest.mark.parametrize("name", ["iss", "aud", "org"])
    def test_is_not_so_where_one_is_missing(self, name: str) -> None:
        assert not KESTRAND.is_meant_by({one: CLAIMS[one] for one in CLAIMS if one != name})


class TestIsToldApartFrom:
    @pytest.mark.parametrize(
        "other",
        [
            replace(KESTRAND, url="https://login.quaymere.example"),
            replace(KESTRAND, audience="another"),
            replace(KESTRAND, condition=TenantCondition("org", "quaymere")),
        ],
    )
    def test_is_so_when_no_token_can_be_for_both(self, other: TokenIssuer) -> None:
        assert KESTRAND.is_told_apart_from(other)
        assert other.is_told_apart_from(KESTRAND)

    @pytest.mark.parametrize(
        "other",
        [
            KESTRAND,
            ISSUER,
            replace(KESTRAND, condition=TenantCondition("unit", "quaymere")),
            replace(KESTRAND, condition=TenantCondition("unit", "kestrand")),
            replace(KESTRAND, audience="another", sign_in=SignInOffer("clientsphere")),
        ],
    )
    def test_is_not_so_when_one_token_could_be_for_both(self, other: TokenIssuer) -> None:
        assert not KESTRAND.is_told_apart_from(other)
        assert not other.is_told_apart_from(KESTRAND)

    def test_is_not_so_for_the_same_audience_whatever_the_clients(self) -> None:
        ours = replace(ISSUER, sign_in=SignInOffer("console"))
        assert not ours.is_told_apart_from(replace(ISSUER, sign_in=SignInOffer("desk")))


class TestTextsAt:
    @pytest.mark.parametrize(
        ("path", "texts"),
        [
            (("realm", "roles"), ("a", "b")),
            (("realm", "unit"), ("c",)),
            (("realm", "missing"), ()),
            (("realm", "unit", "deeper"), ()),
            (("missing", "roles"), ()),
            (("none",), ()),
            ((), ()),
        ],
    )
    def test_are_those_that_the_path_leads_to(self, path: ClaimPath, texts: object) -> None:
        claims = {"realm": {"roles": ["a", "b"], "unit": "c"}, "none": None}
        assert texts_at(claims, path) == texts

    @pytest.mark.parametrize("value", [1, True, {"a": "b"}, [1], ["a", None]], ids=str)
    def test_are_refused_as_anything_else(self, value: object) -> None:
        with pytest.raises(ValueError, match=r"realm\.roles must be text"):
            texts_at({"realm": {"roles": value}}, ("realm", "roles"))
