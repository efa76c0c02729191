"""Archives that must not be unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ingestion.parsing.model import ParseError
from ingestion.parsing.zip_check import check_zip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "archive.docx"


def refusal_code(path: Path) -> str:
    with pytest.raises(ParseError) as refused:
        check_zip(path)
    return refused.value.code


def write(path: Path, entries: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


class TestCheckZip:
    def test_an_ordinary_archive_tells_its_names(self, path: Path) -> None:
        write(path, {"word/document.xml": b"x" * 2_000, "a.xml": b""})
        assert check_zip(path) == {"word/document.xml", "a.xml"}

    def test_an_entry_that_swells_a_hundredfold_is_unsafe(self, path: Path) -> None:
        write(path, {"bomb.xml": bytes(2_000_000)})
        assert refusal_code(path) == "docx_unsafe"

    def test_small_repetitive_entries_are_not_taken_for_bombs(self, path: Path) -> None:
        write(path, {"styles.xml": b"<w:style/>" * 50_000})
        assert check_zip(path) == {"styles.xml"}

    def test_two_hundred_megabytes_in_sum_are_the_limit(self, path: Path) -> None:
        write(path, {f"{n}.xml": bytes(900_000) for n in range(223)})
        assert refusal_code(path) == "docx_unsafe"

    def test_two_thousand_entries_are_the_limit(self, path: Path) -> None:
        write(path, {f"{n}.xml": b"" for n in range(2001)})
        assert refusal_code(path) == "docx_unsafe"

    @pytest.mark.parametrize(
        "name", ["../up.xml", "a/../../up.xml", "/etc/passwd", "C:/x", "..\\x"]
    )
    def test_names_that_leave_the_archive_are_unsafe(self, path: Path, name: str) -> None:
        write(path, {name: b"x"})
        assert refusal_code(path) == "docx_unsafe"

    def test_an_encrypted_entry_cannot_be_read(self, path: Path) -> None:
        write(path, {"a.xml": b"x"})
        marked = bytearray(path.read_bytes())
        marked[marked.index(b"PK\x01\x02") + 8] |= 1
        path.write_bytes(marked)
        assert refusal_code(path) == "docx_broken"

    def test_what_is_no_archive_is_broken(self, path: Path) -> None:
        path.write_bytes(b"PK\x03\x04 and nothing else")
        assert refusal_code(path) == "docx_broken"
