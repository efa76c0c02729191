"""Tests of how partitions are shared out among the members of a group."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

from kafka.protocol.consumer.metadata import ConsumerProtocolSubscription

from clientsphere_common.events.kafka.assignor import LaneAssignor

MAIN, RETRY = "documents", "documents.indexing.retry"
Shares = dict[str, dict[str, list[int]]]


class FakeCluster:
    def topics(self) -> set[str]:
        return {MAIN, RETRY}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0, 1, 2, 3}


def share_out(owned: Shares) -> Shares:
    """One round of the rebalance among members that own these partitions by topic."""
    members = [
        SimpleNamespace(member_id=member, metadata=_subscription(topics))
        for member, topics in owned.items()
    ]
    shares = LaneAssignor(MAIN, RETRY).assign(FakeCluster(), members)
    return {member: _by_topic(assignment) for member, assignment in shares.items()}


def _subscription(owned: dict[str, list[int]]) -> Any:
    place = ConsumerProtocolSubscription.TopicPartition
    return ConsumerProtocolSubscription(
        version=1,
        topics=[MAIN, RETRY],
        user_data=b"",
        owned_partitions=[place(topic=topic, partitions=n) for topic, n in owned.items()],
    )


def _by_topic(assignment: Any) -> dict[str, list[int]]:
    topics: defaultdict[str, list[int]] = defaultdict(list)
    for topic, partition in assignment.partitions():
        topics[topic].append(partition)
    return {topic: sorted(partitions) for topic, partitions in topics.items()}


class TestLaneAssignor:
    def test_a_single_member_gets_all(self) -> None:
        assert share_out({"a": {}}) == {"a": {MAIN: [0, 1, 2, 3], RETRY: [0, 1, 2, 3]}}

    def test_retries_go_to_the_owner_of_the_partition(self) -> None:
        for share in share_out({"a": {}, "b": {}}).values():
            assert len(share[MAIN]) == 2
            assert share[RETRY] == share[MAIN]

    def test_a_newcomer_gets_its_share_only_after_the_owner_gave_it_back(self) -> None:
        everything = {MAIN: [0, 1, 2, 3], RETRY: [0, 1, 2, 3]}
        first_round = share_out({"a": everything, "b": {}})
        assert len(first_round["a"][MAIN]) == 2
        assert first_round["b"] == {}
        second_round = share_out(first_round)
        assert second_round["a"] == first_round["a"]
        assert len(second_round["b"][MAIN]) == 2
        assert second_round["b"][RETRY] == second_round["b"][MAIN]
