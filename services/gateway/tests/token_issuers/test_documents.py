"""What issuers publish is read strictly, and what is no use is left out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from joserfc.jwk import ECKey, OKPKey

from gateway.token_issuers.documents import discovery_url, key_set_url, public_keys
from tests.harness.oidc_issuer import new_key
from tests.harness.token_forge import b64

ISSUER = "https://login.example/realms/staff"
RSA = new_key("RS256").as_dict(private=False)
P256 = new_key("ES256").as_dict(private=False)
P384 = ECKey.import_key(ec.generate_private_key(ec.SECP384R1())).as_dict(private=False)
ED = new_key("EdDSA").as_dict(private=False)


def key_set(*jwks: object) -> bytes:
    return json.dumps({"keys": jwks}).encode()


def usable(jwk: dict[str, Any], **changes: object) -> bool:
    return list(public_keys(key_set({"kid": "k", **jwk, **changes}))) == ["k"]


class TestDiscovery:
    def test_is_below_the_issuer(self) -> None:
        expected = f"{ISSUER}/.well-known/openid-configuration"
        assert discovery_url(ISSUER) == discovery_url(f"{ISSUER}/") == expected

    def test_names_the_keys(self) -> None:
        document = json.dumps({"issuer": ISSUER, "jwks_uri": "https://keys.example"}).encode()
        assert key_set_url(document, ISSUER) == "https://keys.example"

    @pytest.mark.parametrize(
        "document",
        [
            b"",
            b"[]",
            b"<html>",
            b"{}",
            b'{"issuer": "https://login.example", "jwks_uri": "https://keys.example"}',
            b'{"issuer": "https://login.example/realms/staff/", "jwks_uri": "https://k.example"}',
            b'{"issuer": ["https://login.example/realms/staff"], "jwks_uri": "https://k.example"}',
            b'{"issuer": "https://login.example/realms/staff"}',
            b'{"issuer": "https://login.example/realms/staff", "jwks_uri": ["https://k.example"]}',
            b'{"issuer": "x", "issuer": "https://login.example/realms/staff", "jwks_uri": "x"}',
        ],
    )
    def test_of_another_issuer_or_of_none_is_refused(self, document: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - any reason will do
            key_set_url(document, ISSUER)


class TestKeySets:
    @pytest.mark.parametrize("jwk", [RSA, P256, P384, ED], ids=lambda jwk: jwk.get("crv"))
    def test_give_the_keys_that_verify_signatures(self, jwk: dict[str, Any]) -> None:
        assert usable(jwk)
        assert usable(jwk, use="sig", key_ops=["verify"], x5c=["MIIB"], more={"a": 1})

    def test_keep_what_a_key_is_for(self) -> None:
        keys = public_keys(key_set({**RSA, "kid": "k", "alg": "PS256"}))
        assert keys["k"].alg == "PS256"

    @pytest.mark.parametrize(
        "changes",
        [
            {"kid": None},
            {"kid": 1},
            {"kid": ["k"]},
            {"use": "enc"},
            {"use": ["sig"]},
            {"key_ops": ["sign"]},
            {"key_ops": "verify"},
            {"alg": 256},
            {"kty": "oct", "k": "AAAA"},
            {"kty": "EC"},
            {"kty": None},
            {"n": None},
            {"n": 65537},
            {"n": "!"},
            {"n": "AQAB"},
            {"n": "f" * 1400},
            {"e": None},
            {"e": "AA"},
            *({private: "AQAB"} for private in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")),
        ],
        ids=str,
    )
    def test_leave_out_a_key_with(self, changes: dict[str, object]) -> None:
        assert not usable(RSA, **changes)

    def test_leave_out_points_off_the_curve_and_curves_that_nobody_asked_for(self) -> None:
        p521 = ECKey.import_key(ec.generate_private_key(ec.SECP521R1()))
        ed448_key = OKPKey.import_key(ed448.Ed448PrivateKey.generate())
        assert not usable(P256, x=P256["y"])
        assert not usable(P256, crv="P-384")
        assert not usable(p521.as_dict(private=False))
        assert not usable(ed448_key.as_dict(private=False))
        assert not usable(ED, x="AAAA")

    def test_leave_out_weak_and_slow_rsa_keys(self) -> None:
        weak = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
        assert not usable(RSA, n=b64(weak.public_numbers().n.to_bytes(128)))
        assert usable(RSA, n=b64(b"\xff" * 1024))
        assert not usable(RSA, n=b64(b"\x01" + b"\xff" * 1024))

    @pytest.mark.parametrize("size_bytes", range(256, 271))
    def test_give_rsa_keys_of_every_length(self, size_bytes: int) -> None:
        assert usable(RSA, n=b64(b"\xff" * size_bytes))

    def test_leave_out_both_keys_of_one_id(self) -> None:
        twice = key_set({**RSA, "kid": "k"}, {**P256, "kid": "k"}, {**ED, "kid": "other"})
        assert list(public_keys(twice)) == ["other"]

    def test_leave_out_what_is_no_key(self) -> None:
        assert list(public_keys(key_set(None, 1, [], "k", {**ED, "kid": "k"}))) == ["k"]

    @pytest.mark.parametrize("jwk", [RSA, P256, ED])
    def test_survive_anything_in_the_place_of_anything(self, jwk: dict[str, Any]) -> None:
        for member in (*jwk, "key_ops", "crv", "x5c", "d"):
            for value in (None, True, -1, 1.5, 10**40, "", "é", "====", [], ["RSA"], {}, {"a": 1}):
                assert public_keys(key_set({**ED, "kid": "sound"}, {**jwk, member: value}))

    def test_may_be_empty(self) -> None:
        assert public_keys(key_set()) == {}

    @pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": null}'])
    def test_are_refused_when_they_are_none(self, document: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - any reason will do
            public_keys(document)
