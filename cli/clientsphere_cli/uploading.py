"""Uploads files side by side and follows each until it can be searched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from clientsphere_cli.client import Client
from clientsphere_cli.failures import ApiError
from clientsphere_cli.model.library import Document, Received

_SENT_AT_ONCE = 4
_FOLLOWED_AT_ONCE = 8
"""Documents are processed about in the order of arrival: the others have not begun."""
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 0.4
_ABOUT_THE_FILE = frozenset(
    {
        httpx.codes.BAD_REQUEST,
        httpx.codes.CONFLICT,
        httpx.codes.REQUEST_ENTITY_TOO_LARGE,
        httpx.codes.UNSUPPORTED_MEDIA_TYPE,
        httpx.codes.UNPROCESSABLE_ENTITY,
    }
)
"""Refusals that say nothing about the next file."""


@dataclass(frozen=True)
class UploadOutcome:
    path: Path
    document: Document | None
    """None when the server refused the file."""
    is_new: bool
    refusal: str | None
    elapsed_s: float
    """From the first byte sent until the document was settled, or accepted if nobody waited."""

    @property
    def failure(self) -> str | None:
        """Why the file cannot be searched, if so."""
        if self.document and self.document.failure:
            return f"{self.document.failure.message} ({self.document.failure.code})"
        return self.refusal


class UploadObserver(Protocol):
    def sending(self, path: Path, sent_bytes: int) -> None: ...

    def processing(self, path: Path, document: Document) -> None: ...

    def finished(self, outcome: UploadOutcome) -> None: ...


class Uploads:
    """Sends a few files at a time; each shows its observer how far it is."""

    def __init__(self, client: Client, observer: UploadObserver) -> None:
        self._client = client
        self._observer = observer
        self._sending = asyncio.Semaphore(_SENT_AT_ONCE)
        self._following = asyncio.Semaphore(_FOLLOWED_AT_ONCE)

    async def run(
        self, paths: Sequence[Path], knowledge_base_id: str | None = None, *, wait: bool = True
    ) -> list[UploadOutcome]:
        """In the order of `paths`; a refused file or a failed document stops none of the others.

        Raises ApiError when the server refuses to deal with us at all.
        """
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._upload(path, knowledge_base_id, wait=wait))
                    for path in paths
                ]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return [task.result() for task in tasks]

    async def _upload(
        self, path: Path, knowledge_base_id: str | None, *, wait: bool
    ) -> UploadOutcome:
        async with self._sending:
            started = time.monotonic()
            received = await self._send(path, knowledge_base_id)
        if isinstance(received, str):
            outcome = UploadOutcome(path, None, False, received, time.monotonic() - started)
        else:
            document = received.document
            if wait:
                document = await self._follow(path, document)
            outcome = UploadOutcome(
                path, document, received.is_new, None, time.monotonic() - started
            )
        self._observer.finished(outcome)
        return outcome

    async def _send(self, path: Path, knowledge_base_id: str | None) -> Received | str:
        """The receipt, or why there is none."""
        try:
            return await self._client.upload(
                path, knowledge_base_id, lambda sent: self._observer.sending(path, sent)
            )
        except ApiError as error:
            if error.problem.status not in _ABOUT_THE_FILE:
                raise
            return str(error)
        except OSError as error:
            return f"It cannot be read: {error.strerror}."

    async def _follow(self, path: Path, document: Document) -> Document:
        async with self._following:
            pause_s = _FIRST_PAUSE_S
            while not document.is_settled:
                self._observer.processing(path, document)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                document = await self._client.document(document.id)
        return document
