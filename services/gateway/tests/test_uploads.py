"""One file per form, streamed through, within its limits."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from clientsphere_common.access.audience import Audience, audience
from clientsphere_common.errors import InvalidInputError, PayloadTooLargeError, ServiceError
from gateway.uploads import UploadForm

FORM = "multipart/form-data; boundary=frontier"
END = b"--frontier--\r\n"
MIB = 1024 * 1024


def part(disposition: str, content: bytes) -> bytes:
    head = f"--frontier\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def file_part(content: bytes = b"hello", name: str = "a.txt") -> bytes:
    return part(f'name="file"; filename="{name}"', content)


def field_part(value: str, name: str = "knowledge_base_id") -> bytes:
    return part(f'name="{name}"', value.encode())


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


async def received(body: bytes) -> tuple[str, str, bytes]:
    upload = await UploadForm(max_file_mib=1).open(FORM, chunks(body))
    content = b"".join([piece async for piece in upload.content])
    return upload.knowledge_base_id, upload.name, content


async def refusal(body: bytes) -> str:
    with pytest.raises(ServiceError) as refused:
        await received(body)
    return refused.value.code


class TestUploadForm:
    async def test_gives_the_file_and_its_name(self) -> None:
        assert await received(file_part() + END) == ("", "a.txt", b"hello")

    async def test_gives_the_knowledge_base_that_comes_first(self) -> None:
        body = field_part("kb_1") + file_part() + END
        assert await received(body) == ("kb_1", "a.txt", b"hello")

    async def test_an_empty_file_is_a_file(self) -> None:
        assert await received(file_part(b"") + END) == ("", "a.txt", b"")

    async def test_a_file_of_exactly_the_limit_passes(self) -> None:
        (_, _, content) = await received(file_part(b"x" * MIB) + END)
        assert len(content) == MIB

    async def test_the_name_comes_before_the_content_is_read(self) -> None:
        body = chunks(file_part(b"x" * 100_000) + END)
        upload = await UploadForm(max_file_mib=1).open(FORM, body)
        assert upload.name == "a.txt"
        assert len([chunk async for chunk in body]) > 90

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (END, "file_missing"),
            (field_part("kb_1") + END, "file_missing"),
            (part('name="file"', b"hello") + END, "file_name_missing"),
            (part('name="file"; filename=""', b"") + END, "file_name_missing"),
            (file_part() + file_part(name="b.txt") + END, "too_many_files"),
            (file_part() + field_part("kb_1") + END, "field_after_file"),
            (field_part("a") + field_part("b") + file_part() + END, "unexpected_field"),
            (field_part("x", name="title") + file_part() + END, "unexpected_field"),
            (field_part("x" * 1025) + file_part() + END, "field_too_long"),
            (file_part(), "upload_incomplete"),
            (b"", "upload_incomplete"),
        ],
    )
    async def test_refuses_other_forms(self, body: bytes, code: str) -> None:
        assert await refusal(body) == code

    async def test_a_file_above_the_limit_is_refused_while_it_streams(self) -> None:
        with pytest.raises(PayloadTooLargeError) as refused:
            await received(file_part(b"x" * (MIB + 1)) + END)
        assert refused.value.code == "file_too_large"

    async def test_an_endless_tail_is_refused(self) -> None:
        assert await refusal(file_part(b"x" * MIB) + END + b"x" * 300_000) == "file_too_large"

    async def test_a_field_that_is_not_utf8_names_nothing(self) -> None:
        body = part('name="knowledge_base_id"', b"\xff") + file_part() + END
        (knowledge_base_id, _, _) = await received(body)
        assert knowledge_base_id == "\ufffd"


class TestReaders:
    async def readers(self, *fields: bytes) -> Audience | None:
        body = b"".join((*fields, file_part(), END))
        return (await UploadForm(max_file_mib=1).open(FORM, chunks(body))).readers

    async def test_are_not_given_when_nobody_is_named(self) -> None:
        assert await self.readers(field_part("kb_1")) is None

    async def test_are_all_that_are_named(self) -> None:
        named = [field_part(group, "reader_group") for group in ("hr, legal", "sales")]
        found = await self.readers(*named, field_part("key_1", "reader_principal"))
        assert found == audience(["hr, legal", "sales"], ["key_1"])

    async def test_may_have_as_many_bytes_as_names_can_have(self) -> None:
        longest = "\U0001f600" * 256
        assert await self.readers(field_part(longest, "reader_group")) == audience([longest], ())

    async def test_are_not_without_end(self) -> None:
        many = field_part("hr", "reader_group") * 102
        assert await refusal(many + file_part() + END) == "unexpected_field"

    async def test_are_no_files(self) -> None:
        file = part('name="reader_group"; filename="a"', b"hr")
        assert await refusal(file + file_part() + END) == "unexpected_field"


class TestCheckLength:
    @pytest.mark.parametrize("length", [None, "", "17", str(MIB), "not a number", "-1"])
    def test_lets_through_what_may_fit(self, length: str | None) -> None:
        UploadForm(max_file_mib=1).check_length(length)

    def test_refuses_what_cannot_fit(self) -> None:
        with pytest.raises(PayloadTooLargeError):
            UploadForm(max_file_mib=1).check_length(str(2 * MIB))


class TestErrors:
    def test_a_bad_form_is_the_clients_mistake(self) -> None:
        assert InvalidInputError.http_status == 400
