"""Headers, footers and page numbers."""

from __future__ import annotations

from ingestion.parsing.pdf_glyphs import Line
from ingestion.parsing.running_lines import drop_running_lines


def page(*texts: str) -> list[Line]:
    return [
        Line(text, left=50, right=300, base=700 - 12 * row, height=11, is_bold=False)
        for row, text in enumerate(texts)
    ]


def texts(pages: list[list[Line]]) -> list[list[str]]:
    return [[line.text for line in lines] for lines in pages]


class TestDropRunningLines:
    def test_page_numbers_go_whatever_number_they_start_with(self) -> None:
        pages = [page(f"Text {n}a.", f"Text {n}b.", f"ACME 2024 | {n + 7}") for n in range(6)]
        assert texts(drop_running_lines(pages))[3] == ["Text 3a.", "Text 3b."]

    def test_page_numbers_go_even_beside_a_name_with_a_full_stop(self) -> None:
        pages = [page(f"Text {n * n}.", f"{n + 2} ACME, INC.") for n in range(6)]
        assert texts(drop_running_lines(pages))[3] == ["Text 9."]

    def test_a_repeated_title_stays_where_it_stands_first(self) -> None:
        pages = [page("Employee handbook", f"Text {n * n}.") for n in range(6)]
        kept = texts(drop_running_lines(pages))
        assert kept[0] == ["Employee handbook", "Text 0."]
        assert kept[1:] == [[f"Text {n * n}."] for n in range(1, 6)]

    def test_numbers_that_do_not_grow_with_the_page_are_content(self) -> None:
        pages = [page(f"Employee {n * 7}", f"Total: {n * 50 % 130}") for n in range(6)]
        assert texts(drop_running_lines(pages)) == texts(pages)

    def test_sentences_with_a_growing_number_are_content(self) -> None:
        pages = [page("Same.", f"This is page {n} of the story.") for n in range(6)]
        assert texts(drop_running_lines(pages))[5] == ["This is page 5 of the story."]

    def test_lines_in_the_middle_of_a_page_are_content(self) -> None:
        pages = [
            page(*(f"{n * n}{k}." for k in "ab"), "Same", *(f"{n * n}{k}." for k in "cde"))
            for n in range(6)
        ]
        assert texts(drop_running_lines(pages)) == texts(pages)

    def test_no_page_loses_all_it_has(self) -> None:
        pages = [page("Confidential") for _ in range(6)]
        assert texts(drop_running_lines(pages)) == [["Confidential"]] * 6

    def test_short_documents_keep_everything(self) -> None:
        pages = [page("Title", f"Text {n * n}.", str(n)) for n in range(4)]
        assert texts(drop_running_lines(pages)) == texts(pages)
