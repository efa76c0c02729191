"""The child process: serves one shard to its parent over standard input, until that is closed."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import socket
import sys
from io import BufferedRWPair
from pathlib import Path

from clientsphere_common.vectors.edge.framing import LENGTH, Reply
from clientsphere_common.vectors.edge.shard import PassageShard

_PR_SET_PDEATHSIG = 1


def main(folder: str, dimension: str, parent: str) -> None:
    _leave_with(int(parent))
    with socket.socket(fileno=0) as connection, connection.makefile("rwb") as channel:
        serve(Path(folder), int(dimension), channel)


def serve(folder: Path, dimension: int, channel: BufferedRWPair) -> None:
    """Say whether the shard could be opened, then answer every call until the channel ends."""
    try:
        shard = PassageShard(folder, dimension)
    except Exception as error:  # noqa: BLE001 - the engine has no error types of its own
        _send(channel, Reply(failure=str(error)))
        return
    _send(channel, Reply())
    while size := channel.read(LENGTH.size):
        message = channel.read(*LENGTH.unpack(size))
        method, args, kwargs = pickle.loads(message)  # noqa: S301 - from our parent
        try:
            reply = Reply(method(shard, *args, **kwargs))
        except Exception as error:  # noqa: BLE001 - the engine has no error types of its own
            reply = Reply(failure=f"{method.__name__}: {error}")
        _send(channel, reply)
    shard.close()


def _send(channel: BufferedRWPair, reply: Reply) -> None:
    message = pickle.dumps(reply, pickle.HIGHEST_PROTOCOL)
    channel.write(LENGTH.pack(len(message)) + message)
    channel.flush()


def _leave_with(parent: int) -> None:
    """Not before the parent, and at once when that is killed.

    Elsewhere than on Linux it sees the socket closed, after the call in hand.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent process is gone already")


if __name__ == "__main__":
    main(*sys.argv[1:])
