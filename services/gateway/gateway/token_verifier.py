"""Verifies signed tokens, and remembers whose signatures it has checked."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from clientsphere_common.errors import UnauthenticatedError
from gateway.compact_tokens import PublicKey, UnverifiedToken, check_size, read_token
from gateway.token_rules import LEEWAY_S, Claims, TokenRules

_REMEMBERED_TOKENS = 1024


@dataclass(frozen=True)
class PresentedToken:
    """What a request presents, before anybody believes it."""

    token: UnverifiedToken
    digest: bytes
    """SHA-256 of its text."""


class TokenVerifier:
    """Remembers that a key has signed a token, never that the token is good.

    Whether its issuer still has that key, what the issuer's rules are and what time it is are
    asked each time anew: what ends a token need not look for it here.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        remembered_tokens: int = _REMEMBERED_TOKENS,
    ) -> None:
        self._clock = clock
        self._size = remembered_tokens
        self._signed: OrderedDict[bytes, tuple[PresentedToken, PublicKey]] = OrderedDict()

    def read(self, text: str) -> PresentedToken:
        """Raises UnauthenticatedError for what is no token at all."""
        try:
            check_size(text)
            digest = hashlib.sha256(text.encode()).digest()
            if digest in self._signed:
                return self._signed[digest][0]
            return PresentedToken(read_token(text), digest)
        except ValueError as error:
            raise invalid_token() from error

    def verify(self, presented: PresentedToken, rules: TokenRules, key: PublicKey | None) -> Claims:
        """The claims of a token that is good by `rules` and signed with `key`.

        `key` is the one that the issuer has under the token's key id. Raises
        UnauthenticatedError, whatever is wrong.
        """
        try:
            rules.check_header(presented.token)
            self._check_signature(presented, key)
            expires_at_s = rules.check_claims(presented.token.claims, self._clock())
        except ValueError as error:
            raise invalid_token() from error
        if self._clock() >= expires_at_s + LEEWAY_S:
            raise UnauthenticatedError("token_expired", "The access token has expired.")
        return presented.token.claims

    def _check_signature(self, presented: PresentedToken, key: PublicKey | None) -> None:
        if key is None:
            raise ValueError("no such key")
        _, checked_with = self._signed.get(presented.digest, (None, None))
        if checked_with is key:
            return
        if not presented.token.is_signed_with(key):
            raise ValueError("not signed with the key that it names")
        self._signed[presented.digest] = (presented, key)
        if len(self._signed) > self._size:
            self._signed.popitem(last=False)


def invalid_token() -> UnauthenticatedError:
    return UnauthenticatedError("token_invalid", "This is not a valid access token.")
