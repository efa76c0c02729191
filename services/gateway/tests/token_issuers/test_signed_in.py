"""Tests of gateway.token_issuers.signed_in: who somebody is by what the issuer says of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from clientsphere_common.access.model import Role
from clientsphere_common.request import Caller
from gateway.token_issuers.model import ClaimMapping, TokenIssuer
from gateway.token_issuers.signed_in import caller_of, is_user

ISSUER = TokenIssuer(
    id="iss_1",
    tenant_id="tnt_a",
    url="https://login.example",
    audience="clientsphere",
    algorithms=("RS256",),
    types=("at+jwt",),
    mapping=ClaimMapping(
        roles={"kb-editors": Role.EDITOR, "kb-readers": Role.VIEWER, "all": Role.VIEWER},
        groups_path=("groups",),
    ),
    created_at=datetime(2026, 11, 22, tzinfo=UTC),
)
WITH_DEFAULT = replace(ISSUER, mapping=replace(ISSUER.mapping, default_role=Role.AUDITOR))


def roles(issuer: TokenIssuer, *named: str) -> tuple[str, ...]:
    return caller_of(issuer, {"sub": "ada", "roles": list(named)}).roles


def groups(named: object) -> tuple[str, ...]:
    return caller_of(ISSUER, {"sub": "ada", "groups": named}).groups


class TestWho:
    def test_is_of_the_tenant_of_the_entry(self) -> None:
        claims = {"sub": "ada", "roles": ["kb-readers"], "groups": ["hr"], "tenant": "tnt_b"}
        caller = caller_of(ISSUER, claims)
        assert caller == Caller("tnt_a", caller.principal_id, ("viewer",), ("hr",))

    def test_is_the_same_whenever_they_come(self) -> None:
        once = caller_of(ISSUER, {"sub": "ada"}).principal_id
        assert once == "usr_ccfe019e6ba35d46b2a9d5ca4501969c"
        assert once == caller_of(WITH_DEFAULT, {"sub": "ada", "jti": "another"}).principal_id

    def test_is_somebody_else_by_another_subject_issuer_or_tenant(self) -> None:
        everybody = {
            caller_of(issuer, {"sub": subject}).principal_id
            for issuer in (
                ISSUER,
                replace(ISSUER, tenant_id="tnt_b"),
                replace(ISSUER, url="https://login.example/"),
            )
            for subject in ("ada", "Ada")
        }
        assert len(everybody) == 6

    def test_is_nobody_without_a_subject(self) -> None:
        with pytest.raises(ValueError, match="sub must be text"):
            caller_of(ISSUER, {"roles": ["kb-readers"]})

    def test_is_told_from_an_api_key(self) -> None:
        assert is_user(caller_of(ISSUER, {"sub": "ada"}))
        assert not is_user(Caller("tnt_a", "key_usr_1"))


class TestRoles:
    def test_are_those_that_the_entry_gives_to_the_names(self) -> None:
        named = ("kb-readers", "kb-editors", "all", "owner", "editor")
        assert roles(ISSUER, *named) == ("editor", "viewer")

    def test_are_none_for_names_that_the_entry_does_not_know(self) -> None:
        assert roles(ISSUER, "owner", "admin") == ()
        assert roles(ISSUER) == ()

    def test_are_the_default_where_no_name_gives_one(self) -> None:
        assert roles(WITH_DEFAULT, "owner") == ("auditor",)
        assert roles(WITH_DEFAULT, "kb-readers") == ("viewer",)


class TestGroups:
    def test_are_each_there_once(self) -> None:
        assert groups(["b", "a", "a"]) == ("a", "b")

    def test_may_be_200_of_256_characters(self) -> None:
        many = sorted(f"{number:0256}" for number in range(200))
        assert groups(many) == tuple(many)

    @pytest.mark.parametrize(
        "named",
        [[str(number) for number in range(201)], ["g" * 257], [""], ["hr", ""], ["a\n"]],
        ids=lambda named: str(named)[:20],
    )
    def test_are_refused_beyond_that(self, named: object) -> None:
        with pytest.raises(ValueError, match="no groups"):
            groups(named)
