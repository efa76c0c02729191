"""The key that signs access tokens, and those that still verify them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey


class TokenKeys:
    """One Ed25519 key signs. Its predecessors verify for `kept_s` seconds after it came."""

    def __init__(
        self, key: Ed25519PrivateKey, kept_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._kept_s = kept_s
        self._clock = clock
        self._ends_at_s: dict[str, float] = {}
        self._public: dict[str, OKPKey] = {}
        self.kid = ""
        self._take(key)

    def replace(self, key: Ed25519PrivateKey) -> None:
        self._ends_at_s[self.kid] = self._clock() + self._kept_s
        self._take(key)

    def public_keys(self) -> Mapping[str, OKPKey]:
        """All that verify, by their ids; the one of the key that signs comes first."""
        alive = [kid for kid, ends_at_s in self._ends_at_s.items() if self._clock() < ends_at_s]
        return {kid: self._public[kid] for kid in (self.kid, *alive)}

    def find(self, kid: str) -> OKPKey | None:
        """The key of that id, if it still verifies."""
        return self.public_keys().get(kid)

    def _take(self, key: Ed25519PrivateKey) -> None:
        public = OKPKey.import_key(key.public_key())
        self.signing_key = OKPKey.import_key(key)
        self.kid = public.thumbprint()
        self._public[self.kid] = public
