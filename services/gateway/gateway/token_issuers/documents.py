"""Reads what an issuer publishes: where its keys are, and the keys."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.compact_tokens import PublicKey
from gateway.strict_json import parse_object

_LEAST_RSA_BITS = 2048
_MOST_RSA_BITS = 8192
_PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
Jwk = Mapping[str, Any]


def discovery_url(issuer_url: str) -> str:
    """As OpenID Connect Discovery 1.0 says in section 4."""
    return f"{issuer_url.removesuffix('/')}/.well-known/openid-configuration"


def key_set_url(discovery: bytes, issuer_url: str) -> str:
    """Raises ValueError for a document that is not that issuer's."""
    document = parse_object(discovery)
    if document.get("issuer") != issuer_url:
        raise ValueError("the discovery document is another issuer's")
    url = document.get("jwks_uri")
    if not isinstance(url, str):
        raise ValueError("the discovery document names no keys")
    return url


def public_keys(key_set: bytes) -> dict[str, PublicKey]:
    """The keys of a JWK set (RFC 7517) that can verify signatures, by their ids.

    Keys of other kinds, without an id, or with that of another key are left out. Raises
    ValueError for what is no JWK set.
    """
    jwks = parse_object(key_set).get("keys")
    if not isinstance(jwks, list):
        raise ValueError("not a JWK set")
    ids = [jwk.get("kid") for jwk in jwks if isinstance(jwk, dict)]
    found = {}
    for jwk in jwks:
        key = _public_key(jwk) if isinstance(jwk, dict) else None
        if key is not None and ids.count(jwk["kid"]) == 1:
            found[jwk["kid"]] = key
    return found


def _public_key(jwk: Jwk) -> PublicKey | None:
    kind = jwk.get("kty"), jwk.get("crv")
    # Compared, not looked up: what an issuer wrote there need not be hashable.
    read = next((read for known, read in _READERS.items() if known == kind), None)
    if read is None or not _is_for_signatures(jwk):
        return None
    try:
        return read(jwk)
    except (JoseError, ValueError):
        return None


def _is_for_signatures(jwk: Jwk) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    return (
        isinstance(jwk.get("kid"), str)
        and jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and not _PRIVATE_MEMBERS & jwk.keys()
    )


def _rsa(jwk: Jwk) -> RSAKey:
    modulus = jwk.get("n")
    if not isinstance(modulus, str):
        raise ValueError("no modulus")
    number = int.from_bytes(base64.urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4)))
    if not _LEAST_RSA_BITS <= number.bit_length() <= _MOST_RSA_BITS:
        raise ValueError("too weak, or too slow to verify with")
    return RSAKey.import_key(_members(jwk, "n", "e"))


def _curve(jwk: Jwk) -> ECKey:
    return ECKey.import_key(_members(jwk, "crv", "x", "y"))


def _edwards(jwk: Jwk) -> OKPKey:
    return OKPKey.import_key(_members(jwk, "crv", "x"))


def _members(jwk: Jwk, *names: str) -> dict[str, Any]:
    """Only what is used: everything else in it is the issuer's business."""
    return {name: jwk[name] for name in ("kty", "alg", *names) if name in jwk}


_READERS: Mapping[tuple[object, object], Callable[[Jwk], PublicKey]] = {
    ("RSA", None): _rsa,
    ("EC", "P-256"): _curve,
    ("EC", "P-384"): _curve,
    ("OKP", "Ed25519"): _edwards,
}
