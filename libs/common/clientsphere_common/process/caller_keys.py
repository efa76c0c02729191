"""The keys with which services sign for the callers they act for, from their secrets.

`<service>-context-key` is known to the service alone, `<service>-context-public-key` to all. To
replace a key, add the new public key to the old one first, then replace the private key, and take
the old public key away a minute later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from clientsphere_common.caller_context import CallerSigner, CallerVerifier
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.keys import read_private_key, read_public_keys
from clientsphere_common.modules import Module, Opened
from clientsphere_common.rpc.calls import OutgoingCalls
from clientsphere_common.secrets.following import FollowedSecret
from clientsphere_common.secrets.ports import Secret, Secrets

CALLING_SERVICES = ("gateway", "ingestion", "retrieval")

_Key = TypeVar("_Key")


async def open_calls(service: str, secrets: Secrets) -> Opened[OutgoingCalls]:
    """Raises NotFoundError, or DependencyUnavailableError, while the key cannot be had."""
    secret = await secrets.read(f"{service}-context-key")
    signer = CallerSigner(service, _usable(secret, read_private_key))

    def replace(pem: str) -> None:
        signer.replace_key(read_private_key(pem))

    return Opened(OutgoingCalls(signer), [_following(secrets, secret, replace)])


async def open_verifier(secrets: Secrets) -> Opened[CallerVerifier]:
    """Raises NotFoundError, or DependencyUnavailableError, while a key cannot be had."""
    verifier = CallerVerifier({})
    modules: list[Module] = []
    for service in CALLING_SERVICES:
        secret = await secrets.read(f"{service}-context-public-key")
        verifier.replace_keys(service, _usable(secret, read_public_keys))
        modules.append(_following(secrets, secret, _trusting(verifier, service)))
    return Opened(verifier, modules)


def _trusting(verifier: CallerVerifier, service: str) -> Callable[[str], None]:
    return lambda pem: verifier.replace_keys(service, read_public_keys(pem))


def _following(secrets: Secrets, known: Secret, apply: Callable[[str], None]) -> FollowedSecret:
    return FollowedSecret(secrets, known.name, [apply], known)


def _usable(secret: Secret, read: Callable[[str], _Key]) -> _Key:
    """A secret that makes no sense may be on its way to be corrected: worth waiting for."""
    try:
        return read(secret.value)
    except ValueError as error:
        raise DependencyUnavailableError(
            "secret_unusable", f"The secret {secret.name!r} does not hold Ed25519 keys in PEM."
        ) from error
