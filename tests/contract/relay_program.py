"""A relay that is killed between publishing and removing what it published.

python -m tests.contract.relay_program DATABASE_URL EVENT_LOG_FILE
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from clientsphere_common.events.model import Event
from clientsphere_common.events.sqlite.event_log import SqliteEventLog
from tests.contract.outbox_table import Outbox


class KilledAfterPublishing:
    def __init__(self, log: SqliteEventLog) -> None:
        self._log = log

    async def publish(self, events: Sequence[Event]) -> None:
        await self._log.publish(events)
        os.kill(os.getpid(), signal.SIGKILL)


async def main(database_url: str, event_log_file: str) -> None:
    database, log = Database(database_url), SqliteEventLog(Path(event_log_file))
    await database.start()
    await log.start()
    relay = OutboxRelay(database, Outbox, KilledAfterPublishing(log))
    await relay.start()
    await relay.watch()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
