"""How a client asks for a page of a list, whichever list it is."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from clientsphere_common.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, PageWish

PageToken = Annotated[
    str,
    Query(
        max_length=512,
        description="`next_page_token` of the page before, for the same list and filters.",
    ),
]
_PageSize = Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)]


async def _page(page_size: _PageSize = DEFAULT_PAGE_SIZE, page_token: PageToken = "") -> PageWish:
    return PageWish(page_size, page_token)


ThePage = Annotated[PageWish, Depends(_page)]
