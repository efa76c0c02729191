"""Tests of gateway.compact_tokens: one way to write each token, and whose signature it bears."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import OKPKey, RSAKey

from gateway.compact_tokens import UNTYPED, UnverifiedToken, read_token
from tests.harness.token_forge import MISSING, TokenForge, unb64

FORGE = TokenForge(Ed25519PrivateKey.generate(), {"iss": "https://issuer.example", "sub": "ada"})
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class TestReadToken:
    def test_takes_a_token_apart(self) -> None:
        written = FORGE.signed()
        body, _, signature = written.rpartition(".")
        assert read_token(written) == UnverifiedToken(
            algorithm="Ed25519",
            key_id=FORGE.kid,
            type="at+jwt",
            claims=FORGE.claims,
            signed_bytes=body.encode(),
            signature=unb64(signature),
        )

    def test_takes_a_token_that_names_no_type(self) -> None:
        assert read_token(FORGE.with_header(typ=MISSING)).type == UNTYPED

    @pytest.mark.parametrize(
        "changes",
        [
            {"alg": MISSING},
            {"kid": MISSING},
            {"typ": ""},
            {"jwk": {}},
            {"alg": MISSING, "Alg": "Ed25519"},
            {"alg": ["Ed25519"]},
            {"kid": 1},
            {"typ": None},
        ],
        ids=str,
    )
    def test_refuses_the_header(self, changes: dict[str, object]) -> None:
        with pytest.raises(ValueError, match="a header must"):
            read_token(FORGE.with_header(**changes))

    @pytest.mark.parametrize(
        "written",
        ["", "a", "a.b", "a.b.", ".b.c", "a..c", "a.b.c.d", "a.b.c\n", "a.b.c=", "a.b.\u0663"],
    )
    def test_refuses_what_is_not_three_parts(self, written: str) -> None:
        with pytest.raises(ValueError, match="compact form"):
            read_token(written)

    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_refuses_a_second_way_to_write_the_same_bytes(self, part: int) -> None:
        parts = FORGE.signed().split(".")
        parts[part] = "eB"  # The same byte as "eA", with a bit that a lax decoder passes over.
        with pytest.raises(ValueError, match="canonical"):
            read_token(".".join(parts))

    def test_looks_at_8_kib_and_no_more(self) -> None:
        with pytest.raises(ValueError, match="compact form"):
            read_token("." * 8192)
        with pytest.raises(ValueError, match="too long"):
            read_token("." * 8193)


class TestTheIssuer:
    def test_is_the_one_that_the_token_names(self) -> None:
        assert read_token(FORGE.signed()).issuer == "https://issuer.example"

    @pytest.mark.parametrize("named", [MISSING, None, 7, ["https://issuer.example"]], ids=str)
    def test_is_nobody_where_it_names_none(self, named: object) -> None:
        assert read_token(FORGE.with_claims(iss=named)).issuer == ""


class TestIsSignedWith:
    def test_tells_the_key_from_every_other(self) -> None:
        token, other = read_token(FORGE.signed()), Ed25519PrivateKey.generate()
        assert token.is_signed_with(OKPKey.import_key(FORGE.key.public_key()))
        assert not token.is_signed_with(OKPKey.import_key(other.public_key()))

    def test_is_no_for_a_key_of_another_kind(self) -> None:
        assert not read_token(FORGE.signed()).is_signed_with(RSAKey.import_key(RSA.public_key()))

    @pytest.mark.parametrize(
        ("for_algorithm", "is_good"), [(None, True), ("PS256", True), ("RS256", False)]
    )
    def test_holds_a_key_to_the_algorithm_that_it_is_for(
        self, for_algorithm: str | None, is_good: bool
    ) -> None:
        public = RSAKey.import_key(RSA.public_key()).as_dict(private=False)
        restricted = {} if for_algorithm is None else {"alg": for_algorithm}
        key = RSAKey.import_key({**public, **restricted})
        header = {"alg": "PS256", "kid": "k"}
        written = jws.serialize_compact(header, "{}", RSAKey.import_key(RSA), algorithms=["PS256"])
        assert read_token(written).is_signed_with(key) is is_good
