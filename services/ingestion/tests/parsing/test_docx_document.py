"""Word documents, made by python-docx and by enemies."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn

from ingestion.parsing.model import MediaType, ParsedDocument, ParseError

Read = Callable[[bytes | Path, MediaType], ParsedDocument]
W = nsdecls("w")
DOCUMENT = "word/document.xml"


@pytest.fixture
def parsed(read: Read, tmp_path: Path) -> Callable[[docx.document.Document], ParsedDocument]:
    def parsed(document: docx.document.Document) -> ParsedDocument:
        path = tmp_path / "saved.docx"
        document.save(str(path))
        return read(path, MediaType.DOCX)

    return parsed


Parsed = Callable[[docx.document.Document], ParsedDocument]


def described(parsed: ParsedDocument) -> list[tuple[str, str]]:
    return [(block.kind.value, parsed.text[block.start : block.end]) for block in parsed.blocks]


def rewritten(tmp_path: Path, change: Callable[[str], str]) -> Path:
    """A document saved by python-docx, with its XML changed behind its back."""
    good, bad = tmp_path / "good.docx", tmp_path / "bad.docx"
    document = docx.Document()
    document.add_paragraph("Hello")
    document.save(str(good))
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, change(content.decode()) if name == DOCUMENT else content)
    return bad


class TestParseDocx:
    def test_title_and_headings_open_sections(self, parsed: Parsed) -> None:
        document = docx.Document()
        document.add_heading("Security policy", 0)
        document.add_heading("Scope", 1)
        document.add_paragraph("All staff.")
        document.add_heading("Exceptions", 2)
        document.add_paragraph("None.")
        result = parsed(document)
        assert [kind for kind, _ in described(result)] == [
            "heading",
            "heading",
            "paragraph",
            "heading",
            "paragraph",
        ]
        assert result.blocks[-1].heading_path == ("Security policy", "Scope", "Exceptions")

    def test_a_style_based_on_a_heading_is_one(self, parsed: Parsed) -> None:
        document = docx.Document()
        style = document.styles.add_style("House heading", WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = document.styles["Heading 2"]
        document.add_paragraph("Scope", style="House heading")
        assert parsed(document).blocks[0].heading_path == ("Scope",)

    def test_an_outline_level_makes_a_heading_and_level_9_running_text(
        self, parsed: Parsed
    ) -> None:
        document = docx.Document()
        for level in ("1", "9"):
            properties = document.add_paragraph(f"level {level}")._p.get_or_add_pPr()
            properties.append(parse_xml(f'<w:outlineLvl {W} w:val="{level}"/>'))
        assert described(parsed(document)) == [("heading", "level 1"), ("paragraph", "level 9")]

    def test_lists_are_told_by_style_or_numbering(self, parsed: Parsed) -> None:
        document = docx.Document()
        document.add_paragraph("by style", style="List Bullet")
        for number in ("3", "0"):
            properties = document.add_paragraph(f"number {number}")._p.get_or_add_pPr()
            properties.append(parse_xml(f'<w:numPr {W}><w:numId w:val="{number}"/></w:numPr>'))
        assert described(parsed(document)) == [
            ("list_item", "by style"),
            ("list_item", "number 3"),
            ("paragraph", "number 0"),
        ]

    def test_styles_that_are_based_on_each_other_end(self, parsed: Parsed) -> None:
        document = docx.Document()
        styles = document.styles
        first = styles.add_style("First", WD_STYLE_TYPE.PARAGRAPH)
        second = styles.add_style("Second", WD_STYLE_TYPE.PARAGRAPH)
        first.base_style, second.base_style = second, first
        document.add_paragraph("x", style="First")
        assert parsed(document).text == "x"


class TestRuns:
    def paragraph(self, document: docx.document.Document, xml: str) -> None:
        document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w', 'm')}>{xml}</w:p>"))

    def test_insertions_are_read_and_deletions_are_not(self, parsed: Parsed) -> None:
        document = docx.Document()
        self.paragraph(
            document,
            "<w:r><w:t>Notice is </w:t></w:r><w:del><w:r><w:delText>one</w:delText><w:t>1</w:t>"
            "</w:r></w:del><w:ins><w:r><w:t>two months</w:t></w:r></w:ins>",
        )
        assert parsed(document).text == "Notice is two months"

    def test_links_controls_tabs_breaks_and_formulas_are_read(self, parsed: Parsed) -> None:
        document = docx.Document()
        self.paragraph(
            document,
            "<w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink>"
            "<w:r><w:tab/><w:t>a</w:t><w:noBreakHyphen/><w:t>b</w:t><w:br/></w:r>"
            "<w:sdt><w:sdtContent><w:r><w:t>control</w:t></w:r></w:sdtContent></w:sdt>"
            "<m:oMath><m:r><m:t>=1</m:t></m:r></m:oMath><w:r><w:instrText>PAGE</w:instrText></w:r>",
        )
        assert parsed(document).text == "link a-b\ncontrol=1"

    def test_hidden_and_white_text_is_not_read(self, parsed: Parsed) -> None:
        document = docx.Document()
        self.paragraph(
            document,
            "<w:r><w:t>seen</w:t></w:r>"
            "<w:r><w:rPr><w:vanish/></w:rPr><w:t>a</w:t></w:r>"
            '<w:r><w:rPr><w:color w:val="ffffff"/></w:rPr><w:t>b</w:t></w:r>',
        )
        assert parsed(document).text == "seen"

    def test_white_on_a_shade_and_unhidden_text_is_read(self, parsed: Parsed) -> None:
        document = docx.Document()
        self.paragraph(
            document,
            '<w:pPr><w:shd w:fill="000080"/></w:pPr>'
            '<w:r><w:rPr><w:color w:val="FFFFFF"/></w:rPr><w:t>white </w:t></w:r>'
            '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>shown</w:t></w:r>',
        )
        table = document.add_table(rows=1, cols=2)
        run = table.cell(0, 0).paragraphs[0].add_run("in a table")
        run.font.color.rgb = docx.shared.RGBColor(255, 255, 255)
        table.cell(0, 1).text = "x"
        assert parsed(document).text == "white shown\n\nin a table | x"

    def test_text_boxes_are_read_once_after_their_paragraph(self, parsed: Parsed) -> None:
        document = docx.Document()
        box = "<w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent>"
        compatibility = "http://schemas.openxmlformats.org/markup-compatibility/2006"
        self.paragraph(
            document,
            f'<w:r><w:t>anchor</w:t><mc:AlternateContent xmlns:mc="{compatibility}">'
            f"<mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>"
            "</mc:AlternateContent></w:r>",
        )
        assert parsed(document).text == "anchor\n\nboxed"


class TestTables:
    def table(self, document: docx.document.Document, rows: list[list[str]]) -> docx.table.Table:
        table: docx.table.Table = document.add_table(rows=len(rows), cols=len(rows[0]))
        for row, texts in zip(table.rows, rows, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.text = text
        return table

    def test_rows_name_their_columns(self, parsed: Parsed) -> None:
        document = docx.Document()
        self.table(document, [["Role", "Days", "Note"], ["Engineer", "25", ""]])
        assert parsed(document).text == "Role | Days | Note\nRole: Engineer | Days: 25"

    def test_facts_in_two_columns_are_no_header(self, parsed: Parsed) -> None:
        document = docx.Document()
        self.table(document, [["Name", "Alice"], ["City", "Paris"]])
        assert parsed(document).text == "Name | Alice\nCity | Paris"

    def test_a_declared_header_is_one(self, parsed: Parsed) -> None:
        document = docx.Document()
        table = self.table(document, [["Question", "Answer"], ["Why?", "So."]])
        table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
        assert parsed(document).text == "Question | Answer\nQuestion: Why? | Answer: So."

    def test_merged_cells_are_read_in_every_row(self, parsed: Parsed) -> None:
        document = docx.Document()
        rows = [["Site", "Role", "Days"], ["Berlin", "Dev", "30"], ["", "Ops", "28"]]
        table = self.table(document, [*rows, ["Paris, all roles", "", "25"]])
        table.cell(1, 0).merge(table.cell(2, 0))
        table.cell(3, 0).merge(table.cell(3, 1))
        assert parsed(document).text.split("\n")[1:] == [
            "Site: Berlin | Role: Dev | Days: 30",
            "Site: Berlin | Role: Ops | Days: 28",
            "Site: Paris, all roles | Days: 25",
        ]

    def test_a_frame_of_one_column_is_no_table(self, parsed: Parsed) -> None:
        document = docx.Document()
        frame = document.add_table(rows=1, cols=1)
        frame.cell(0, 0).text = "Note well."
        assert described(parsed(document)) == [("paragraph", "Note well.")]

    def test_a_table_inside_a_cell_is_read_as_its_text(self, parsed: Parsed) -> None:
        document = docx.Document()
        outer = self.table(document, [["a", "b"]])
        outer.cell(0, 1).add_table(rows=1, cols=1).cell(0, 0).text = "inner"
        assert parsed(document).text == "a | b inner"

    def test_content_controls_around_blocks_are_seen_through(self, parsed: Parsed) -> None:
        document = docx.Document()
        document.element.body.insert(
            0,
            parse_xml(
                f"<w:sdt {W}><w:sdtContent><w:p><w:r><w:t>inside</w:t></w:r></w:p>"
                "</w:sdtContent></w:sdt>"
            ),
        )
        assert parsed(document).text == "inside"

    def test_nonsense_in_a_span_is_ignored(self, parsed: Parsed) -> None:
        document = docx.Document()
        table = self.table(document, [["a", "b"]])
        table.cell(0, 0)._tc.get_or_add_tcPr().get_or_add_gridSpan().set(qn("w:val"), "many")
        assert parsed(document).text == "a | b"


class TestUnusableFiles:
    def refusal(self, read: Read, file: bytes | Path) -> ParseError:
        with pytest.raises(ParseError) as refused:
            read(file, MediaType.DOCX)
        return refused.value

    def test_a_zip_without_a_word_document_is_of_another_type(
        self, read: Read, tmp_path: Path
    ) -> None:
        path = tmp_path / "photos.docx"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("photo.jpg", b"x")
        assert self.refusal(read, path).code == "unsupported_type"

    def test_a_truncated_archive_is_broken(self, read: Read, tmp_path: Path) -> None:
        whole = rewritten(tmp_path, lambda xml: xml).read_bytes()
        assert self.refusal(read, whole[: len(whole) // 2]).code == "docx_broken"

    def test_a_corrupted_archive_is_broken(self, read: Read, tmp_path: Path) -> None:
        damaged = bytearray(rewritten(tmp_path, lambda xml: xml).read_bytes())
        start = damaged.index(DOCUMENT.encode()) + len(DOCUMENT)
        damaged[start + 10 : start + 60] = bytes(50)
        assert self.refusal(read, bytes(damaged)).code == "docx_broken"

    def test_xml_that_is_none_is_broken(self, read: Read, tmp_path: Path) -> None:
        assert self.refusal(read, rewritten(tmp_path, lambda _: "<w:document")).code == (
            "docx_broken"
        )

    def test_a_lone_document_part_is_broken(self, read: Read, tmp_path: Path) -> None:
        path = tmp_path / "lone.docx"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(DOCUMENT, "<w:document/>")
        assert self.refusal(read, path).code == "docx_broken"

    def test_a_billion_laughs_are_not_heard(self, read: Read, tmp_path: Path) -> None:
        laughs = '<!ENTITY a0 "ha">' + "".join(
            f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 11)
        )

        def laugh(xml: str) -> str:
            declaration, _, rest = xml.partition("?>")
            return f"{declaration}?><!DOCTYPE d [{laughs}]>{rest.replace('Hello', '&a10;')}"

        assert self.refusal(read, rewritten(tmp_path, laugh)).code in {
            "docx_broken",
            "document_without_text",
        }

    def test_external_entities_are_not_fetched(self, read: Read, tmp_path: Path) -> None:
        secret = tmp_path / "secret.txt"
        secret.write_text("top secret")

        def steal(xml: str) -> str:
            declaration, _, rest = xml.partition("?>")
            entity = f'<!DOCTYPE d [<!ENTITY s SYSTEM "file://{secret}">]>'
            return f"{declaration}?>{entity}{rest.replace('Hello', 'Hello &s;')}"

        assert read(rewritten(tmp_path, steal), MediaType.DOCX).text == "Hello"
