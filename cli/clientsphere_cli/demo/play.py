"""The course of the demo, over the public HTTP API like any other client."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass
from importlib.resources import as_file

from clientsphere_cli.client import open_client
from clientsphere_cli.connection import Connection
from clientsphere_cli.demo.expectations import complaint
from clientsphere_cli.demo.replies import Reply, asked_by_one, asked_by_several
from clientsphere_cli.demo.server import DemoServer
from clientsphere_cli.demo.stage import Stage
from clientsphere_cli.failures import CliError
from clientsphere_cli.samples.catalog import (
    DEMO_QUESTIONS,
    SAMPLE_TENANTS,
    DemoQuestion,
    SampleTenant,
)
from clientsphere_cli.trail_check import check_trail
from clientsphere_cli.uploading import UploadOutcome, Uploads


@dataclass(frozen=True)
class Resident:
    """A company that has moved in: its tenant exists, its documents can be searched."""

    tenant: SampleTenant
    connection: Connection
    document_ids: frozenset[str]


async def play(demo_server: AbstractAsyncContextManager[DemoServer], stage: Stage) -> None:
    """Raises CliError when anything is not as it should be."""
    _end_cleanly_on(signal.SIGTERM, signal.SIGHUP)
    started = time.monotonic()
    stage.opening()
    async with demo_server as server:
        stage.server_ready(server.url, server.start_s)
        residents = [await _move_in(server, tenant, stage) for tenant in SAMPLE_TENANTS]
        replies = await _ask_everything(residents, stage)
        stage.heading("The audit trails, recomputed from their events")
        for resident in residents:
            async with open_client(resident.connection) as client:
                stage.trail(resident.tenant.name, await check_trail(client))
    wrong = sum(1 for reply in replies if reply.complaint)
    if wrong:
        raise CliError(f"{wrong} of {len(replies)} answers are not what they should be.")
    stage.closing(len(replies), time.monotonic() - started, _samples_to_try())


def _samples_to_try() -> str:
    """A folder to upload, as it can be typed from here."""
    with as_file(SAMPLE_TENANTS[0].documents()[0]) as document:
        return os.path.relpath(document.parent)


def _end_cleanly_on(*signals: signal.Signals) -> None:
    """As Ctrl-C does already: the server is stopped, its folder removed."""
    playing = asyncio.current_task()
    assert playing is not None  # noqa: S101 - we run in it
    for number in signals:
        asyncio.get_running_loop().add_signal_handler(number, playing.cancel)


async def _move_in(server: DemoServer, tenant: SampleTenant, stage: Stage) -> Resident:
    stage.heading(f"{tenant.name} uploads")
    async with open_client(server.as_operator()) as operator:
        created = await operator.create_tenant(tenant.name)
    connection = server.as_holder_of(created.owner_api_key.key)
    outcomes = await _upload(connection, tenant, stage)
    stage.documents(outcomes)
    if failures := [one for one in outcomes if one.failure]:
        raise CliError(f"{failures[0].path.name} cannot be searched: {failures[0].failure}")
    ids = frozenset(one.document.id for one in outcomes if one.document)
    return Resident(tenant, connection, ids)


async def _upload(
    connection: Connection, tenant: SampleTenant, stage: Stage
) -> Sequence[UploadOutcome]:
    with ExitStack() as unpacked:
        paths = [unpacked.enter_context(as_file(file)) for file in tenant.documents()]
        with stage.upload_progress(len(paths)) as progress:
            async with open_client(connection) as client:
                return await Uploads(client, progress).run(paths)


async def _ask_everything(residents: Sequence[Resident], stage: Stage) -> list[Reply]:
    replies: list[Reply] = []
    for resident in residents:
        if questions := asked_by_one(DEMO_QUESTIONS, resident.tenant):
            stage.heading(f"{resident.tenant.name} asks")
            for question in questions:
                replies.append(await _ask(resident, question))
                stage.reply(replies[-1])
    stage.heading("The same questions, asked by both")
    of_tenant = {resident.tenant: resident for resident in residents}
    for questions in asked_by_several(DEMO_QUESTIONS):
        compared = [await _ask(of_tenant[one.tenant], one) for one in questions]
        stage.comparison(compared)
        replies.extend(compared)
    return replies


async def _ask(resident: Resident, question: DemoQuestion) -> Reply:
    async with open_client(resident.connection) as client:
        answer = await client.ask(question.question)
    return Reply(question, answer, complaint(question, answer, resident.document_ids))
