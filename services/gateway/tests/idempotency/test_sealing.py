"""What is stored of a key and its reply says nothing to whoever reads the tables."""

from __future__ import annotations

import pytest

from clientsphere_common.errors import InternalError
from gateway.idempotency.model import Reply, Scope
from gateway.idempotency.sealing import RequestSecrets

OWN = Scope("tnt_a", "key_1")
SEED = b"s" * 32
REPLY = Reply(201, (("content-type", "application/json"),), b'{"key": "secret"}\nand more')


class TestASealedReply:
    def test_is_read_by_whoever_sends_the_key_again(self) -> None:
        sealed = RequestSecrets(b"pepper").of(OWN, "k").seal(SEED, REPLY)
        assert RequestSecrets(b"pepper").of(OWN, "k").open(SEED, sealed) == REPLY

    def test_shows_nothing_of_the_reply(self) -> None:
        assert b"secret" not in RequestSecrets(b"pepper").of(OWN, "k").seal(SEED, REPLY)

    @pytest.mark.parametrize(
        ("pepper", "scope", "key", "seed"),
        [
            (b"other", OWN, "k", SEED),
            (b"pepper", Scope("tnt_b", "key_1"), "k", SEED),
            (b"pepper", Scope("tnt_a", "key_2"), "k", SEED),
            (b"pepper", OWN, "l", SEED),
            (b"pepper", OWN, "k", b"t" * 32),
        ],
    )
    def test_is_closed_to_everybody_else(
        self, pepper: bytes, scope: Scope, key: str, seed: bytes
    ) -> None:
        sealed = RequestSecrets(b"pepper").of(OWN, "k").seal(SEED, REPLY)
        with pytest.raises(InternalError):
            RequestSecrets(pepper).of(scope, key).open(seed, sealed)

    def test_is_closed_when_it_was_changed(self) -> None:
        own = RequestSecrets(b"pepper").of(OWN, "k")
        sealed = bytearray(own.seal(SEED, REPLY))
        sealed[-1] ^= 1
        with pytest.raises(InternalError):
            own.open(SEED, bytes(sealed))


class TestIdsOfKeys:
    def test_moving_a_letter_from_one_part_to_the_next_makes_another_key(self) -> None:
        known = RequestSecrets(b"pepper")
        assert known.of(Scope("tnt_a", "b"), "c").id != known.of(Scope("tnt_", "ab"), "c").id
        assert known.of(Scope("t", "p"), "xy").id != known.of(Scope("t", "px"), "y").id
