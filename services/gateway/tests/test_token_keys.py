"""One key signs access tokens; those before it verify for a while."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.token_keys import TokenKeys
from tests.harness.gateway import Clock

FIRST, SECOND = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KEPT_S = 930.0


class TestTokenKeys:
    def test_verify_with_the_key_that_signs(self) -> None:
        keys = TokenKeys(FIRST, KEPT_S, Clock())
        assert list(keys.public_keys()) == [keys.kid]

    def test_keep_the_key_before_until_its_tokens_have_expired(self) -> None:
        clock = Clock()
        keys = TokenKeys(FIRST, KEPT_S, clock)
        first = keys.kid
        keys.replace(SECOND)
        assert list(keys.public_keys()) == [keys.kid, first]
        assert keys.find(first) is not None
        clock.now_s += KEPT_S
        assert list(keys.public_keys()) == [keys.kid]
        assert keys.find(first) is None

    def test_find_the_key_of_an_id_and_no_other(self) -> None:
        keys = TokenKeys(FIRST, KEPT_S, Clock())
        found = keys.find(keys.kid)
        assert found is not None
        assert found.thumbprint() == keys.kid
        assert keys.find("another") is None

    def test_are_not_changed_by_the_same_key(self) -> None:
        keys = TokenKeys(FIRST, KEPT_S, Clock())
        keys.replace(FIRST)
        assert list(keys.public_keys()) == [keys.kid]

    def test_let_a_key_come_back_for_good(self) -> None:
        clock = Clock()
        keys = TokenKeys(FIRST, KEPT_S, clock)
        first = keys.kid
        keys.replace(SECOND)
        keys.replace(FIRST)
        clock.now_s += KEPT_S
        assert list(keys.public_keys()) == [first]
