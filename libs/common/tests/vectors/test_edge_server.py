"""Tests of clientsphere_common.vectors.edge.server, over a socket to a thread."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRWPair
from pathlib import Path
from threading import Thread
from typing import Any

from clientsphere_common.vectors.edge.framing import LENGTH, Reply
from clientsphere_common.vectors.edge.server import serve
from clientsphere_common.vectors.edge.shard import PassageShard
from clientsphere_common.vectors.tenant_filter import Tenant, stored
from tests.contract.passage_chunks import DIMENSION, chunks

ACME = Tenant("acme")


@contextmanager
def served(folder: Path) -> Iterator[BufferedRWPair]:
    ours, theirs = socket.socketpair()
    with ours, theirs, theirs.makefile("rwb") as channel:
        server = Thread(target=serve, args=(folder, DIMENSION, channel))
        server.start()
        with ours.makefile("rwb") as client:
            yield client
            client.flush()
            ours.shutdown(socket.SHUT_WR)
            server.join()


def receive(client: BufferedRWPair) -> Reply:
    reply: Reply = pickle.loads(client.read(*LENGTH.unpack(client.read(LENGTH.size))))
    return reply


def ask(client: BufferedRWPair, method: Any, *args: Any) -> Reply:
    request = pickle.dumps((method, args, {}))
    client.write(LENGTH.pack(len(request)) + request)
    client.flush()
    return receive(client)


class TestServe:
    def test_it_says_that_the_shard_is_open(self, tmp_path: Path) -> None:
        with served(tmp_path / "shard") as client:
            assert receive(client) == Reply()

    def test_it_says_why_a_shard_cannot_be_opened(self, tmp_path: Path) -> None:
        (tmp_path / "shard").mkdir()
        (tmp_path / "shard" / "edge_config.json").write_text("not JSON")
        with served(tmp_path / "shard") as client:
            assert receive(client).failure

    def test_it_answers_call_after_call(self, tmp_path: Path) -> None:
        with served(tmp_path / "shard") as client:
            receive(client)
            ask(client, PassageShard.add, ACME, chunks(3))
            assert ask(client, PassageShard.count, stored(ACME)) == Reply(3)

    def test_it_tells_a_failure_and_goes_on(self, tmp_path: Path) -> None:
        with served(tmp_path / "shard") as client:
            receive(client)
            assert ask(client, PassageShard.count, None).failure.startswith("count: ")
            assert ask(client, PassageShard.count, stored(ACME)) == Reply(0)

    def test_it_closes_the_shard_at_the_end(self, tmp_path: Path) -> None:
        for _ in range(2):
            with served(tmp_path / "shard") as client:
                assert receive(client) == Reply()
