"""The embedded event log does not grow for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path

from clientsphere_common.events.model import Event
from clientsphere_common.events.sqlite.event_log import SqliteEventLog
from clientsphere_common.events.sqlite.trimming import EventTrimming


class TestEventTrimming:
    async def test_drops_events_past_their_retention(self, tmp_path: Path) -> None:
        now_s = 0.0
        events = SqliteEventLog(tmp_path / "events.db", clock=lambda: now_s, retention_s=60.0)
        await events.start()
        event = Event(
            id="evt_1", topic="t", key="k", type="T", tenant_id="a", payload=b"", occurred_at_ms=0
        )
        await events.publish([event])
        now_s = 120.0
        trimming = EventTrimming(events, every_s=0.001)
        await trimming.start()
        await asyncio.sleep(0.05)
        await trimming.stop()
        assert await events.trim() == 0
        await events.stop()
