"""A shard in a child process: the engine's calls hold the interpreter lock, some for seconds."""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from clientsphere_common.vectors.edge.framing import LENGTH, Reply
from clientsphere_common.vectors.edge.shard import PassageShard

P = ParamSpec("P")
T = TypeVar("T")

_SERVER = "clientsphere_common.vectors.edge.server"
_EXIT_TIMEOUT_S = 20.0


class ShardFailedError(Exception):
    """The shard refused a call, or its process died before it answered."""


class ShardProcess:
    """Calls run one after another, in the order in which they were made."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._unanswered: deque[asyncio.Future[Any]] = deque()
        self._listener = asyncio.create_task(self._listen(), name="shard replies")

    @classmethod
    async def launch(cls, folder: Path, dimension: int, *, keep_open: int) -> ShardProcess:
        """Start a process over `folder` and wait until its shard is open.

        It inherits the file descriptor `keep_open`, and dies with this process. Raises
        ShardFailedError when it does not get that far.
        """
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", _SERVER),
                *(str(folder), str(dimension), str(os.getpid())),
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=(keep_open,),
                # Its own session: Ctrl-C is for the parent, which then stops it in order.
                start_new_session=True,
            )
        except OSError as error:
            writer.close()
            raise ShardFailedError("the shard's process could not be started") from error
        finally:
            theirs.close()
        launched = cls(process, reader, writer)
        try:
            await launched._next_answer()
        except BaseException:
            await launched.kill()
            raise
        return launched

    @property
    def is_alive(self) -> bool:
        return not self._listener.done()

    async def call(
        self, method: Callable[Concatenate[PassageShard, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `method` on the shard. Raises ShardFailedError with what the engine said."""
        if not self.is_alive:
            raise ShardFailedError("the shard's process is gone")
        request = pickle.dumps((method, args, kwargs), pickle.HIGHEST_PROTOCOL)
        self._writer.write(LENGTH.pack(len(request)) + request)
        answer: T = await self._next_answer()
        return answer

    async def stop(self) -> None:
        """Let it finish what it was asked, close its files and go."""
        if self.is_alive:
            self._writer.write_eof()
            await asyncio.wait({self._listener}, timeout=_EXIT_TIMEOUT_S)
        await self.kill()

    async def kill(self) -> None:
        """End it at once. What it reported as done is in its log, and so not lost."""
        if self._process.returncode is None:
            self._process.kill()
        await self._listener
        self._writer.close()

    def _next_answer(self) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._unanswered.append(answer)
        return answer

    async def _listen(self) -> None:
        while (reply := await self._read_reply()) is not None:
            answer = self._unanswered.popleft()
            if answer.done():
                continue
            if reply.failure:
                answer.set_exception(ShardFailedError(reply.failure))
            else:
                answer.set_result(reply.value)
        await self._process.wait()
        for answer in self._unanswered:
            if not answer.done():
                answer.set_exception(ShardFailedError("the shard's process died"))

    async def _read_reply(self) -> Reply | None:
        try:
            (size,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
            message = await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        reply: Reply = pickle.loads(message)  # noqa: S301 - from our own child
        return reply
