"""How a client asks for a part of a list."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import AwareDatetime, BeforeValidator

from clientsphere_common.names import NAME_PIECE_PATTERN
from gateway.api.dependencies import lookup_id
from gateway.model.library import DocumentChoice, DocumentState
from gateway.model.tenancy import KeyChoice, KeyState
from gateway.model.trail import TrailChoice

_MAX_SEQUENCE = 2**63 - 1
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_EXAMPLE = ["2026-11-22T09:30:00Z"]


def _written_as_time(value: object) -> object:
    """Or a bare number would be a time as well, and a day."""
    if isinstance(value, str) and not _RFC_3339.fullmatch(value):
        raise ValueError("Input should be a time with its offset, such as 2026-11-22T09:30:00Z")
    return value


_Time = Annotated[AwareDatetime, BeforeValidator(_written_as_time)]
_From = Annotated[_Time | None, Query(description="Only of this time or later.", examples=_EXAMPLE)]
_Before = Annotated[_Time | None, Query(description="Only of an earlier time.", examples=_EXAMPLE)]
_NamePiece = Annotated[
    str,
    Query(
        max_length=200,
        pattern=NAME_PIECE_PATTERN,
        description="Only those with this somewhere in their name. A to Z are the same in either"
        " case; every other character stands for itself.",
        examples=["handbook"],
    ),
]


async def _documents(
    knowledge_base_id: Annotated[str, Query(description="Only those in this one.")] = "",
    state: Annotated[
        tuple[DocumentState, ...],
        Query(description="Only those in this state; may be repeated, for those in one of them."),
    ] = (),
    name: _NamePiece = "",
    created_after: _From = None,
    created_before: _Before = None,
) -> DocumentChoice:
    within = lookup_id(knowledge_base_id) if knowledge_base_id else ""
    return DocumentChoice(within, frozenset(state), name, created_after, created_before)


async def _api_keys(
    state: Annotated[
        tuple[KeyState, ...],
        Query(description="Only those in this state; may be repeated, for those in one of them."),
    ] = (),
    name: _NamePiece = "",
) -> KeyChoice:
    return KeyChoice(frozenset(state), name)


async def _trail(  # noqa: PLR0913 - the parameters of a query
    after: Annotated[
        int, Query(ge=0, le=_MAX_SEQUENCE, description="Only those behind this sequence number.")
    ] = 0,
    action: Annotated[
        str, Query(max_length=64, description="Only this one.", examples=["document.deleted"])
    ] = "",
    principal: Annotated[
        str,
        Query(
            max_length=64,
            description="Only what this one did: the id of an API key or a user.",
            examples=["key_4fJk29Qz"],
        ),
    ] = "",
    outcome: Annotated[
        Literal["succeeded", "denied", "failed"] | None, Query(description="Only with this one.")
    ] = None,
    since: _From = None,
    until: _Before = None,
) -> TrailChoice:
    who = lookup_id(principal) if principal else ""
    return TrailChoice(after, action, who, outcome or "", since, until)


TheDocumentChoice = Annotated[DocumentChoice, Depends(_documents)]
TheKeyChoice = Annotated[KeyChoice, Depends(_api_keys)]
TheTrailChoice = Annotated[TrailChoice, Depends(_trail)]
