"""The secrets that are the gateway's own: read before it serves, replaced while it does."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.keys import new_private_key, read_private_key
from clientsphere_common.modules import Opened
from clientsphere_common.secrets.following import FollowedSecret
from clientsphere_common.secrets.kept import Makers, random_text
from clientsphere_common.secrets.ports import Secret, Secrets
from gateway.token_keys import TokenKeys
from gateway.token_rules import LEEWAY_S

_OPERATOR_KEY = "gateway-operator-key"
_PEPPER = "gateway-api-key-pepper"
_TOKEN_KEY = "gateway-token-key"  # noqa: S105 - the name of a secret, not the secret
_LEAST_CHARS = 32

MAKERS: Makers = {
    _OPERATOR_KEY: random_text,
    _PEPPER: random_text,
    _TOKEN_KEY: new_private_key,
}
"""For a process that makes the secrets which nobody gave."""


class OperatorKey:
    def __init__(self, key: str) -> None:
        self.replace(key)

    def replace(self, key: str) -> None:
        """Raises ValueError for one that is short enough to be guessed."""
        self._key = _long_enough(key)

    def matches(self, credential: str) -> bool:
        return hmac.compare_digest(credential.encode(), self._key)


@dataclass(frozen=True)
class OwnSecrets:
    operator_key: OperatorKey
    """Creates tenants. One that was replaced opens nothing any more."""
    api_key_pepper: bytes
    """Stays the same for as long as the process runs: another one would void all API keys."""
    token_keys: TokenKeys


async def open_own_secrets(secrets: Secrets, token_lifetime_s: int) -> Opened[OwnSecrets]:
    """Raises NotFoundError, or DependencyUnavailableError, while one of them cannot be had."""
    operator_secret = await secrets.read(_OPERATOR_KEY)
    pepper_secret = await secrets.read(_PEPPER)
    token_secret = await secrets.read(_TOKEN_KEY)
    with _made_usable(operator_secret):
        operator_key = OperatorKey(operator_secret.value)
    with _made_usable(pepper_secret):
        pepper = _long_enough(pepper_secret.value)
    with _made_usable(token_secret):
        token_keys = TokenKeys(read_private_key(token_secret.value), token_lifetime_s + LEEWAY_S)

    def replace_token_key(pem: str) -> None:
        token_keys.replace(read_private_key(pem))

    return Opened(
        OwnSecrets(operator_key, pepper, token_keys),
        [
            FollowedSecret(secrets, _OPERATOR_KEY, [operator_key.replace], operator_secret),
            FollowedSecret(secrets, _TOKEN_KEY, [replace_token_key], token_secret),
        ],
    )


def _long_enough(text: str) -> bytes:
    if len(text) < _LEAST_CHARS:
        raise ValueError(f"shorter than {_LEAST_CHARS} characters")
    return text.encode()


@contextmanager
def _made_usable(secret: Secret) -> Iterator[None]:
    """One that makes no sense may be on its way to be corrected: worth waiting for."""
    try:
        yield
    except ValueError as error:
        expected = (
            "an Ed25519 private key in PEM"
            if secret.name == _TOKEN_KEY
            else f"at least {_LEAST_CHARS} characters"
        )
        raise DependencyUnavailableError(
            "secret_unusable", f"The secret {secret.name!r} does not hold {expected}."
        ) from error
