"""A list of documents has those that fit every filter and that the caller sees, none besides."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from clientsphere_common.access.audience import audience
from clientsphere_common.access.model import Permission
from clientsphere_common.errors import InvalidInputError
from clientsphere_common.paging import PageWish
from clientsphere_common.request import Caller
from ingestion.model import Document, DocumentChoice, DocumentState
from ingestion.parsing.model import ParseError
from tests.harness.ingestion import Ingestion

MANAGER = Caller(
    "tnt_a",
    "usr_manager",
    permissions=frozenset({Permission.DOCUMENTS_READ_ALL}),
)


async def put(ingestion: Ingestion, caller: Caller, *names: str) -> list[Document]:
    return [(await ingestion.receive(caller, f"This is {one}.", one)).document for one in names]


async def names(ingestion: Ingestion, caller: Caller, choice: DocumentChoice) -> set[str]:
    """Of all pages, each of them full but the last one."""
    found: list[Document] = []
    token = ""
    while True:
        page = await ingestion.document_care.page(caller, choice, PageWish(2, token))
        found += page.items
        if page.next_page_token is None:
            assert len({one.id for one in found}) == len(found)
            return {one.name for one in found}
        assert len(page.items) == 2
        token = page.next_page_token


class TestStates:
    @pytest.mark.parametrize(
        ("states", "expected"),
        [
            ({DocumentState.READY}, {"ready.txt"}),
            ({DocumentState.FAILED}, {"failed.txt"}),
            ({DocumentState.QUEUED, DocumentState.FAILED}, {"queued.txt", "failed.txt"}),
            ({DocumentState.PROCESSING}, set()),
            (set(), {"queued.txt", "ready.txt", "failed.txt"}),
        ],
    )
    async def test_are_those_of_the_newest_version(
        self,
        ingestion: Ingestion,
        caller: Caller,
        states: Collection[DocumentState],
        expected: set[str],
    ) -> None:
        await put(ingestion, caller, "queued.txt")
        await ingestion.index_newest(caller, (await put(ingestion, caller, "ready.txt"))[0])
        ingestion.parser.failure = ParseError("pdf_broken", "The file is damaged.")
        await ingestion.index_newest(caller, (await put(ingestion, caller, "failed.txt"))[0])
        assert await names(ingestion, caller, DocumentChoice(states=frozenset(states))) == expected


class TestNames:
    async def test_hold_what_is_looked_for(self, ingestion: Ingestion, caller: Caller) -> None:
        await put(
            ingestion, caller, "Prices 2025.txt", "prices_2026.txt", "100%.txt", "Übersicht.txt"
        )
        for piece, expected in (
            ("PRICES", {"Prices 2025.txt", "prices_2026.txt"}),
            ("s_2", {"prices_2026.txt"}),
            ("%", {"100%.txt"}),
            ("\\", set()),
            ("Übersicht", {"Übersicht.txt"}),
            ("übersicht", set()),
        ):
            assert await names(ingestion, caller, DocumentChoice(name_piece=piece)) == expected

    async def test_are_looked_for_by_no_more_than_200_characters(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        assert await names(ingestion, caller, DocumentChoice(name_piece="x" * 200)) == set()
        with pytest.raises(InvalidInputError) as refused:
            await names(ingestion, caller, DocumentChoice(name_piece="x" * 201))
        assert refused.value.code == "invalid_filter"


class TestTimes:
    async def test_begin_with_the_first_and_end_before_the_second(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        (document,) = await put(ingestion, caller, "a.txt")
        at_ms = document.created_at_ms
        for choice, expected in (
            (DocumentChoice(created_from_ms=at_ms), {"a.txt"}),
            (DocumentChoice(created_from_ms=at_ms + 1), set()),
            (DocumentChoice(created_before_ms=at_ms), set()),
            (DocumentChoice(created_before_ms=at_ms + 1), {"a.txt"}),
            (DocumentChoice(created_from_ms=at_ms, created_before_ms=at_ms + 1), {"a.txt"}),
            (DocumentChoice(created_from_ms=at_ms + 1, created_before_ms=at_ms), set()),
            (DocumentChoice(created_before_ms=0), set()),
        ):
            assert await names(ingestion, caller, choice) == expected


class TestAllFilters:
    async def test_hold_together(self, ingestion: Ingestion, caller: Caller) -> None:
        await put(ingestion, caller, "price a.txt", "note a.txt")
        await ingestion.index_newest(caller, (await put(ingestion, caller, "price b.txt"))[0])
        choice = DocumentChoice(states=frozenset({DocumentState.QUEUED}), name_piece="price")
        assert await names(ingestion, caller, choice) == {"price a.txt"}

    async def test_leave_out_what_the_caller_does_not_see_and_fill_its_pages(
        self, ingestion: Ingestion, caller: Caller, stranger: Caller
    ) -> None:
        made = await put(ingestion, MANAGER, *(f"price {number}.txt" for number in range(9)))
        for document in made[::2]:
            await ingestion.access.set_of_document(MANAGER, document.id, audience(["hr"], ()))
        await put(ingestion, stranger, "price of a stranger.txt")
        choice = DocumentChoice(states=frozenset({DocumentState.QUEUED}), name_piece="PRICE")
        seen = {f"price {number}.txt" for number in range(1, 9, 2)}
        assert await names(ingestion, caller, choice) == seen
        assert len(await names(ingestion, MANAGER, choice)) == 9

    @pytest.mark.parametrize(
        "other",
        [
            DocumentChoice(),
            DocumentChoice(states=frozenset({DocumentState.QUEUED})),
            DocumentChoice(states=frozenset({DocumentState.READY}), name_piece="t"),
            DocumentChoice(states=frozenset({DocumentState.QUEUED}), name_piece="T"),
            DocumentChoice(
                states=frozenset({DocumentState.QUEUED}), name_piece="t", created_from_ms=0
            ),
            DocumentChoice(
                states=frozenset({DocumentState.QUEUED}), name_piece="t", created_before_ms=2**60
            ),
        ],
        ids=str,
    )
    async def test_are_what_a_page_token_is_good_for(
        self, ingestion: Ingestion, caller: Caller, other: DocumentChoice
    ) -> None:
        await put(ingestion, caller, "a.txt", "b.txt")
        states = frozenset({DocumentState.QUEUED, DocumentState.PROCESSING})
        choice = DocumentChoice(states=states, name_piece="t")
        page = await ingestion.document_care.page(caller, choice, PageWish(1))
        rest = PageWish(1, page.next_page_token or "")
        again = replace(choice, states=frozenset(sorted(states, reverse=True)))
        assert len((await ingestion.document_care.page(caller, again, rest)).items) == 1
        with pytest.raises(InvalidInputError) as refused:
            await ingestion.document_care.page(caller, other, rest)
        assert refused.value.code == "invalid_page_token"
