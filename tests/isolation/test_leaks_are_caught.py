"""The search for foreign words is itself put to the test: by a leak on every channel."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import seed, settings
from hypothesis.errors import HypothesisException
from hypothesis.stateful import run_state_machine_as_test
from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clientsphere_common.audit_events import AuditFact
from clientsphere_common.cache.in_process import InProcessCache
from clientsphere_common.cache.model import CacheKey
from clientsphere_common.objects.directory import DirectoryObjectStore
from clientsphere_common.request import Caller
from tests.harness.eventually import eventually
from tests.harness.in_process import ProductInProcess, part_of
from tests.isolation.programs import programs_on
from tests.isolation.test_random_programs import SETTINGS
from tests.isolation.world import Stage, World, stage

_ATTEMPTS = 20

Leak = Callable[[World, str, str], Coroutine[Any, Any, None]]


async def write_a_log_line(_world: World, words: str, _other: str) -> None:
    structlog.get_logger("gateway").info("question_asked", question=words)


async def write_a_line_for_debugging(_world: World, words: str, _other: str) -> None:
    structlog.get_logger("gateway").debug("searching", question=base64.b64encode(words.encode()))


async def write_a_librarys_warning(_world: World, words: str, _other: str) -> None:
    logging.getLogger("library").warning("cannot parse %r", words.encode())


async def write_an_exception(_world: World, words: str, _other: str) -> None:
    try:
        raise ValueError(words)
    except ValueError:
        structlog.get_logger("gateway").exception("request_failed")


async def print_it(_world: World, words: str, _other: str) -> None:
    sys.stdout.write(words + "\n")


async def write_to_the_descriptor(_world: World, words: str, _other: str) -> None:
    os.write(2, words.encode())


async def write_from_a_child(_world: World, words: str, _other: str) -> None:
    child = await asyncio.create_subprocess_exec("echo", words)
    await child.wait()


async def label_a_metric(world: World, words: str, _other: str) -> None:
    Counter("questions", "x", ["question"], registry=world.product.registry).labels(words).inc()


async def cache_it_for_another(world: World, words: str, other: str) -> None:
    key = CacheKey(other, ("answer", "1"))
    await part_of(world.product.process, InProcessCache).set(key, words.encode(), 60)


async def cache_it_under_its_text(world: World, words: str, other: str) -> None:
    await part_of(world.product.process, InProcessCache).set(
        CacheKey(other, ("answer", words)), b"1", 60
    )


async def store_it_for_another(world: World, words: str, other: str) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield words.encode()

    await part_of(world.product.process, DirectoryObjectStore).put(f"{other}/obj_1", content())


async def name_an_object_after_it(world: World, words: str, other: str) -> None:
    (world.product.data_dir / "objects" / f"{other}-{words.encode().hex()}").touch()


async def record_it_for_another(world: World, words: str, other: str) -> None:
    journal = world.product.services.searching._journal
    await journal.record(Caller(other, "key_1"), AuditFact("x.done", details={"question": words}))

    async def is_recorded() -> bool:
        with closing(sqlite3.connect(world.product.data_dir / "audit.db")) as db:
            query = "SELECT 1 FROM audit_links WHERE action = 'x.done' AND tenant_id = ?"
            return db.execute(query, (other,)).fetchone() is not None

    await eventually(is_recorded)


async def name_a_row_after_it(world: World, words: str, other: str) -> None:
    def rename() -> None:
        with closing(sqlite3.connect(world.product.data_dir / "gateway.db")) as db:
            db.execute("UPDATE tenants SET name = ? WHERE id = ?", (words, other))
            db.commit()

    # Beside the loop, in which the product may hold the lock.
    await asyncio.to_thread(rename)


async def prompt_with_it(world: World, words: str, other: str) -> None:
    (own,) = [one.canary.text for one in world.tenants if one.id == other]
    body = {"messages": [{"role": "user", "content": f"{own} {words}"}]}
    async with httpx.AsyncClient(base_url=world.channels.model.base_url) as client:
        await client.post("/chat/completions", json=body)


LEAKS: list[tuple[str, Leak]] = [
    ("log", write_a_log_line),
    ("log", write_a_line_for_debugging),
    ("log", write_a_librarys_warning),
    ("log", write_an_exception),
    ("log", print_it),
    ("log", write_to_the_descriptor),
    ("log", write_from_a_child),
    ("metrics", label_a_metric),
    ("cache", cache_it_for_another),
    ("cache", cache_it_under_its_text),
    ("object", store_it_for_another),
    ("object key", name_an_object_after_it),
    ("audit.db audit_links", record_it_for_another),
    ("events.db events", record_it_for_another),
    ("gateway.db tenants", name_a_row_after_it),
    ("prompt", prompt_with_it),
]
"""By the channel on which it must be seen."""


def test_a_word_let_out_is_seen_on_every_channel(tmp_path: Path) -> None:
    # One test for all: between tests, pytest would take the output streams back.
    with stage(tmp_path / "world") as here:
        unseen = [
            (channel, leak.__name__) for channel, leak in LEAKS if not is_seen(channel, leak, here)
        ]
    assert unseen == []


def is_seen(channel: str, leak: Leak, here: Stage) -> bool:
    here.run(here.world.renew(2))
    a, b = here.world.tenants
    assert here.world.channels.leaks([a.id, b.id]) == []
    here.run(leak(here.world, a.canary.text, b.id))
    leaks = here.world.channels.leaks([a.id, b.id])
    return (channel, a.id) in {(one.channel, one.holds_words_of) for one in leaks}


class KeepsAnswers:
    """A response cache as they are often written: by the path, whoever asks; each serves twice.

    Not of what programs wait for: they would wait for ever.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[str, list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if scope["method"] != "GET" or path in {"/v1/me", "/v1/documents"}:
            await self._app(scope, receive, send)
            return
        kept = self._kept.pop(path, None)
        if kept is None:
            kept = []

            async def keep(message: Message) -> None:
                kept.append(message)

            await self._app(scope, receive, keep)
            if kept[0]["status"] == 200:
                self._kept[path] = kept
        for message in kept:
            await send(message)


class TellsTheLastQuestion:
    """A header for debugging that somebody forgot."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._last = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def listen() -> Message:
            message = await receive()
            heard.append(message.get("body", b""))
            return message

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                header = (b"x-debug", base64.b64encode(self._last[:500]))
                message["headers"] = [*message["headers"], header]
            await send(message)

        heard: list[bytes] = []
        await self._app(scope, listen, tell)
        self._last = b"".join(heard) or self._last


@pytest.mark.parametrize(
    ("wrapper", "channel"),
    [(KeepsAnswers, "response body"), (TellsTheLastQuestion, "response header")],
)
def test_random_programs_meet_a_leak(
    wrapper: type[KeepsAnswers | TellsTheLastQuestion], channel: str, tmp_path: Path
) -> None:
    def surround(product: ProductInProcess) -> None:
        product.app.add_middleware(wrapper)

    with stage(tmp_path / "world", surround) as here:
        for number in range(_ATTEMPTS):
            machine = seed(number)(programs_on(here))
            # Some end at a wrong status before a word is let out.
            with suppress(AssertionError, HypothesisException):
                run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=10))
            found = {leak.channel for leak in here.world.found}
            if channel in found:
                break
    assert channel in found
