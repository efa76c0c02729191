"""When two answers are the same: to the byte, but for what no two requests share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

_PER_REQUEST = {"date", "x-request-id"}
_COUNTING = {"ratelimit"}
"""Its value is about how often the caller has asked."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def answer_of(response: httpx.Response, differs: Sequence[str] = ()) -> Answer:
    """`differs` names fields whose values are new each time."""
    headers = [
        (name.lower(), "" if name.lower() in _COUNTING else value)
        for name, value in response.headers.multi_items()
        if name.lower() not in _PER_REQUEST
    ]
    body = response.content
    for name in ("request_id", *differs):
        body = re.sub(rb'("%b": ?)"[^"]*"' % name.encode(), rb'\1"?"', body)
    return Answer(response.status_code, tuple(sorted(headers)), body)
