"""Services sign for their callers with keys from their secrets, which may be replaced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from clientsphere_common.caller_context import CallerSigner
from clientsphere_common.errors import (
    DependencyUnavailableError,
    NotFoundError,
    UnauthenticatedError,
)
from clientsphere_common.process.caller_keys import CALLING_SERVICES, open_calls, open_verifier
from clientsphere_common.request import Caller, set_caller
from clientsphere_common.rpc.metadata import CONTEXT_KEY, binary_value
from clientsphere_common.secrets.environment import EnvironmentSource
from clientsphere_common.secrets.polled import PolledSecrets
from tests.harness.modules import running

ALICE = Caller("tnt_a", "usr_alice")


def private_pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(*keys: Ed25519PrivateKey) -> str:
    format_ = PublicFormat.SubjectPublicKeyInfo
    return "".join(key.public_key().public_bytes(Encoding.PEM, format_).decode() for key in keys)


class Keys:
    """The secrets of an installation; what is set here is what a process reads next."""

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self.secrets = PolledSecrets(EnvironmentSource(self.environment), 3600)
        self.of = {service: Ed25519PrivateKey.generate() for service in CALLING_SERVICES}
        for service, key in self.of.items():
            self.set(service, "key", private_pem(key))
            self.set(service, "public-key", public_pem(key))

    def set(self, service: str, which: str, pem: str) -> None:
        name = f"clientsphere_{service}_context_{which}".replace("-", "_")
        self.environment[name.upper()] = pem

    async def notice(self) -> None:
        await self.secrets.refresh()
        await asyncio.sleep(0)


@pytest.fixture
async def keys() -> AsyncIterator[Keys]:
    keys = Keys()
    async with running(keys.secrets):
        yield keys


class TestCallerKeys:
    async def test_what_a_service_signs_is_accepted_by_all(self, keys: Keys) -> None:
        verifier = await open_verifier(keys.secrets)
        for service, key in keys.of.items():
            assert verifier.use.verify(CallerSigner(service, key).sign(ALICE)) == ALICE

    async def test_no_service_can_sign_for_another(self, keys: Keys) -> None:
        verifier = await open_verifier(keys.secrets)
        forged = CallerSigner("gateway", keys.of["retrieval"]).sign(ALICE)
        with pytest.raises(UnauthenticatedError):
            verifier.use.verify(forged)

    async def test_a_replaced_key_is_used_and_trusted_without_a_restart(self, keys: Keys) -> None:
        verifier, calls = (
            await open_verifier(keys.secrets),
            await open_calls("gateway", keys.secrets),
        )
        old, new = keys.of["gateway"], Ed25519PrivateKey.generate()
        set_caller(ALICE)
        async with running(*verifier.modules, *calls.modules):
            await keys.notice()
            signed_by_old = CallerSigner("gateway", old).sign(ALICE)
            keys.set("gateway", "public-key", public_pem(old, new))
            keys.set("gateway", "key", private_pem(new))
            await keys.notice()
            signed = binary_value(calls.use.metadata(), CONTEXT_KEY)
            assert verifier.use.verify(signed) == ALICE
            assert verifier.use.verify(signed_by_old) == ALICE

            keys.set("gateway", "public-key", public_pem(new))
            await keys.notice()
            assert verifier.use.verify(signed) == ALICE
            with pytest.raises(UnauthenticatedError):
                verifier.use.verify(signed_by_old)

    async def test_a_key_that_makes_no_sense_leaves_the_old_one_in_use(self, keys: Keys) -> None:
        verifier = await open_verifier(keys.secrets)
        async with running(*verifier.modules):
            await keys.notice()
            keys.set("gateway", "public-key", "-----BEGIN NONSENSE-----")
            await keys.notice()
            signed = CallerSigner("gateway", keys.of["gateway"]).sign(ALICE)
            assert verifier.use.verify(signed) == ALICE

    async def test_a_key_that_is_not_there_yet_is_waited_for(self, keys: Keys) -> None:
        del keys.environment["CLIENTSPHERE_GATEWAY_CONTEXT_KEY"]
        with pytest.raises(NotFoundError, match="gateway-context-key"):
            await open_calls("gateway", keys.secrets)

    async def test_one_that_cannot_be_read_is_waited_for_too(self, keys: Keys) -> None:
        keys.set("gateway", "key", "not a key")
        with pytest.raises(DependencyUnavailableError, match="gateway-context-key"):
            await open_calls("gateway", keys.secrets)
