"""Tells the gRPC health service, and the log, when the process becomes ready or stops being it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from clientsphere_common.process.state import ProcessState
from clientsphere_common.repeating import Repeating

log = structlog.get_logger(__name__)

_EVERY_S = 1.0


class ReadinessWatch:
    """A module that asks every second, so that a recovery is seen within a few."""

    name = "readiness"

    def __init__(
        self,
        state: ProcessState,
        tell: Callable[[bool], Awaitable[None]] | None = None,
        every_s: float = _EVERY_S,
    ) -> None:
        self._state = state
        self._tell = tell
        self._last: tuple[str, frozenset[str]] | None = None
        self._looking = Repeating(self._look, lambda: every_s)

    async def start(self) -> None:
        self._looking.start()

    async def stop(self) -> None:
        """From here on the process is not ready."""
        await self._looking.stop()
        if self._tell is not None:
            await self._tell(False)

    async def watch(self) -> None:
        await self._looking.watch()

    async def _look(self) -> None:
        report = await self._state.report()
        missing = frozenset(finding.name for finding in report.findings if finding.error)
        if (report.state, missing) == self._last:
            return
        self._last = (report.state, missing)
        if self._tell is not None:
            await self._tell(report.state != "failing")
        write = log.info if report.state == "ok" else log.warning
        write("readiness_changed", state=report.state, missing=sorted(missing))
