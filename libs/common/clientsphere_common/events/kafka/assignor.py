"""Shares out a topic so that a partition's retries go to the owner of the partition."""

from __future__ import annotations

from typing import Any

from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.protocol.consumer.metadata import (
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
)


class LaneAssignor(CooperativeStickyAssignor):  # type: ignore[misc]  # kafka-python has no types
    """Assigns the partitions of `main` cooperatively; `retry` follows number by number.

    Events of one key meet in one process this way, wherever they come from.
    """

    name = "clientsphere-lanes"

    def __init__(self, main: str, retry: str) -> None:
        super().__init__()
        self._main = main
        self._retry = retry

    def assign(self, cluster: Any, members: Any) -> dict[str, Any]:
        for member in members:
            member.metadata = self._only_main(member.metadata)
        return {
            member_id: self._with_retry(assignment)
            for member_id, assignment in super().assign(cluster, members).items()
        }

    def _only_main(self, subscription: Any) -> Any:
        return ConsumerProtocolSubscription(
            version=self.version,
            topics=[self._main],
            user_data=b"",
            owned_partitions=[
                owned for owned in subscription.owned_partitions if owned.topic == self._main
            ],
        )

    def _with_retry(self, assignment: Any) -> Any:
        lanes = sorted(partition for _, partition in assignment.partitions())
        topics = [(self._main, lanes), (self._retry, lanes)] if lanes else []
        return ConsumerProtocolAssignment(self.version, topics, b"")
