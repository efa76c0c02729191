"""A tenant's audit trail, page by page."""

from __future__ import annotations

from dataclasses import dataclass

from clientsphere_common.hash_chain import ChainLink


@dataclass(frozen=True)
class TrailHead:
    """The newest event of the chain; sequence 0 while there is none."""

    sequence: int
    hash: str


@dataclass(frozen=True)
class TrailFilters:
    """As the query of a request names them."""

    action: str | None = None
    principal: str | None = None
    outcome: str | None = None
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class TrailPage:
    items: tuple[ChainLink, ...]
    head: TrailHead
    next_page_token: str | None
