"""A process of a group that works until it is killed, and writes down what it did.

    python -m tests.contract.consumer_program LOCATION JOURNAL

LOCATION is a file, or a broker and a topic prefix: ADDRESS/PREFIX. The event `poison` kills the
process; whoever is first to get the event `slow` never ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.events.kafka.event_log import KafkaEventLog
from clientsphere_common.events.model import Event, Subscription
from clientsphere_common.events.sqlite.event_log import SqliteEventLog
from tests.contract.kafka_event_log import settings_for_tests
from tests.contract.recording_handler import GROUP, TOPIC

MAX_ATTEMPTS = 3


class Journal:
    """Appended with single writes, so a kill can cut it off but not tear a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY)

    def write(self, step: str, event: Event) -> None:
        os.write(self._file, f"{os.getpid()} {step} {event.key} {event.id}\n".encode())

    def has_no_other(self, event: Event) -> bool:
        return self._path.read_text().count(f"started {event.key} {event.id}\n") == 1


def open_log(location: str) -> SqliteEventLog | KafkaEventLog:
    if location.startswith("/"):
        return SqliteEventLog(Path(location))
    address, _, prefix = location.partition("/")
    return KafkaEventLog(settings_for_tests(address, None, prefix))


async def main(location: str, journal: Journal) -> None:
    async def handle(event: Event) -> None:
        journal.write("started", event)
        if event.id == "poison":
            os.kill(os.getpid(), signal.SIGKILL)
        if event.id == "slow" and journal.has_no_other(event):
            await asyncio.Event().wait()
        await asyncio.sleep(0.005)
        journal.write("handled", event)

    log = open_log(location)
    await _start(log)
    await log.consumer(
        Subscription(TOPIC, GROUP, handle, max_attempts=MAX_ATTEMPTS, retry_delay_s=0.01)
    ).start()
    await asyncio.Event().wait()


async def _start(log: SqliteEventLog | KafkaEventLog) -> None:
    """A file has one owner: the next one waits for its end."""
    while True:
        try:
            await log.start()
        except DependencyUnavailableError:
            await asyncio.sleep(0.02)
        else:
            return


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Journal(Path(sys.argv[2]))))
