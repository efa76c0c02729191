"""Cuts a multipart/form-data body into its parts while it arrives."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from clientsphere_common.errors import InvalidInputError


@dataclass(frozen=True)
class PartBegun:
    name: str
    file_name: str | None


@dataclass(frozen=True)
class PartEnded:
    pass


PartEvent = PartBegun | bytes | PartEnded


async def read_parts(content_type: str, body: AsyncIterator[bytes]) -> AsyncIterator[PartEvent]:
    """Each part's beginning, its bytes piece by piece, its end; `body` is read no faster than that.

    Raises InvalidInputError for another content type, and for a body that is malformed or stops
    before its end.
    """
    events: deque[PartEvent] = deque()
    cutter = _Cutter(_boundary(content_type), events)
    async for chunk in body:
        cutter.feed(chunk)
        while events:
            yield events.popleft()
    if not cutter.is_complete:
        raise InvalidInputError("upload_incomplete", "The upload stops before its end.")


class _Cutter:
    """Feeds chunks to the push parser and appends what it finds to `events`."""

    def __init__(self, boundary: bytes, events: deque[PartEvent]) -> None:
        self.is_complete = False
        self._events = events
        self._header_name = b""
        self._header_value = b""
        self._disposition = b""
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_content,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._part_data,
                    "on_part_end": lambda: self._events.append(PartEnded()),
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _malformed() from error

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _malformed() from error

    def _part_begin(self) -> None:
        self._disposition = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_content(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _headers_finished(self) -> None:
        kind, options = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in options:
            raise _malformed()
        file_name = options.get(b"filename")
        self._events.append(
            PartBegun(_text(options[b"name"]), None if file_name is None else _text(file_name))
        )

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def _end(self) -> None:
        self.is_complete = True


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidInputError(
            "multipart_expected", "Send the file as multipart/form-data with a boundary."
        )
    return boundary


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError("invalid_file_name", "Names must be UTF-8.") from error


def _malformed() -> InvalidInputError:
    return InvalidInputError("multipart_malformed", "The upload is not valid multipart/form-data.")
