"""What a process is doing, as those who send it requests need to know it."""

from __future__ import annotations

from collections.abc import Sequence

from clientsphere_common.readiness import Check, Finding, Report, ask_all


class ProcessState:
    """Not ready while it starts or stops, nor while something that it requires is missing."""

    def __init__(self) -> None:
        self._obstacle: str | None = "It is starting."
        self._checks: Sequence[Check] = ()

    def waits(self, reason: str) -> None:
        """It cannot start yet, for a `reason` that a person understands."""
        self._obstacle = reason

    def serves(self, checks: Sequence[Check]) -> None:
        self._obstacle = None
        self._checks = checks

    def stops(self) -> None:
        self._obstacle = "It is stopping."

    async def report(self) -> Report:
        if self._obstacle is not None:
            return Report((Finding("process", is_required=True, error=self._obstacle),))
        return await ask_all(self._checks)
