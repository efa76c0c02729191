"""Tests of the choice of what a Kafka consumer takes in hand next."""

from __future__ import annotations

from clientsphere_common.events.kafka.backlog import Backlog
from clientsphere_common.events.kafka.lane import Delivery
from clientsphere_common.events.model import Event


def delivery(event_id: str, *, key: str = "", tenant: str = "acme", lane: int = 0) -> Delivery:
    event = Event(event_id, "documents", key or event_id, "Type", tenant, b"", 0)
    return Delivery(event, lane, "main", 0, 0)


def ids(deliveries: list[Delivery]) -> list[str]:
    return [delivery.event.id for delivery in deliveries]


def backlog_of(*deliveries: Delivery) -> Backlog:
    backlog = Backlog()
    for one in deliveries:
        backlog.add(one)
    return backlog


class TestClaim:
    def test_events_of_a_key_go_together_in_their_order_and_take_one_place(self) -> None:
        run = [delivery(f"a-{n}", key="a") for n in range(3)]
        other = delivery("b")
        assert backlog_of(*run[:2], other, run[2]).claim([], 2, 0) == [*run, other]

    def test_no_more_of_a_key_is_taken_while_some_of_it_is_in_hand(self) -> None:
        first, second = delivery("a-1", key="a"), delivery("a-2", key="a")
        backlog = backlog_of(first)
        in_hand = backlog.claim([], 8, 0)
        backlog.add(second)
        assert backlog.claim(in_hand, 8, 0) == []
        backlog.settle(first)
        assert backlog.claim([], 8, 0) == [second]

    def test_a_key_with_many_events_gives_its_place_to_others_in_between(self) -> None:
        backlog = backlog_of(*(delivery(f"a-{n:02}", key="a") for n in range(40)), delivery("b"))
        run = backlog.claim([], 1, 0)
        assert ids(run) == [f"a-{n:02}" for n in range(16)]
        for one in run:
            backlog.settle(one)
        assert ids(backlog.claim([], 1, 0)) == ["b"]

    def test_attempts_are_counted(self) -> None:
        (claimed,) = backlog_of(delivery("a")).claim([], 1, 0)
        assert (claimed.attempts, claimed.is_in_hand) == (1, True)

    def test_tenants_take_turns(self) -> None:
        busy = [delivery(f"busy-{n}", tenant="busy") for n in range(3)]
        backlog = backlog_of(*busy, delivery("calm", tenant="calm"))
        assert ids(backlog.claim([], 2, 0)) == ["busy-0", "calm"]

    def test_a_tenant_with_less_in_hand_goes_first(self) -> None:
        busy = [delivery(f"busy-{n}", tenant="busy") for n in range(2)]
        backlog = backlog_of(*busy)
        in_hand = backlog.claim([], 1, 0)
        backlog.add(delivery("calm", tenant="calm"))
        assert ids(backlog.claim(in_hand, 2, 0)) == ["calm"]

    def test_nothing_beyond_the_concurrency(self) -> None:
        backlog = backlog_of(delivery("a"), delivery("b"))
        in_hand = backlog.claim([], 1, 0)
        assert backlog.claim(in_hand, 1, 0) == []


class TestRetry:
    def test_an_event_waits_for_its_time_and_its_key_with_it(self) -> None:
        first, second = delivery("a-1", key="a"), delivery("a-2", key="a")
        backlog = backlog_of(first, second)
        backlog.claim([], 1, 0)
        first.retry_at_ms = 100
        backlog.give_back(first)
        assert backlog.next_retry_at_ms() == 100
        assert backlog.claim([], 1, 99) == []
        assert backlog.claim([], 1, 100) == [first]

    def test_those_behind_an_event_wait_for_it_when_they_are_given_back(self) -> None:
        run = [delivery(f"a-{n}", key="a") for n in range(3)]
        backlog = backlog_of(*run)
        backlog.claim([], 1, 0)
        for waiting in run[1:]:
            waiting.attempts = 0
            backlog.give_back(waiting)
        assert backlog.claim(run[:1], 8, 0) == []
        backlog.settle(run[0])
        assert backlog.claim([], 8, 0) == run[1:]


class TestSuspects:
    def test_one_is_in_hand_at_a_time_oldest_first(self) -> None:
        suspects = [delivery(event_id) for event_id in ("a", "b")]
        for suspect in suspects:
            suspect.is_suspect = True
        backlog = backlog_of(*suspects)
        in_hand = backlog.claim([], 8, 0)
        assert ids(in_hand) == ["a"]
        assert backlog.claim(in_hand, 8, 0) == []
        backlog.settle(in_hand[0])
        assert ids(backlog.claim([], 8, 0)) == ["b"]


class TestDrop:
    def test_events_of_other_lanes_stay(self) -> None:
        gone, in_hand, kept = delivery("gone", lane=1), delivery("in-hand"), delivery("kept")
        backlog = backlog_of(in_hand, gone, kept)
        assert backlog.claim([], 1, 0) == [in_hand]
        backlog.drop({1})
        assert backlog.claim([in_hand], 8, 0) == [kept]

    def test_what_ends_afterwards_changes_nothing(self) -> None:
        gone = delivery("gone")
        backlog = backlog_of(gone)
        backlog.claim([], 1, 0)
        backlog.drop({0})
        backlog.give_back(gone)
        backlog.settle(gone)
        assert backlog.claim([], 8, 0) == []
