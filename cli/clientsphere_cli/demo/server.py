"""The server of the demo: a fresh one as a child process, or one that runs already."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clientsphere_cli.client import open_client
from clientsphere_cli.connection import Connection
from clientsphere_cli.data_folder import CREDENTIALS_FILE, read_credentials, read_operator_key
from clientsphere_cli.failures import CliError

THIS_COMMAND = (sys.executable, "-m", "clientsphere_cli")
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0
_POLL_INTERVAL_S = 0.05
_REQUEST_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Workplace:
    """Where the server keeps its data, and where it writes its log."""

    data_dir: Path
    log: Path


@dataclass(frozen=True)
class DemoServer:
    url: str
    operator_key: str = field(repr=False)
    start_s: float | None = None
    """None for a server that was there before."""

    def as_operator(self) -> Connection:
        return self.as_holder_of(self.operator_key)

    def as_holder_of(self, api_key: str) -> Connection:
        return Connection(self.url, api_key, _REQUEST_TIMEOUT_S)


@contextmanager
def temporary_workplace() -> Iterator[Workplace]:
    """Leaves nothing behind but, after a CliError, the log, which the error then names."""
    with tempfile.TemporaryDirectory(
        prefix="clientsphere-demo-", ignore_cleanup_errors=True
    ) as folder:
        workplace = Workplace(data_dir=Path(folder), log=Path(f"{folder}.log"))
        try:
            yield workplace
        except CliError as error:
            raise CliError(f"{error} The server's log is {workplace.log}.") from error
        except BaseException:
            workplace.log.unlink(missing_ok=True)
            raise
        workplace.log.unlink(missing_ok=True)


@asynccontextmanager
async def fresh_server(
    workplace: Workplace, command: Sequence[str] = THIS_COMMAND
) -> AsyncIterator[DemoServer]:
    """Ready on entry; on exit it is asked to stop, and waited for.

    It stays in our process group: Ctrl-C reaches it even where we could not pass it on.
    """
    options = ("--port", "0", "--data-dir", str(workplace.data_dir), "--log-format", "json")
    started = time.monotonic()
    with workplace.log.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, "run", *options, stdin=DEVNULL, stdout=DEVNULL, stderr=log
        )
    try:
        url = await _ready_url(workplace, process)
        operator_key = read_operator_key(workplace.data_dir)
        yield DemoServer(url, operator_key, time.monotonic() - started)
    finally:
        await _stop(process)


@asynccontextmanager
async def present_server(connection: Connection) -> AsyncIterator[DemoServer]:
    """One that runs, called as its operator; the demo's companies stay on it afterwards."""
    async with open_client(connection) as client:
        if not await client.is_ready():
            raise CliError(f"The server at {connection.url} is not ready.")
    yield DemoServer(connection.url, connection.api_key)


async def _ready_url(workplace: Workplace, process: Process) -> str:
    try:
        async with asyncio.timeout(_START_TIMEOUT_S):
            while not await _is_ready(workplace.data_dir):
                if process.returncode is not None:
                    raise CliError("The server stopped before it was ready.")
                await asyncio.sleep(_POLL_INTERVAL_S)
    except TimeoutError as error:
        raise CliError(f"The server was not ready within {_START_TIMEOUT_S:.0f} s.") from error
    return read_credentials(workplace.data_dir).url


async def _is_ready(data_dir: Path) -> bool:
    """The file is the last thing that a starting server writes: by then it listens."""
    if not (data_dir / CREDENTIALS_FILE).exists():
        return False
    stored = read_credentials(data_dir)
    async with open_client(Connection(stored.url, stored.api_key, _REQUEST_TIMEOUT_S)) as client:
        return await client.is_ready()


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
