"""Tests of what the owner of a Kafka partition knows and what its next owner restores."""

from __future__ import annotations

import pytest

from clientsphere_common.events.kafka.lane import Delivery, Lane, SourceName
from clientsphere_common.events.model import Event

WINDOW = 4


def delivery(offset: int, *, event_id: str = "", source: SourceName = "main") -> Delivery:
    event = Event(event_id or f"evt-{offset}", "documents", "key", "Type", "acme", b"", 0)
    return Delivery(event, 0, source, offset, 0)


def new_lane(record: bytes | None = None, oldest: int = 0) -> Lane:
    return Lane.from_record(0, record, {"main": oldest, "retry": 0}, WINDOW)


def lane_with(*offsets: int) -> tuple[Lane, list[Delivery]]:
    lane = new_lane()
    deliveries = [delivery(offset) for offset in offsets]
    for one in deliveries:
        assert lane.receive(one)
    return lane, deliveries


class TestMark:
    def test_it_stays_at_the_oldest_event_that_is_not_handled(self) -> None:
        lane, (first, second, third) = lane_with(0, 1, 2)
        lane.settle(second)
        lane.settle(third)
        assert lane.sources["main"].mark == 0
        lane.settle(first)
        assert lane.sources["main"].mark == 3

    def test_offsets_that_are_missing_do_not_hold_it(self) -> None:
        lane, (first, second) = lane_with(0, 7)
        lane.settle(first)
        assert lane.sources["main"].mark == 7
        lane.settle(second)
        assert lane.sources["main"].mark == 8

    def test_lag_counts_what_is_not_handled(self) -> None:
        lane, (_, second, _) = lane_with(0, 1, 2)
        lane.settle(second)
        assert lane.sources["main"].lag(end_offset=5) == 4

    def test_the_lane_is_full_when_too_much_is_read_ahead_of_it(self) -> None:
        lane, _ = lane_with(0, 1, 2)
        assert not lane.is_full("main")
        lane.receive(delivery(3))
        assert lane.is_full("main")
        assert not lane.is_full("retry")


class TestNextOwner:
    def test_it_skips_what_was_handled(self) -> None:
        lane, (_, second, _) = lane_with(0, 1, 2)
        lane.settle(second)
        next_lane = new_lane(lane.to_record())
        assert [next_lane.receive(delivery(offset)) for offset in range(3)] == [True, False, True]

    def test_it_suspects_what_was_in_hand(self) -> None:
        lane, (first, second) = lane_with(0, 1)
        first.attempts, first.is_in_hand = 2, True
        second.attempts, second.retry_at_ms = 1, 1_000
        next_lane = new_lane(lane.to_record())
        again, waiting = delivery(0), delivery(1)
        next_lane.receive(again)
        next_lane.receive(waiting)
        assert (again.attempts, again.is_suspect) == (2, True)
        assert (waiting.attempts, waiting.retry_at_ms, waiting.is_suspect) == (1, 1_000, False)

    def test_what_it_has_not_read_yet_is_not_forgotten(self) -> None:
        lane, (first,) = lane_with(0)
        first.attempts, first.is_in_hand = 1, True
        after_next = new_lane(new_lane(lane.to_record()).to_record())
        again = delivery(0)
        after_next.receive(again)
        assert (again.attempts, again.is_suspect) == (1, True)

    def test_it_begins_with_the_oldest_event_that_is_kept(self) -> None:
        lane, deliveries = lane_with(0, 1)
        lane.settle(deliveries[0])
        assert new_lane(lane.to_record(), oldest=50).sources["main"].mark == 50

    def test_it_reads_the_last_handled_events_once_more(self) -> None:
        lane = new_lane(oldest=10)
        for offset in range(10, 20):
            one = delivery(offset)
            lane.receive(one)
            lane.settle(one)
        next_lane = new_lane(lane.to_record(), oldest=10)
        assert next_lane.read_from("main", oldest_offset=10) == 20 - WINDOW
        assert next_lane.read_from("main", oldest_offset=18) == 18
        assert next_lane.read_from("retry", oldest_offset=0) == 0


class TestRepeatedIds:
    def test_an_id_that_was_read_before_is_settled_at_once(self) -> None:
        lane, (first,) = lane_with(0)
        lane.settle(first)
        assert not lane.receive(delivery(1, event_id="evt-0"))
        assert lane.sources["main"].mark == 2

    def test_a_replayed_event_may_come_again_and_again(self) -> None:
        lane = new_lane()
        assert lane.receive(delivery(0, event_id="evt-0", source="retry"))
        assert lane.receive(delivery(1, event_id="evt-0", source="retry"))

    def test_only_so_many_are_remembered(self) -> None:
        lane, _ = lane_with(*range(2 * WINDOW + 1))
        assert lane.receive(delivery(100, event_id="evt-0"))


@pytest.mark.parametrize("offset", [0, 3])
def test_a_skipped_record_does_not_hold_the_mark(offset: int) -> None:
    lane = new_lane()
    lane.skip("main", offset)
    assert lane.sources["main"].mark == offset + 1
    assert lane.is_dirty
