"""HTML pages, including those that say more to a machine than to their reader."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingestion.parsing.model import BlockKind, MediaType, ParsedDocument, ParseError

Read = Callable[[bytes | str, MediaType], ParsedDocument]


@pytest.fixture
def html(read: Read) -> Callable[[str], ParsedDocument]:
    return lambda page: read(page, MediaType.HTML)


Html = Callable[[str], ParsedDocument]


def described(parsed: ParsedDocument) -> list[tuple[str, str]]:
    return [(block.kind.value, parsed.text[block.start : block.end]) for block in parsed.blocks]


class TestParseHtml:
    def test_headings_open_sections(self, html: Html) -> None:
        parsed = html("<h1>Leave</h1><p>a</p><h3>Sick <i>leave</i></h3><p>b</p><h2>Other</h2>")
        assert [block.heading_path for block in parsed.blocks] == [
            ("Leave",),
            ("Leave",),
            ("Leave", "Sick leave"),
            ("Leave", "Sick leave"),
            ("Leave", "Other"),
        ]

    def test_inline_markup_and_source_line_breaks_do_not_part_words(self, html: Html) -> None:
        assert html("<p>Hello,\n  <b>wor</b>ld &amp; <a href=x>all</a></p>").text == (
            "Hello, world & all"
        )

    def test_blocks_part_and_br_breaks_the_line(self, html: Html) -> None:
        parsed = html("loose<div>one<br>two<section>three</section>four</div>")
        assert described(parsed) == [
            ("paragraph", "loose"),
            ("paragraph", "one\ntwo"),
            ("paragraph", "three"),
            ("paragraph", "four"),
        ]

    def test_list_items_nest(self, html: Html) -> None:
        parsed = html("<ul><li>One<ol><li>Inner</li></ol></li><li><p>Two</p></li></ul><p>x</p>")
        assert described(parsed) == [
            ("list_item", "One"),
            ("list_item", "Inner"),
            ("list_item", "Two"),
            ("paragraph", "x"),
        ]

    def test_preformatted_text_keeps_its_shape(self, html: Html) -> None:
        assert described(html("<pre>def f():\n    return 1</pre>")) == [
            ("code", "def f():\n    return 1")
        ]

    def test_a_page_of_frames_has_no_text_of_its_own(self, html: Html) -> None:
        with pytest.raises(ParseError) as refused:
            html("<html><frameset><frame src=x></frameset></html>")
        assert refused.value.code == "document_without_text"

    @pytest.mark.parametrize("encoding", ["utf-8", "shift_jis"])
    def test_the_declared_encoding_counts(self, read: Read, encoding: str) -> None:
        page = f'<meta charset="{encoding}"><p>\u4f11\u6687</p>'.encode(encoding)
        assert read(page, MediaType.HTML).text == "\u4f11\u6687"

    @pytest.mark.parametrize("declared", ["no-such-charset", "utf-8", "zip"])
    def test_a_wrong_declaration_does_not_matter(self, read: Read, declared: str) -> None:
        page = f'<meta charset="{declared}"><p>caf'.encode() + b"\xe9</p>"
        assert read(page, MediaType.HTML).text == "caf\xe9"


class TestTables:
    def test_rows_name_their_columns(self, html: Html) -> None:
        parsed = html(
            "<table><caption>Prices</caption><thead><tr><th>Plan<th>Price</thead>"
            "<tr><td>Basic<td>10<tr><td><p>Pro</p><p>plus</p><td>20</table>after"
        )
        assert described(parsed) == [
            ("paragraph", "Prices"),
            ("table_row", "Plan | Price"),
            ("table_row", "Plan: Basic | Price: 10"),
            ("table_row", "Plan: Pro plus | Price: 20"),
            ("paragraph", "after"),
        ]

    def test_spanning_cells_are_read_in_every_row(self, html: Html) -> None:
        parsed = html(
            "<table><tr><th>Year<th colspan=2>Sales</tr>"
            "<tr><td rowspan=2>2018<td>1<td>2</tr><tr><td>3<td>4</tr></table>"
        )
        assert parsed.text.split("\n")[1:] == [
            "Year: 2018 | Sales: 1 | Sales: 2",
            "Year: 2018 | Sales: 3 | Sales: 4",
        ]

    def test_row_headings_are_no_column_names(self, html: Html) -> None:
        parsed = html("<table><tr><th>Name<td>Alice<tr><th>City<td>Paris</table>")
        assert parsed.text == "Name | Alice\nCity | Paris"

    def test_a_header_without_markup_is_recognised(self, html: Html) -> None:
        parsed = html("<table><tr><td>Plan<td>Price<tr><td>Basic<td>10</table>")
        assert parsed.text == "Plan | Price\nPlan: Basic | Price: 10"

    def test_a_table_that_only_lays_out_gives_its_content_in_order(self, html: Html) -> None:
        parsed = html(
            "<table><tr><td>left<table><tr><td>a<td>b</table></td><td>right</td></tr></table>"
        )
        assert described(parsed) == [
            ("paragraph", "left"),
            ("table_row", "a | b"),
            ("paragraph", "right"),
        ]

    def test_absurd_spans_cost_nothing(self, html: Html) -> None:
        parsed = html("<table><tr><td colspan=999999999 rowspan=-1>a<td colspan=x>b</table>")
        assert parsed.text == "a | b"


class TestUnseenText:
    @pytest.mark.parametrize(
        "hidden",
        [
            "<script>x</script>",
            "<style>x</style>",
            "<nav>x</nav>",
            "<template>x</template>",
            "<noscript>x</noscript>",
            "<!-- x -->",
            "<select><option>x</select>",
            "<p hidden>x</p>",
            '<p aria-hidden="true">x</p>',
            '<p style="display: none">x</p>',
            '<p style="DISPLAY:NONE !important">x</p>',
            '<p style="visibility:hidden">x</p>',
            '<p style="opacity:0.0">x</p>',
            '<p style="font-size:0px">x</p>',
            '<p style="font-size:1px">x</p>',
            '<p style="position:absolute; left:-9999px">x</p>',
            '<p style="text-indent:-5000em">x</p>',
            '<p style="color:white">x</p>',
            '<p style="color:#FFFFFF; background-color:#fff">x</p>',
            '<p style="color:rgb(255, 255, 255)">x</p>',
            '<p style="color:transparent">x</p>',
            '<p style="color:#123456; background:#123456">x</p>',
            '<font color="white">x</font>',
            '<div hidden><p style="display:none">x</p></div>',
        ],
    )
    def test_is_not_extracted(self, html: Html, hidden: str) -> None:
        assert html(f"<p>seen</p>{hidden}").text == "seen"

    @pytest.mark.parametrize(
        "visible",
        [
            '<p style="color:white; background:#000">x</p>',
            '<div style="background-color:navy"><p style="color:#fff">x</p></div>',
            '<table><tr bgcolor="black"><td><font color="#ffffff">x</font></table>',
            '<p style="color:red; opacity:0.5; left:-10px; font-size:10px">x</p>',
            "<details><p>x</p></details>",
        ],
    )
    def test_is_not_confused_with_what_is_seen(self, html: Html, visible: str) -> None:
        assert html(visible).text == "x"

    def test_a_page_of_hidden_text_is_no_document(self, html: Html) -> None:
        with pytest.raises(ParseError) as refused:
            html("<body hidden>x</body>")
        assert refused.value.code == "document_without_text"


class TestHostileMarkup:
    def test_deep_nesting_needs_no_deep_stack(self, html: Html) -> None:
        assert html("<span>" * 5000 + "deep").text == "deep"

    def test_thousands_of_nested_tables_are_read_in_order(self, html: Html) -> None:
        parsed = html("<table><tr><td>x" * 1000)
        assert len(parsed.blocks) == 1000
        assert {block.kind for block in parsed.blocks} == {BlockKind.PARAGRAPH, BlockKind.TABLE_ROW}
