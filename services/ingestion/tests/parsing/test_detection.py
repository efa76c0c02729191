"""What a file is told to be, and how a refusal reads."""

from __future__ import annotations

import random

import pytest

from clientsphere_common.errors import InvalidInputError, UnsupportedTypeError
from ingestion.parsing.detection import PREFIX_BYTES, detect_media_type
from ingestion.parsing.model import MediaType

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"


def zip_starting_with(*names: str) -> bytes:
    headers = (b"PK\x03\x04" + bytes(22) + len(n).to_bytes(2, "little") + bytes(2) for n in names)
    return b"".join(
        header + name.encode() + b"compressed" for header, name in zip(headers, names, strict=True)
    )


class TestDetectMediaType:
    @pytest.mark.parametrize(
        ("name", "first_bytes", "media_type"),
        [
            ("report.pdf", PDF, MediaType.PDF),
            ("report.pdf", b"junk before the header\n" + PDF, MediaType.PDF),
            ("report.docx", PDF, MediaType.PDF),
            ("no suffix", b"\xef\xbb\xbf\n" + PDF, MediaType.PDF),
            ("a.docx", zip_starting_with("[Content_Types].xml", "_rels/.rels"), MediaType.DOCX),
            ("a.bin", zip_starting_with("word/document.xml"), MediaType.DOCX),
            ("a.html", b"<p>Hello</p>", MediaType.HTML),
            ("a.HTM", b"<p>Hello</p>", MediaType.HTML),
            ("a.txt", b"\n <!-- x -->\n<!DOCTYPE html><p>", MediaType.HTML),
            ("a", b'<?xml version="1.0"?><html xmlns="x">', MediaType.HTML),
            ("a.md", b"# Title", MediaType.MARKDOWN),
            ("a.csv", b"a,b\n1,2\n", MediaType.CSV),
            ("a.tsv", b"a\tb\n1\t2\n", MediaType.CSV),
            ("a.txt", b"Hello", MediaType.TEXT),
            ("notes", "\u00dcber uns".encode(), MediaType.TEXT),
            ("a.txt", "\u00dcber uns".encode("cp1252"), MediaType.TEXT),
            ("a.txt", "\u00dcber uns".encode("utf-16"), MediaType.TEXT),
            ("a.txt", b"about %PDF-1.4 files", MediaType.TEXT),
            ("build.log", b"\x1b[32mok\x1b[0m " * 3 + b"x" * 900, MediaType.TEXT),
        ],
    )
    def test_recognises(self, name: str, first_bytes: bytes, media_type: MediaType) -> None:
        assert detect_media_type(name, first_bytes) is media_type

    @pytest.mark.parametrize(
        ("name", "first_bytes", "explanation"),
        [
            ("report.pdf", b"Hello", "is not a PDF file, although its name says so"),
            ("report.docx", b"Hello", "is not a DOCX file, although its name says so"),
            ("scan.pdf", b"\x89PNG\r\n\x1a\n\0\0", "is a PNG image"),
            ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as DOCX"),
            ("letter.rtf", b"{\\rtf1\\ansi", "is an RTF file"),
            ("sheet.xlsx", zip_starting_with("xl/workbook.xml"), "export it as CSV or PDF"),
            ("all.zip", zip_starting_with("a.txt"), "is a zip archive"),
            ("setup.exe", b"MZ\x90\0\x03\0\0\0", "is a binary file"),
            ("noise.txt", bytes(range(1, 9)) * 20, "is a binary file"),
            ("noise", b"\x81\x8d text", "is a binary file"),
            ("utf32.txt", "text".encode("utf-32"), "is a binary file"),
        ],
    )
    def test_refuses_other_types_saying_what_the_file_is_and_what_is_supported(
        self, name: str, first_bytes: bytes, explanation: str
    ) -> None:
        with pytest.raises(UnsupportedTypeError) as refused:
            detect_media_type(name, first_bytes)
        assert refused.value.code == "unsupported_type"
        assert explanation in refused.value.message
        assert repr(name) in refused.value.message
        assert "PDF, DOCX, HTML, Markdown, plain text and CSV" in refused.value.message

    def test_refuses_an_empty_file(self) -> None:
        with pytest.raises(InvalidInputError) as refused:
            detect_media_type("a.pdf", b"")
        assert refused.value.code == "empty_file"

    def test_a_prefix_may_end_inside_a_character(self) -> None:
        assert detect_media_type("a.md", ("x" + "\u20ac" * 10).encode()[:9]) is MediaType.MARKDOWN

    def test_random_bytes_are_never_taken_for_text(self) -> None:
        noise = random.Random(7)
        for size in (64, 512, PREFIX_BYTES):
            with pytest.raises(UnsupportedTypeError):
                detect_media_type("noise.txt", noise.randbytes(size))

    def test_comments_without_an_end_in_sight_cost_no_time(self) -> None:
        assert detect_media_type("a.txt", b"<!-- -->" * 1000) is MediaType.TEXT
