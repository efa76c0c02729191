"""What belongs to an idempotency key, and cannot be made without the key itself."""

from __future__ import annotations

import hmac
import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from clientsphere_common.errors import InternalError
from gateway.idempotency.model import Reply, Scope

_KEY_BYTES = 32
_NONCE_BYTES = 12


class KeySecrets:
    """Of one key of one principal: names, hashes and ciphers, all under the gateway's pepper.

    The tables hold neither the key nor the pepper, so nothing in them can be read or guessed.
    """

    def __init__(self, root: bytes, scope: Scope, key: str) -> None:
        owned = (scope.tenant_id.encode(), scope.principal_id.encode(), key.encode())
        self._secret = _hash(root, b"secret", *owned)
        self.id = _hash(root, b"id", *owned).hex()[:64]

    def fingerprint(self, digest: bytes) -> bytes:
        """What may be stored of the digest of a request."""
        return _hash(self._secret, b"fingerprint", digest)[:_KEY_BYTES]

    def derive(self, seed: bytes, what: str) -> bytes:
        """512 bits that are the same for the same seed, and nobody else's."""
        return _hash(self._secret, b"derived", seed, what.encode())

    def seal(self, seed: bytes, reply: Reply) -> bytes:
        about = json.dumps({"status": reply.status, "headers": reply.headers}).encode()
        nonce = os.urandom(_NONCE_BYTES)
        plain = about + b"\n" + reply.body
        return nonce + self._cipher(seed).encrypt(nonce, plain, self.id.encode())

    def open(self, seed: bytes, sealed: bytes) -> Reply:
        """Raises InternalError when it is not what was sealed."""
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            plain = self._cipher(seed).decrypt(nonce, rest, self.id.encode())
        except InvalidTag as error:
            raise InternalError("reply_damaged", "The stored reply is damaged.") from error
        about, _, body = plain.partition(b"\n")
        found = json.loads(about)
        headers = tuple((name, value) for name, value in found["headers"])
        return Reply(found["status"], headers, body)

    def _cipher(self, seed: bytes) -> AESGCM:
        return AESGCM(_hash(self._secret, b"cipher", seed)[:_KEY_BYTES])


class RequestSecrets:
    """Of all keys; the pepper must be the same in every gateway."""

    def __init__(self, pepper: bytes) -> None:
        self._root = HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"idempotency keys").derive(pepper)

    def of(self, scope: Scope, key: str) -> KeySecrets:
        return KeySecrets(self._root, scope, key)


def _hash(secret: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA-512 of all parts, each behind its length: no two lists of parts are alike."""
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(secret, message, "sha512")
