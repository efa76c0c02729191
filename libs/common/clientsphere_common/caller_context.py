"""Signs who is calling and verifies it, so that no process can name a tenant by itself."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from google.protobuf.message import DecodeError

from clientsphere.common.v1 import context_pb2
from clientsphere_common.errors import UnauthenticatedError
from clientsphere_common.request import Caller

CONTEXT_LIFETIME_S = 60
_REUSE_S = 30
_CACHE_SIZE = 4096
PublicKeys = Sequence[Ed25519PublicKey]
_K = TypeVar("_K")
_V = TypeVar("_V")


class CallerSigner:
    """Mints signed contexts as `issuer`. A caller's context is minted once and reused for 30 s."""

    def __init__(
        self, issuer: str, key: Ed25519PrivateKey, clock: Callable[[], float] = time.time
    ) -> None:
        self._issuer = issuer
        self._key = key
        self._clock = clock
        self._minted: OrderedDict[Caller, tuple[float, bytes]] = OrderedDict()

    def replace_key(self, key: Ed25519PrivateKey) -> None:
        """Sign with `key` from here on; verifiers must know it already."""
        self._key = key
        self._minted.clear()

    def sign(self, caller: Caller) -> bytes:
        """A serialized SignedContext, valid for 30 to 60 seconds."""
        now = self._clock()
        reusable_until, token = self._minted.get(caller, (0.0, b""))
        if now < reusable_until:
            return token
        token = self._mint(caller, now)
        _remember(self._minted, caller, (now + _REUSE_S, token))
        return token

    def _mint(self, caller: Caller, now: float) -> bytes:
        payload = context_pb2.CallerContext(
            tenant_id=caller.tenant_id,
            principal_id=caller.principal_id,
            roles=caller.roles,
            groups=caller.groups,
            permissions=sorted(caller.permissions),
            issuer=self._issuer,
            expires_at_s=int(now) + CONTEXT_LIFETIME_S,
        ).SerializeToString()
        signed = context_pb2.SignedContext(payload=payload, signature=self._key.sign(payload))
        return signed.SerializeToString()


class CallerVerifier:
    """Verifies signed contexts against the public keys of the service that claims to have signed.

    A service has more than one while its key is being replaced.
    """

    def __init__(
        self, keys: Mapping[str, PublicKeys], clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = dict(keys)
        self._clock = clock
        self._verified: OrderedDict[bytes, tuple[int, Caller]] = OrderedDict()

    def replace_keys(self, issuer: str, keys: PublicKeys) -> None:
        """Trust only `keys` to sign for `issuer`; what it signed before is checked anew."""
        self._keys[issuer] = keys
        self._verified.clear()

    def verify(self, token: bytes) -> Caller:
        """The caller that `token` names. Raises UnauthenticatedError when it is not genuine."""
        expires_at_s, caller = self._verified.get(token) or self._check(token)
        if self._clock() >= expires_at_s:
            raise UnauthenticatedError("caller_context_expired", "The caller context has expired.")
        return caller

    def _check(self, token: bytes) -> tuple[int, Caller]:
        context = _verified_payload(token, self._keys)
        caller = Caller(
            tenant_id=context.tenant_id,
            principal_id=context.principal_id,
            roles=tuple(context.roles),
            groups=tuple(context.groups),
            permissions=frozenset(context.permissions),
        )
        checked = (context.expires_at_s, caller)
        _remember(self._verified, token, checked)
        return checked


def _verified_payload(token: bytes, keys: Mapping[str, PublicKeys]) -> context_pb2.CallerContext:
    refused = UnauthenticatedError("caller_context_invalid", "The caller context is not valid.")
    try:
        signed = context_pb2.SignedContext.FromString(token)
        context = context_pb2.CallerContext.FromString(signed.payload)
    except DecodeError as error:
        raise refused from error
    is_genuine = any(_is_signed_with(key, signed) for key in keys.get(context.issuer, ()))
    if not (is_genuine and context.tenant_id and context.principal_id):
        raise refused
    return context


def _is_signed_with(key: Ed25519PublicKey, signed: context_pb2.SignedContext) -> bool:
    try:
        key.verify(signed.signature, signed.payload)
    except InvalidSignature:
        return False
    return True


def _remember(cache: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    cache[key] = value
    if len(cache) > _CACHE_SIZE:
        cache.popitem(last=False)
