"""Takes a file in: checks it while it streams, stores it, queues it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import PurePosixPath, PureWindowsPath

import structlog

from clientsphere_common.errors import InvalidInputError, PayloadTooLargeError
from clientsphere_common.ids import new_id
from clientsphere_common.names import is_name
from clientsphere_common.objects.keys import tenant_key
from clientsphere_common.objects.ports import ObjectStore
from clientsphere_common.request import Caller
from ingestion.access.care import require_among
from ingestion.model import ReceivedFile, UploadOutcome, UploadTarget
from ingestion.parsing.detection import PREFIX_BYTES, detect_media_type
from ingestion.ports import Documents, KnowledgeBases

log = structlog.get_logger(__name__)

_MAX_NAME_CHARS = 255
_MAX_ID_CHARS = 64


class DocumentUpload:
    """Uploads of any tenant; a refused or broken one leaves nothing behind."""

    def __init__(
        self,
        knowledge_bases: KnowledgeBases,
        documents: Documents,
        objects: ObjectStore,
        max_file_bytes: int,
    ) -> None:
        self._knowledge_bases = knowledge_bases
        self._documents = documents
        self._objects = objects
        self._max_file_bytes = max_file_bytes

    async def upload(
        self, caller: Caller, target: UploadTarget, data: AsyncIterator[bytes]
    ) -> UploadOutcome:
        """Store `data` under `target`; the outcome is durable on return.

        Raises NotFoundError for an unknown knowledge base, PermissionDeniedError for one that the
        caller may not edit, InvalidInputError for a bad name, bad readers or an empty file,
        ConflictError for other readers than a document of that name has, UnsupportedTypeError,
        PayloadTooLargeError.
        """
        target = await self._resolved(caller, target)
        file = await self._receive(caller, target.name, data)
        try:
            outcome = await self._documents.accept(caller, target, file)
        except BaseException:
            await self._objects.delete(file.object_key)
            raise
        if outcome.is_new_version and not outcome.is_repeated:
            log.info("document_uploaded", document=outcome.document.id, bytes=file.size_bytes)
        else:
            await self._objects.delete(file.object_key)
        return outcome

    async def _resolved(self, caller: Caller, target: UploadTarget) -> UploadTarget:
        name = clean_name(target.name)
        if len(target.upload_id) > _MAX_ID_CHARS:
            raise InvalidInputError("invalid_upload_id", "The id of the upload is too long.")
        if target.readers is not None:
            require_among(caller, target.readers)
        chosen = target.knowledge_base_id or await self._knowledge_bases.ensure_default(caller)
        # Before the file is read; whether it is so at the end, `accept` asks again.
        await self._knowledge_bases.require_editor(caller, chosen)
        return replace(target, knowledge_base_id=chosen, name=name)

    async def _receive(self, caller: Caller, name: str, data: AsyncIterator[bytes]) -> ReceivedFile:
        head = await _first_bytes(data)
        media_type = detect_media_type(name, head)
        key = tenant_key(caller.tenant_id, new_id("obj"))
        stored = await self._objects.put(key, self._limited(head, data))
        return ReceivedFile(key, media_type, stored.size_bytes, stored.sha256)

    async def _limited(self, head: bytes, data: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        received = len(head)
        yield head
        async for piece in data:
            received += len(piece)
            if received > self._max_file_bytes:
                limit_mib = self._max_file_bytes // (1024 * 1024)
                raise PayloadTooLargeError(
                    "file_too_large", f"The file is larger than {limit_mib} MiB."
                )
            yield piece


async def _first_bytes(data: AsyncIterator[bytes]) -> bytes:
    head = b""
    async for piece in data:
        head += piece
        if len(head) >= PREFIX_BYTES:
            break
    return head


def clean_name(name: str) -> str:
    """The file's own name, without the folders that some clients send along.

    Raises InvalidInputError when nothing usable is left.
    """
    base = PureWindowsPath(PurePosixPath(name).name).name.strip()
    if base in {".", ".."} or len(base) > _MAX_NAME_CHARS or not is_name(base):
        raise InvalidInputError(
            "invalid_file_name",
            f"A file name has 1 to {_MAX_NAME_CHARS} printable characters.",
        )
    return base
