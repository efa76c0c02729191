"""Takes the file out of an upload's form without ever holding it as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeGuard

from clientsphere_common.access.audience import audience
from clientsphere_common.errors import InvalidInputError, PayloadTooLargeError
from gateway.model.library import Upload
from gateway.multipart import PartBegun, PartEvent, read_parts

_FILE = "file"
_KNOWLEDGE_BASE = "knowledge_base_id"
READER_GROUP = "reader_group"
READER_PRINCIPAL = "reader_principal"
_FIELDS = (_KNOWLEDGE_BASE, READER_GROUP, READER_PRINCIPAL)
_MAX_FIELDS = 101
_MAX_FIELD_BYTES = 1024
"""As many as 256 characters can have."""
_MAX_FRAMING_BYTES = 256 * 1024
"""What boundaries, headers and the other fields may add to the file's own bytes."""
_MIB = 1024 * 1024


class UploadForm:
    """Forms with one file of at most `max_file_mib`; before it, where it goes and who reads it."""

    def __init__(self, max_file_mib: int) -> None:
        self._max_file_mib = max_file_mib
        self._max_body_bytes = max_file_mib * _MIB + _MAX_FRAMING_BYTES

    def check_length(self, content_length: str | None) -> None:
        """Refuse before a byte is read what declares itself too large."""
        if content_length and content_length.isdecimal():
            self._check(int(content_length), self._max_body_bytes)

    async def open(self, content_type: str, body: AsyncIterator[bytes]) -> Upload:
        """Read up to the first byte of the file, and hand out the rest as it arrives.

        Raises InvalidInputError and PayloadTooLargeError, here or while the content is read; its
        last step makes sure that the form ends with the file.
        """
        parts = read_parts(content_type, self._limited(body))
        fields: list[tuple[str, str]] = []
        async for event in parts:
            if isinstance(event, PartBegun) and event.name == _FILE:
                return _upload(fields, _file_name(event), self._content(parts))
            if not _is_expected(event, fields):
                raise InvalidInputError(
                    "unexpected_field",
                    f"The form has one {_KNOWLEDGE_BASE!r} at most, the file's readers if they are"
                    f" not all, then one {_FILE!r}.",
                )
            fields.append((event.name, await _read_field(event.name, parts)))
        raise InvalidInputError("file_missing", f"The form has no part named {_FILE!r}.")

    async def _content(self, parts: AsyncIterator[PartEvent]) -> AsyncIterator[bytes]:
        received = 0
        async for event in parts:
            if isinstance(event, bytes):
                received += len(event)
                self._check(received, self._max_file_mib * _MIB)
                yield event
            elif isinstance(event, PartBegun):
                raise _not_last(event)

    async def _limited(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        received = 0
        async for chunk in body:
            received += len(chunk)
            self._check(received, self._max_body_bytes)
            yield chunk

    def _check(self, size_bytes: int, limit_bytes: int) -> None:
        if size_bytes > limit_bytes:
            raise PayloadTooLargeError(
                "file_too_large", f"The file is larger than {self._max_file_mib} MiB."
            )


def _is_expected(event: PartEvent, before: list[tuple[str, str]]) -> TypeGuard[PartBegun]:
    if not isinstance(event, PartBegun) or event.file_name is not None:
        return False
    is_second = event.name == _KNOWLEDGE_BASE and any(name == event.name for name, _ in before)
    return event.name in _FIELDS and not is_second and len(before) < _MAX_FIELDS


def _upload(fields: list[tuple[str, str]], name: str, content: AsyncIterator[bytes]) -> Upload:
    groups = [value for field, value in fields if field == READER_GROUP]
    principals = [value for field, value in fields if field == READER_PRINCIPAL]
    return Upload(
        knowledge_base_id=dict(fields).get(_KNOWLEDGE_BASE, ""),
        name=name,
        content=content,
        readers=audience(groups, principals) if groups or principals else None,
    )


async def _read_field(name: str, parts: AsyncIterator[PartEvent]) -> str:
    value = b""
    while isinstance(event := await anext(parts), bytes):
        value += event
        if len(value) > _MAX_FIELD_BYTES:
            raise InvalidInputError("field_too_long", f"{name!r} is too long.")
    return value.decode(errors="replace")


def _file_name(part: PartBegun) -> str:
    if not part.file_name:
        raise InvalidInputError("file_name_missing", "The file comes without its name.")
    return part.file_name


def _not_last(part: PartBegun) -> InvalidInputError:
    if part.name == _FILE:
        return InvalidInputError("too_many_files", "One upload takes one file.")
    return InvalidInputError("field_after_file", f"{part.name!r} must come before the file.")
