"""A verifier remembers signatures, and believes nothing else that it saw before."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from clientsphere_common.errors import UnauthenticatedError
from gateway.compact_tokens import PublicKey
from gateway.token_rules import Claims, TokenRules
from gateway.token_verifier import TokenVerifier
from tests.harness.gateway import Clock

NOW_S = 1_800_000_000
RULES = TokenRules("issuer", "us", frozenset({"RS256", "ES256"}), frozenset({"at+jwt", "JWT"}))
RSA = RSAKey.import_key(rsa.generate_private_key(public_exponent=65537, key_size=2048))
P256 = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))


def token(key: RSAKey | ECKey | OKPKey = RSA, algorithm: str = "RS256", **claims: object) -> str:
    every = {"iss": "issuer", "aud": "us", "sub": "s", "iat": NOW_S, "exp": NOW_S + 60} | claims
    header = {"alg": algorithm, "kid": "k", "typ": "JWT"}
    return jws.serialize_compact(header, json.dumps(every), key, algorithms=[algorithm])


class CountedKey(RSAKey):
    """Tells how often it verified."""

    uses = 0

    def check_key_op(self, operation: str) -> None:
        self.uses += 1
        super().check_key_op(operation)


def counted() -> CountedKey:
    key = RSAKey.import_key(RSA.as_dict(private=False))
    return CountedKey(key.raw_value, key.as_dict(private=False))


class Verifying:
    def __init__(self, remembered_tokens: int = 8) -> None:
        self.clock = Clock(NOW_S)
        self.verifier = TokenVerifier(self.clock, remembered_tokens)

    def claims(self, text: str, rules: TokenRules, key: PublicKey | None) -> Claims:
        return self.verifier.verify(self.verifier.read(text), rules, key)

    def refuses(self, text: str, rules: TokenRules, key: PublicKey | None) -> bool:
        try:
            self.claims(text, rules, key)
        except UnauthenticatedError:
            return True
        return False


class TestVerify:
    @pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (P256, "ES256")])
    def test_gives_the_claims(self, key: RSAKey | ECKey, algorithm: str) -> None:
        assert Verifying().claims(token(key, algorithm), RULES, key)["sub"] == "s"

    def test_wants_a_key_of_the_kind_that_the_algorithm_uses(self) -> None:
        assert Verifying().refuses(token(RSA), RULES, P256)
        assert Verifying().refuses(token(P256, "ES256"), RULES, RSA)

    def test_wants_the_curve_that_the_algorithm_names(self) -> None:
        p384 = ECKey.import_key(ec.generate_private_key(ec.SECP384R1()))
        forged = token(P256, "ES256")
        assert Verifying().refuses(forged, RULES, p384)

    def test_knows_no_algorithm_that_the_rules_do_not_name(self) -> None:
        ed = OKPKey.import_key(ed25519.Ed25519PrivateKey.generate())
        assert Verifying().refuses(token(ed, "Ed25519"), RULES, ed)
        assert Verifying().refuses(token(RSA, "PS256"), RULES, RSA)

    def test_refuses_without_a_key(self) -> None:
        assert Verifying().refuses(token(), RULES, None)

    def test_says_the_same_of_all_that_is_no_token(self) -> None:
        for text in ("garbage", token(aud="them")):
            with pytest.raises(UnauthenticatedError) as refused:
                Verifying().claims(text, RULES, RSA)
            assert refused.value.code == "token_invalid"
            assert refused.value.message == "This is not a valid access token."


class TestTexts:
    def test_may_be_255_characters_long_and_must_be_printable(self) -> None:
        assert not Verifying().refuses(token(sub="s" * 255), RULES, RSA)
        for subject in ("s" * 256, "a\nb", "a\u200bb", ""):
            assert Verifying().refuses(token(sub=subject), RULES, RSA)

    def test_must_not_be_empty(self) -> None:
        rules = replace(RULES, text_claims=("tenant",))
        assert not Verifying().refuses(token(tenant="t"), rules, RSA)
        assert Verifying().refuses(token(tenant=""), rules, RSA)


class TestAudiences:
    def test_are_text_unless_the_rules_say_otherwise(self) -> None:
        many = replace(RULES, may_name_other_audiences=True)
        assert Verifying().refuses(token(aud=["us", "them"]), RULES, RSA)
        assert not Verifying().refuses(token(aud=["us", "them"]), many, RSA)
        assert not Verifying().refuses(token(aud="us"), many, RSA)

    @pytest.mark.parametrize("audience", [[], ["them"], ["us", 1], [["us"]], "them", {"us": 1}])
    def test_must_hold_ours_all_the_same(self, audience: object) -> None:
        many = replace(RULES, may_name_other_audiences=True)
        assert Verifying().refuses(token(aud=audience), many, RSA)


class TestMemory:
    def test_spares_the_second_look_at_a_signature(self) -> None:
        verifying, key, text = Verifying(), counted(), token()
        first, second = (verifying.claims(text, RULES, key) for _ in range(2))
        assert (first, key.uses) == (second, 1)

    def test_spares_the_second_reading_of_what_was_signed(self) -> None:
        verifying, text = Verifying(), token()
        unsigned = verifying.verifier.read(text)
        assert verifying.verifier.read(text) is not unsigned
        verifying.verifier.verify(unsigned, RULES, RSA)
        assert verifying.verifier.read(text) is unsigned

    def test_does_not_hold_for_another_key(self) -> None:
        verifying, text = Verifying(), token()
        other = RSAKey.import_key(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        verifying.claims(text, RULES, RSA)
        assert verifying.refuses(text, RULES, other)
        assert verifying.refuses(text, RULES, None)
        assert not verifying.refuses(text, RULES, RSA)

    def test_does_not_hold_against_the_rules_or_the_clock(self) -> None:
        verifying, text = Verifying(), token()
        verifying.claims(text, RULES, RSA)
        assert verifying.refuses(text, replace(RULES, issuer="another"), RSA)
        assert verifying.refuses(text, replace(RULES, audience="them"), RSA)
        assert verifying.refuses(text, replace(RULES, types=frozenset({"at+jwt"})), RSA)
        assert verifying.refuses(text, replace(RULES, algorithms=frozenset({"PS256"})), RSA)
        assert verifying.refuses(text, replace(RULES, text_claims=("tenant",)), RSA)
        verifying.clock.now_s += 90
        assert verifying.refuses(text, RULES, RSA)

    def test_forgets_the_oldest_when_it_is_full(self) -> None:
        verifying, key, texts = (
            Verifying(remembered_tokens=2),
            counted(),
            [token(n=n) for n in range(3)],
        )
        for text in [*texts, texts[2], texts[1]]:
            verifying.claims(text, RULES, key)
        assert key.uses == 3
        verifying.claims(texts[0], RULES, key)
        assert key.uses == 4

    def test_has_room_for_1024_signatures(self) -> None:
        key = OKPKey.import_key(ed25519.Ed25519PrivateKey.generate())
        rules = replace(RULES, algorithms=frozenset({"Ed25519"}))
        verifier = TokenVerifier(Clock(NOW_S))
        texts = [token(key, "Ed25519", n=n) for n in range(1025)]
        presented = [verifier.read(text) for text in texts]
        for one in presented[:1024]:
            verifier.verify(one, rules, key)
        assert verifier.read(texts[0]) is presented[0]
        verifier.verify(presented[1024], rules, key)
        assert verifier.read(texts[0]) is not presented[0]
        assert verifier.read(texts[1]) is presented[1]

    def test_keeps_nothing_that_was_refused(self) -> None:
        verifying, key = Verifying(), counted()
        forged = token()[:-4] + "AAAA"
        assert verifying.refuses(forged, RULES, key)
        assert verifying.refuses(forged, RULES, key)
        assert key.uses == 2
