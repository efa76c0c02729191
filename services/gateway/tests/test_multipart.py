"""Multipart bodies are cut into parts while they arrive, however they are split on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientsphere_common.errors import InvalidInputError
from gateway.multipart import PartBegun, PartEnded, PartEvent, read_parts

FORM = "multipart/form-data; boundary=frontier"


def part(disposition: str, content: bytes) -> bytes:
    head = f"--frontier\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + content + b"\r\n"


END = b"--frontier--\r\n"


async def chunks(body: bytes, size: int = 65536) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def events(body: bytes, size: int = 65536, content_type: str = FORM) -> list[PartEvent]:
    """With neighbouring pieces of a part's bytes joined."""
    joined: list[PartEvent] = []
    async for event in read_parts(content_type, chunks(body, size)):
        if isinstance(event, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += event
        else:
            joined.append(event)
    return joined


async def refusal(body: bytes, content_type: str = FORM) -> str:
    with pytest.raises(InvalidInputError) as refused:
        await events(body, content_type=content_type)
    return refused.value.code


class TestReadParts:
    async def test_tells_names_bytes_and_ends(self) -> None:
        body = part('name="a"', b"1") + part('name="file"; filename="b.txt"', b"two") + END
        assert await events(body) == [
            PartBegun("a", None),
            b"1",
            PartEnded(),
            PartBegun("file", "b.txt"),
            b"two",
            PartEnded(),
        ]

    @given(size=st.integers(1, 40), content=st.binary(max_size=200))
    async def test_tells_the_same_however_the_body_is_split(
        self, size: int, content: bytes
    ) -> None:
        body = part('name="file"; filename="x"', content) + END
        if b"--frontier" not in content:
            assert await events(body, size) == await events(body)

    async def test_what_looks_almost_like_a_boundary_is_content(self) -> None:
        content = b"\r\n--frontie\r\n--Frontier--\r\n-- frontier"
        (_, told, _) = await events(part('name="file"; filename="x"', content) + END, size=3)
        assert told == content

    async def test_names_may_be_in_any_script(self) -> None:
        body = part('name="file"; filename="Übersicht 概要.pdf"', b"x") + END
        assert (await events(body))[0] == PartBegun("file", "Übersicht 概要.pdf")

    async def test_reads_no_further_than_it_is_asked_to(self) -> None:
        read = 0

        async def counted() -> AsyncIterator[bytes]:
            nonlocal read
            async for chunk in chunks(part('name="f"; filename="x"', b"x" * 10_000) + END, 100):
                read += 1
                yield chunk

        parts = read_parts(FORM, counted())
        assert await anext(parts) == PartBegun("f", "x")
        assert read == 1

    @pytest.mark.parametrize(
        "content_type",
        [
            "",
            "application/json",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/mixed; boundary=frontier",
            "text/plain; boundary=frontier",
        ],
    )
    async def test_another_content_type_is_refused(self, content_type: str) -> None:
        assert await refusal(END, content_type) == "multipart_expected"

    @pytest.mark.parametrize(
        "body",
        [
            b"garbage",
            b"--another\r\n\r\n",
            b"--frontier\r\n: no name\r\n\r\n",
            b"--frontier\r\n\r\nno header\r\n" + END,
            b"--frontier\r\nContent-Disposition: attachment; name=x\r\n\r\n\r\n" + END,
            b"--frontier\r\nContent-Disposition: form-data\r\n\r\n\r\n" + END,
            b"--frontier\r\nX: " + b"x" * 100_000,
            b"--frontier\r\n" + b"X: y\r\n" * 1000,
        ],
        ids=lambda body: body[:40],
    )
    async def test_malformed_bodies_are_refused(self, body: bytes) -> None:
        assert await refusal(body) == "multipart_malformed"

    async def test_an_endless_boundary_is_refused(self) -> None:
        content_type = f"multipart/form-data; boundary={'x' * 1000}"
        assert await refusal(END, content_type) == "multipart_malformed"

    @pytest.mark.parametrize("kept", [0, 5, 60, -1])
    async def test_a_body_that_stops_early_is_incomplete(self, kept: int) -> None:
        body = part('name="file"; filename="x"', b"content") + b"--frontier-"
        assert await refusal(body[:kept]) == "upload_incomplete"

    async def test_names_that_are_not_utf8_are_refused(self) -> None:
        body = part('name="file"; filename="X"', b"").replace(b"X", b"\xff")
        assert await refusal(body + END) == "invalid_file_name"
