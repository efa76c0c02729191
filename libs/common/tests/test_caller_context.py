"""Nobody gets in with a context that was not signed by the service it names."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clientsphere.common.v1 import context_pb2
from clientsphere_common.caller_context import (
    CONTEXT_LIFETIME_S,
    CallerSigner,
    CallerVerifier,
)
from clientsphere_common.errors import UnauthenticatedError
from clientsphere_common.request import Caller

ALICE = Caller("tnt_a", "usr_alice", ("editor", "auditor"), ("hr",))
NOW_S = 1_700_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def signer(key: Ed25519PrivateKey, clock: Clock) -> CallerSigner:
    return CallerSigner("gateway", key, clock)


@pytest.fixture
def verifier(key: Ed25519PrivateKey, clock: Clock) -> CallerVerifier:
    return CallerVerifier({"gateway": [key.public_key()]}, clock)


def refusal(verifier: CallerVerifier, token: bytes) -> str:
    with pytest.raises(UnauthenticatedError) as refused:
        verifier.verify(token)
    return refused.value.code


class TestSigner:
    def test_what_it_signs_names_the_caller(
        self, signer: CallerSigner, verifier: CallerVerifier
    ) -> None:
        assert verifier.verify(signer.sign(ALICE)) == ALICE

    def test_reuses_a_context_while_it_has_half_its_life_left(
        self, signer: CallerSigner, clock: Clock
    ) -> None:
        first = signer.sign(ALICE)
        clock.now_s += CONTEXT_LIFETIME_S / 2 - 1
        assert signer.sign(ALICE) == first

    def test_mints_a_new_context_after_half_its_life(
        self, signer: CallerSigner, clock: Clock
    ) -> None:
        first = signer.sign(ALICE)
        clock.now_s += CONTEXT_LIFETIME_S / 2
        assert signer.sign(ALICE) != first

    def test_never_reuses_the_context_of_somebody_else(
        self, signer: CallerSigner, verifier: CallerVerifier
    ) -> None:
        with_another_role = Caller("tnt_a", "usr_alice", ("owner",))
        signer.sign(ALICE)
        assert verifier.verify(signer.sign(with_another_role)) == with_another_role

    def test_keeps_working_for_more_callers_than_it_remembers(
        self, signer: CallerSigner, verifier: CallerVerifier
    ) -> None:
        callers = [Caller("tnt_a", f"usr_{number}") for number in range(5000)]
        assert all(verifier.verify(signer.sign(caller)) == caller for caller in callers)
        assert verifier.verify(signer.sign(callers[0])) == callers[0]


class TestVerifier:
    def test_refuses_a_context_after_its_life_even_if_it_was_accepted_before(
        self, signer: CallerSigner, verifier: CallerVerifier, clock: Clock
    ) -> None:
        token = signer.sign(ALICE)
        verifier.verify(token)
        clock.now_s += CONTEXT_LIFETIME_S
        assert refusal(verifier, token) == "caller_context_expired"

    def test_refuses_an_expired_context_at_first_sight(
        self, signer: CallerSigner, verifier: CallerVerifier, clock: Clock
    ) -> None:
        token = signer.sign(ALICE)
        clock.now_s += CONTEXT_LIFETIME_S
        assert refusal(verifier, token) == "caller_context_expired"

    @pytest.mark.parametrize("token", [b"", b"\xff\xff\xff", b"not a context"])
    def test_refuses_what_is_no_context(self, verifier: CallerVerifier, token: bytes) -> None:
        assert refusal(verifier, token) == "caller_context_invalid"

    def test_refuses_a_context_whose_tenant_was_replaced(
        self, signer: CallerSigner, verifier: CallerVerifier
    ) -> None:
        signed = context_pb2.SignedContext.FromString(signer.sign(ALICE))
        signed.payload = signed.payload.replace(b"tnt_a", b"tnt_b")
        assert refusal(verifier, signed.SerializeToString()) == "caller_context_invalid"

    def test_refuses_a_service_that_signs_under_the_name_of_another(
        self, verifier: CallerVerifier, clock: Clock
    ) -> None:
        rogue = CallerSigner("gateway", Ed25519PrivateKey.generate(), clock)
        assert refusal(verifier, rogue.sign(ALICE)) == "caller_context_invalid"

    def test_refuses_a_service_it_does_not_know(
        self, key: Ed25519PrivateKey, verifier: CallerVerifier, clock: Clock
    ) -> None:
        stranger = CallerSigner("stranger", key, clock)
        assert refusal(verifier, stranger.sign(ALICE)) == "caller_context_invalid"

    @pytest.mark.parametrize("nobody", [Caller("", "usr_alice"), Caller("tnt_a", "")])
    def test_refuses_a_genuine_context_without_tenant_or_principal(
        self, signer: CallerSigner, verifier: CallerVerifier, nobody: Caller
    ) -> None:
        assert refusal(verifier, signer.sign(nobody)) == "caller_context_invalid"
