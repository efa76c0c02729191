"""Page tokens lead on in the query that they were handed out for, and nowhere else."""

from __future__ import annotations

import base64

import pytest

from clientsphere_common.errors import InvalidInputError
from clientsphere_common.paging import Page, PageWish, page_token, page_wish, position_of

QUERY = ("documents", "tnt_a", "")
LAST = (1_795_341_600_000, "doc_1")
TOKEN = page_token(QUERY, LAST)


def refused(token: str, query: tuple[str, ...] = QUERY) -> str:
    with pytest.raises(InvalidInputError) as failure:
        position_of(token, query)
    return failure.value.code


def forged(position: object, query: tuple[str, ...] = QUERY) -> str:
    return page_token(query, position)  # type: ignore[arg-type] # what nobody would hand out


class TestPageToken:
    def test_leads_back_to_where_it_was_made(self) -> None:
        assert position_of(TOKEN, QUERY) == LAST

    def test_fits_a_query_parameter(self) -> None:
        assert len(page_token(QUERY, (2**63 - 1, "x" * 64))) < 512
        assert set(TOKEN.rstrip("=")) <= set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        )

    @pytest.mark.parametrize(
        "query",
        [
            ("documents", "tnt_b", ""),
            ("documents", "tnt_a", "kb_1"),
            ("roles", "tnt_a", ""),
            ("documents", "tnt_a"),
            ("documents", "", "tnt_a"),
        ],
    )
    def test_of_another_query_is_refused(self, query: tuple[str, ...]) -> None:
        assert refused(TOKEN, query) == "invalid_page_token"

    @pytest.mark.parametrize(
        "token",
        ["x", "!!", "é", "MTIz", TOKEN[:-4], "A" + TOKEN[1:], TOKEN + TOKEN, "W10=", "=" * 500],
    )
    def test_that_was_never_handed_out_is_refused(self, token: str) -> None:
        assert refused(token) == "invalid_page_token"

    @pytest.mark.parametrize(
        "position",
        [
            (-1, "doc_1"),
            (2**63, "doc_1"),
            (True, "doc_1"),
            (1.5, "doc_1"),
            ("1", "doc_1"),
            (1, 2),
            (1, "a\0b"),
            (1, "ü"),
            (1,),
            (1, "a", "b"),
            [],
            5,
            None,
        ],
    )
    def test_that_somebody_made_up_reaches_no_table(self, position: object) -> None:
        assert refused(forged(position)) == "invalid_page_token"

    def test_that_nests_without_end_is_refused(self) -> None:
        deep = base64.urlsafe_b64encode(b"x" * 12 + b"[" * 100_000).decode()
        assert refused(deep) == "invalid_page_token"


class TestPageWish:
    def test_has_50_items_when_it_does_not_say(self) -> None:
        assert page_wish(0, "") == PageWish(50)
        assert page_wish(200, "t") == PageWish(200, "t")

    @pytest.mark.parametrize("size", [-1, 201])
    def test_of_an_impossible_size_is_refused(self, size: int) -> None:
        with pytest.raises(InvalidInputError) as failure:
            page_wish(size, "")
        assert failure.value.code == "invalid_page_size"


class TestPage:
    def test_is_converted_item_by_item(self) -> None:
        assert Page((1, 2), "more").of(str) == Page(("1", "2"), "more")
