"""The bulkhead: so many calls at once, so many waiting, and no more."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.resilience.bulkhead import Bulkhead, BulkheadPolicy

POLICY = BulkheadPolicy(running=2, waiting=3)


class Caller:
    """Takes a place when it can, and keeps it until told to go."""

    def __init__(self, bulkhead: Bulkhead) -> None:
        self.is_inside = False
        self.may_go = asyncio.Event()
        self.task = asyncio.create_task(self._call(bulkhead))

    async def _call(self, bulkhead: Bulkhead) -> None:
        async with bulkhead.place():
            self.is_inside = True
            try:
                await self.may_go.wait()
            finally:
                self.is_inside = False


class TestPlace:
    async def test_one_too_many_is_refused_at_once(self) -> None:
        bulkhead = Bulkhead("engine", POLICY)
        callers = [Caller(bulkhead) for _ in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(DependencyUnavailableError) as refused:
            async with bulkhead.place():
                pass
        assert refused.value.code == "too_many_calls"
        assert refused.value.retry_after_s > 0
        for caller in callers:
            caller.may_go.set()
        await asyncio.gather(*(caller.task for caller in callers))

    async def test_is_free_again_after_a_failure(self) -> None:
        bulkhead = Bulkhead("engine", BulkheadPolicy(running=1, waiting=0))
        for _ in range(3):
            with pytest.raises(ValueError, match="inside"):
                async with bulkhead.place():
                    raise ValueError("inside")


class BulkheadMachine(RuleBasedStateMachine):
    """Callers come, go and give up in any order; the model is two lists."""

    callers = Bundle("callers")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.bulkhead = Bulkhead("engine", POLICY)
        self.inside: list[Caller] = []
        self.queue: list[Caller] = []

    @rule(target=callers)
    def come(self) -> Caller:
        caller = self.runner.run(self._come())
        if len(self.inside) < POLICY.running:
            self.inside.append(caller)
        elif len(self.queue) < POLICY.waiting:
            self.queue.append(caller)
        else:
            assert isinstance(caller.task.exception(), DependencyUnavailableError)
        return caller

    @rule(caller=consumes(callers), gives_up=st.booleans())
    def leave(self, caller: Caller, gives_up: bool) -> None:
        if caller in self.queue and not gives_up:
            caller.may_go.set()
            return
        self.runner.run(self._leave(caller, gives_up=gives_up))
        for places in (self.inside, self.queue):
            if caller in places:
                places.remove(caller)
        while self.queue and len(self.inside) < POLICY.running:
            self._admit(self.queue.pop(0))

    def _admit(self, caller: Caller) -> None:
        if not caller.may_go.is_set():
            self.inside.append(caller)

    @invariant()
    def inside_are_those_of_the_model(self) -> None:
        self.runner.run(_settled())
        assert all(caller.is_inside for caller in self.inside)
        assert not any(caller.is_inside for caller in self.queue)

    async def _come(self) -> Caller:
        caller = Caller(self.bulkhead)
        await _settled()
        return caller

    async def _leave(self, caller: Caller, *, gives_up: bool) -> None:
        if gives_up:
            caller.task.cancel()
        caller.may_go.set()
        await _settled()

    def teardown(self) -> None:
        self.runner.close()


async def _settled() -> None:
    """Every task has run as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


TestBulkheadMachine = BulkheadMachine.TestCase
TestBulkheadMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
