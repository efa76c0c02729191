"""The gateway's own secrets are needed, checked, and replaced without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from clientsphere_common.errors import (
    DependencyUnavailableError,
    NotFoundError,
    UnauthenticatedError,
)
from clientsphere_common.keys import new_private_key
from clientsphere_common.secrets.environment import EnvironmentSource
from clientsphere_common.secrets.kept import random_text
from clientsphere_common.secrets.polled import PolledSecrets
from gateway.own_secrets import MAKERS, OperatorKey, OwnSecrets, open_own_secrets
from gateway.token_verifier import TokenVerifier
from gateway.tokens import AccessTokens, TokenSubject
from tests.harness.modules import running

OPERATOR_KEY, PEPPER, TOKEN_KEY = (
    f"CLIENTSPHERE_GATEWAY_{name}" for name in ("OPERATOR_KEY", "API_KEY_PEPPER", "TOKEN_KEY")
)
SUBJECT = TokenSubject("tnt_a", "key_a")


def access_tokens(own: OwnSecrets) -> AccessTokens:
    return AccessTokens(own.token_keys, "clientsphere", 900, TokenVerifier())


def subject_of(token: str, tokens: AccessTokens) -> TokenSubject:
    return tokens.verify(TokenVerifier().read(token))


@pytest.fixture
def environment() -> dict[str, str]:
    return {
        f"CLIENTSPHERE_{name.replace('-', '_').upper()}": make() for name, make in MAKERS.items()
    }


@pytest.fixture
def secrets(environment: dict[str, str]) -> PolledSecrets:
    return PolledSecrets(EnvironmentSource(environment), 3600)


@asynccontextmanager
async def followed(secrets: PolledSecrets) -> AsyncIterator[OwnSecrets]:
    opened = await open_own_secrets(secrets, 900)
    async with running(*opened.modules):
        yield opened.use


async def noticed(secrets: PolledSecrets) -> None:
    await secrets.refresh()
    # One turn of the loop for the news to be heard, one for it to be acted upon.
    await asyncio.sleep(0)
    await asyncio.sleep(0)


class TestOwnSecrets:
    @pytest.mark.parametrize("variable", [OPERATOR_KEY, PEPPER, TOKEN_KEY])
    async def test_are_all_needed(
        self, environment: dict[str, str], secrets: PolledSecrets, variable: str
    ) -> None:
        del environment[variable]
        with pytest.raises(NotFoundError):
            await open_own_secrets(secrets, 900)

    @pytest.mark.parametrize(
        ("variable", "wanted"),
        [
            (OPERATOR_KEY, "'gateway-operator-key' does not hold at least 32 characters."),
            (PEPPER, "'gateway-api-key-pepper' does not hold at least 32 characters."),
            (TOKEN_KEY, "'gateway-token-key' does not hold an Ed25519 private key in PEM."),
        ],
    )
    async def test_are_not_taken_when_they_make_no_sense(
        self, environment: dict[str, str], secrets: PolledSecrets, variable: str, wanted: str
    ) -> None:
        environment[variable] = "too short"
        with pytest.raises(DependencyUnavailableError) as refused:
            await open_own_secrets(secrets, 900)
        assert refused.value.code == "secret_unusable"
        assert refused.value.message == f"The secret {wanted}"


class TestOperatorKey:
    def test_has_32_characters_at_least(self) -> None:
        assert OperatorKey("k" * 32).matches("k" * 32)
        with pytest.raises(ValueError, match="shorter than 32"):
            OperatorKey("k" * 31)

    async def test_ends_when_it_is_replaced(
        self, environment: dict[str, str], secrets: PolledSecrets
    ) -> None:
        before, after = environment[OPERATOR_KEY], random_text()
        async with followed(secrets) as own:
            assert own.operator_key.matches(before)
            environment[OPERATOR_KEY] = after
            await noticed(secrets)
            assert own.operator_key.matches(after)
            assert not own.operator_key.matches(before)

    async def test_stays_when_its_successor_is_too_short(
        self, environment: dict[str, str], secrets: PolledSecrets
    ) -> None:
        before = environment[OPERATOR_KEY]
        async with followed(secrets) as own:
            environment[OPERATOR_KEY] = "too short"
            await noticed(secrets)
            assert own.operator_key.matches(before)
            assert not own.operator_key.matches("too short")


class TestTokenKey:
    async def test_signs_from_when_it_is_there_and_leaves_older_tokens_valid(
        self, environment: dict[str, str], secrets: PolledSecrets
    ) -> None:
        async with followed(secrets) as own:
            tokens = access_tokens(own)
            older = tokens.issue(SUBJECT).access_token
            environment[TOKEN_KEY] = new_private_key()
            await noticed(secrets)
            newer = tokens.issue(SUBJECT).access_token
            assert subject_of(older, tokens) == subject_of(newer, tokens) == SUBJECT
        async with followed(secrets) as restarted:
            tokens = access_tokens(restarted)
            assert subject_of(newer, tokens) == SUBJECT
            with pytest.raises(UnauthenticatedError):
                subject_of(older, tokens)

    async def test_verifies_on_for_as_long_as_clocks_may_differ(
        self, environment: dict[str, str], secrets: PolledSecrets
    ) -> None:
        opened = await open_own_secrets(secrets, token_lifetime_s=0)
        async with running(*opened.modules):
            before = opened.use.token_keys.kid
            environment[TOKEN_KEY] = new_private_key()
            await noticed(secrets)
            assert opened.use.token_keys.kid != before
            assert opened.use.token_keys.find(before) is not None

    async def test_stays_when_its_successor_is_no_key(
        self, environment: dict[str, str], secrets: PolledSecrets
    ) -> None:
        async with followed(secrets) as own:
            tokens = access_tokens(own)
            environment[TOKEN_KEY] = "no key"
            await noticed(secrets)
            assert subject_of(tokens.issue(SUBJECT).access_token, tokens) == SUBJECT
