"""Random programs against a group's queue, compared with a model that fits on a page."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from dataclasses import dataclass, field

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clientsphere_common.events.sqlite.events import SCHEMA, append_event
from clientsphere_common.events.sqlite.group import (
    Delivery,
    GroupQueue,
    Settlement,
    enlist,
    enqueue,
)
from tests.contract.recording_handler import GROUP, TOPIC, new_event

KEYS = [f"{tenant}-{n}" for tenant in ("", "acme", "globex") for n in range(3)]
PROGRAMS = 2000 if os.environ.get("CLIENTSPHERE_TEST_PROFILE") == "full" else 60
MAX_ATTEMPTS = 3
CONCURRENCY = 3


@dataclass
class Pending:
    """What the model knows of one event that is neither handled nor given up."""

    key: str
    attempts: int = 0
    waits_until_ms: int = 0
    is_active: bool = False
    is_suspect: bool = False

    @property
    def tenant_id(self) -> str:
        return self.key.partition("-")[0]


@dataclass
class Model:
    now_ms: int = 0
    pending: dict[int, Pending] = field(default_factory=dict)
    dead: dict[int, str] = field(default_factory=dict)

    def claimable(self) -> list[int]:
        """The first event of each key, or the one already begun, when it need not wait."""
        turn_of: dict[str, int] = {}
        for seq, pending in sorted(self.pending.items()):
            if pending.is_active or pending.key not in turn_of:
                turn_of[pending.key] = seq
        return [seq for seq in turn_of.values() if self.pending[seq].waits_until_ms <= self.now_ms]


class GroupQueueMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.executescript(SCHEMA)
        self.model = Model()
        self.in_hand: dict[int, Delivery] = {}

    @initialize(keys=st.lists(st.sampled_from(KEYS), max_size=10))
    def join_a_topic_that_has_events(self, keys: list[str]) -> None:
        stored = [self._append(key) for key in keys]
        self.group_id = enlist(self.db, TOPIC, GROUP)
        self.queue = GroupQueue(self.group_id)
        self.model.pending = dict(zip(stored, map(Pending, keys), strict=True))

    @rule(keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=5))
    def publish(self, keys: list[str]) -> None:
        for key in keys:
            seq = self._append(key)
            enqueue(self.db, self.group_id, seq)
            self.model.pending[seq] = Pending(key)

    @rule()
    def claim(self) -> None:
        held = {seq: self.model.pending[seq] for seq in self.in_hand}
        ready = {seq: self.model.pending[seq] for seq in self.model.claimable() if seq not in held}
        claimed = self.queue.claim(
            self.db, list(self.in_hand.values()), CONCURRENCY, self.model.now_ms
        )
        suspects = [seq for seq, pending in ready.items() if pending.is_suspect]
        takes_suspect = suspects and not any(pending.is_suspect for pending in held.values())
        others = [seq for seq in ready if seq not in suspects]
        room = CONCURRENCY - len(held)
        assert len(claimed) == min(room, len(others) + bool(takes_suspect))
        assert {delivery.seq for delivery in claimed} <= set(ready)
        self._check_fairness(claimed, others)
        for delivery in claimed:
            pending = ready[delivery.seq]
            pending.is_active = True
            pending.attempts += 1
            assert delivery.attempts == pending.attempts
            assert delivery.is_suspect == pending.is_suspect
            assert delivery.event.key == pending.key
            self.in_hand[delivery.seq] = delivery

    @rule(data=st.data())
    def end_an_attempt(self, data: st.DataObject) -> None:
        if not self.in_hand:
            return
        delivery = self.in_hand.pop(data.draw(st.sampled_from(sorted(self.in_hand))))
        outcome = data.draw(st.sampled_from(["handled", "retried", "given up", "cut off"]))
        pending = self.model.pending[delivery.seq]
        if outcome == "cut off":
            self.queue.release(self.db, [delivery])
            pending.attempts -= 1
            return
        pending.is_suspect = False
        if outcome == "retried":
            pending.waits_until_ms = self.model.now_ms + data.draw(st.integers(0, 3))
            settlement = Settlement(delivery, "ValueError", pending.waits_until_ms)
        else:
            del self.model.pending[delivery.seq]
            settlement = Settlement(delivery)
        if outcome == "given up":
            settlement = Settlement(delivery, "ValueError")
            self.model.dead[delivery.seq] = pending.key
        self.queue.settle(self.db, [settlement], self.model.now_ms)

    @rule()
    def let_time_pass(self) -> None:
        self.model.now_ms += 1

    @rule()
    def die_and_start_again(self) -> None:
        self.db.execute(
            "UPDATE deliveries SET state = 'suspect' WHERE state IN ('in_hand', 'on_trial')"
        )
        for seq in self.in_hand:
            self.model.pending[seq].is_suspect = True
        self.in_hand.clear()
        self.queue = GroupQueue(enlist(self.db, TOPIC, GROUP))
        fatal = self.queue.exhausted_suspects(self.db, MAX_ATTEMPTS)
        assert {delivery.seq for delivery in fatal} == {
            seq
            for seq, pending in self.model.pending.items()
            if pending.is_suspect and pending.attempts >= MAX_ATTEMPTS
        }
        self.queue.settle(
            self.db, [Settlement(delivery, "ProcessDied") for delivery in fatal], self.model.now_ms
        )
        for delivery in fatal:
            self.model.dead[delivery.seq] = self.model.pending.pop(delivery.seq).key

    @rule()
    def replay_a_dead_letter(self) -> None:
        if not self.model.dead:
            return
        seq, key = self.model.dead.popitem()
        self.db.execute("DELETE FROM dead_letters WHERE seq = ?", (seq,))
        enqueue(self.db, self.group_id, seq)
        self._keep_turn(key)
        self.model.pending[seq] = Pending(key)

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self._seqs("deliveries") == set(self.model.pending)
        assert self._seqs("dead_letters") == set(self.model.dead)

    @invariant()
    def the_next_retry_is_known(self) -> None:
        due = self.queue.next_retry_at_ms(self.db)
        assert due is None or due in {p.waits_until_ms for p in self.model.pending.values()}

    def teardown(self) -> None:
        self.db.close()

    def _append(self, key: str) -> int:
        (count,) = self.db.execute("SELECT count(*) FROM events").fetchone()
        tenant_id = key.partition("-")[0]
        seq = append_event(self.db, new_event(f"evt-{count}", key=key, tenant_id=tenant_id), 0)
        assert seq is not None
        return seq

    def _keep_turn(self, key: str) -> None:
        """A replayed event is older, but does not overtake the one whose turn it is."""
        turns = [p for _, p in sorted(self.model.pending.items()) if p.key == key]
        if turns and not any(pending.is_active for pending in turns):
            turns[0].is_active = True

    def _seqs(self, table: str) -> set[int]:
        return {seq for (seq,) in self.db.execute(f"SELECT seq FROM {table}")}

    def _check_fairness(self, claimed: list[Delivery], ready: list[int]) -> None:
        in_hand = [*self.in_hand.values(), *claimed]
        load = Counter(delivery.event.tenant_id for delivery in in_hand)
        left = {seq: self.model.pending[seq].tenant_id for seq in ready}
        for delivery in claimed:
            left.pop(delivery.seq, None)
        for delivery in claimed:
            for passed_over in left.values():
                served = delivery.event.tenant_id
                assert delivery.is_suspect or load[served] - 1 <= load[passed_over]


TestGroupQueue = GroupQueueMachine.TestCase
TestGroupQueue.settings = settings(max_examples=PROGRAMS, stateful_step_count=40, deadline=None)
