"""Pages of rows that stay what they are while others are added: each begins behind an item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVarTuple

from sqlalchemy import Row, Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from clientsphere_common.paging import Page, PageWish, page_token, position_of

Ts = TypeVarTuple("Ts")


@dataclass(frozen=True)
class Listing:
    """A list as somebody asks for it."""

    of: type[Any]
    """Ordered by its `created_at_ms` and `id`; the first thing that the statement selects."""
    query: Sequence[str]
    """What its page tokens are bound to: the list's name, the tenant, the filters."""
    newest_first: bool = False


async def read_page(
    session: AsyncSession, statement: Select[Any, *Ts], listing: Listing, wish: PageWish
) -> Page[Row[Any, *Ts]]:
    """Raises InvalidInputError for a page token that was not handed out for this listing."""
    age, id_ = listing.of.created_at_ms, listing.of.id
    if wish.token:
        last, here = position_of(wish.token, listing.query), tuple_(age, id_)
        statement = statement.where(here < last if listing.newest_first else here > last)
    order = (age.desc(), id_.desc()) if listing.newest_first else (age, id_)
    found = (await session.execute(statement.order_by(*order).limit(wish.size + 1))).all()
    shown = tuple(found[: wish.size])
    if len(found) <= wish.size:
        return Page(shown)
    last_row = shown[-1][0]
    return Page(shown, page_token(listing.query, (last_row.created_at_ms, last_row.id)))
