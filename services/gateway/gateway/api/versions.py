"""ETags: nothing is sent that a client has, and nothing is overwritten that it has not seen."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Response
from pydantic import WithJsonSchema

from clientsphere_common.versions import UNCONDITIONAL, Precondition

T = TypeVar("T")

_ANY = "*"
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
_EXAMPLES = ['"3f0d9a6c1b7e4258a9d0c3e5f7182b64"']

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "It is as `If-None-Match` has it; there is no body."}
}


class Versions:
    """What the client has seen, and a place to tell it what it sees now."""

    def __init__(self, response: Response, if_none_match: str) -> None:
        self._headers = response.headers
        self._if_none_match = if_none_match.strip()

    def unless_known(self, shown: T, version: str) -> T | Response:
        """`shown`, or 304 for a client that has this version of it."""
        known = {tag for _, tag in _TAG.findall(self._if_none_match)}
        if version in known or self._if_none_match == _ANY:
            return Response(status_code=304, headers={"ETag": _etag(version)})
        return self.told(shown, version)

    def told(self, shown: T, version: str) -> T:
        self._headers["ETag"] = _etag(version)
        return shown


async def _reading(
    response: Response,
    if_none_match: Annotated[
        str,
        Header(description="`ETag`s of what you have: 304 if one is current.", examples=_EXAMPLES),
    ] = "",
) -> Versions:
    return Versions(response, if_none_match)


async def _changed(response: Response) -> Versions:
    return Versions(response, "")


async def _precondition(
    if_match: Annotated[
        str | None,
        # No null: a header is there, or is not.
        WithJsonSchema({"type": "string"}),
        Header(
            description="`ETag` of what you are changing: 412 if it has changed since.",
            examples=_EXAMPLES,
        ),
    ] = None,
) -> Precondition:
    """A weak tag, or what is none, matches nothing: the change is refused, not made blindly."""
    if if_match is None or if_match.strip() == _ANY:
        return UNCONDITIONAL
    return Precondition(frozenset(tag for weak, tag in _TAG.findall(if_match) if not weak))


TheVersions = Annotated[Versions, Depends(_reading)]
"""Of something that is read."""
TheNewVersion = Annotated[Versions, Depends(_changed)]
"""Of something that is written."""
OnlyIf = Annotated[Precondition, Depends(_precondition)]


def _etag(version: str) -> str:
    return f'"{version}"'
