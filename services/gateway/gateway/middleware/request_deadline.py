"""Gives each request its deadline: the client's own, or the longest that its route may take."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clientsphere_common.errors import DeadlineExceededError, InvalidInputError, ServiceError
from clientsphere_common.request import set_timeout
from gateway.problems import error_response
from gateway.route_names import RouteNames

TIMEOUT_HEADER = "X-Request-Timeout-S"
_LEAST_TIMEOUT_S = 0.001
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_GRACE_S = 1.0
"""For calls to end by their own deadline, which is the same, and for the audit trail to be told."""


@dataclass(frozen=True)
class LongestTimes:
    request_s: float
    of_routes_s: Mapping[str, float]
    """By the names of routes that may take longer, or less."""


class RequestDeadline:
    """What is called on behalf of the request inherits the deadline, down to the model.

    Work that has none of its own is cut off a second after it. A response that has begun is not:
    whoever writes it knows how to end it.
    """

    def __init__(self, app: ASGIApp, longest: LongestTimes, grace_s: float = _GRACE_S) -> None:
        self._app = app
        self._longest = longest
        self._grace_s = grace_s
        self._routes = RouteNames(longest.of_routes_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            timeout_s = self._timeout_s(scope)
            set_timeout(timeout_s)
            await self._in_time(timeout_s, scope, receive, send)
        except ServiceError as error:
            await error_response(error)(scope, receive, send)

    async def _in_time(self, timeout_s: float, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_begun(message: Message) -> None:
            cut.reschedule(None)
            await send(message)

        cut = asyncio.timeout(timeout_s + self._grace_s)
        try:
            async with cut:
                await self._app(scope, receive, send_begun)
        except TimeoutError as error:
            if not cut.expired():
                raise
            raise DeadlineExceededError(
                "deadline_exceeded", "The request took too long."
            ) from error

    def _timeout_s(self, scope: Scope) -> float:
        longest_s = self._longest.of_routes_s.get(self._routes.of(scope), self._longest.request_s)
        asked = Headers(scope=scope).getlist(TIMEOUT_HEADER)
        return min(longest_s, _seconds(asked)) if asked else longest_s


def _seconds(asked: list[str]) -> float:
    if len(asked) == 1 and _NUMBER.fullmatch(asked[0]) and float(asked[0]) >= _LEAST_TIMEOUT_S:
        return float(asked[0])
    raise InvalidInputError(
        "request_timeout_invalid",
        f"{TIMEOUT_HEADER} is a number of seconds from 0.001, such as 2.5.",
    )
