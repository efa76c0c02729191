"""Stands before the work: lets a request in when there is a place for it, or refuses it at once."""

from __future__ import annotations

import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clientsphere_common.errors import OverloadedError
from gateway.http_protocol import pause_after
from gateway.problems import error_response
from gateway.route_names import RouteNames
from gateway.shedding.metrics import SheddingMetrics
from gateway.shedding.places import Places
from gateway.shedding.priorities import PRIORITIES, Priority

_SPREAD_S = 3
"""So that those who were refused together do not come back together."""

_PAUSE_S = 0.5
"""Whoever asks again at once must not have the process do nothing but refuse."""


class LoadShedding:
    def __init__(self, app: ASGIApp, places: Places, metrics: SheddingMetrics) -> None:
        self._app = app
        self._places = places
        self._metrics = metrics
        self._routes = RouteNames(PRIORITIES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        priority = PRIORITIES.get(self._routes.of(scope), Priority.LOW)
        if self._places.has_one_for(priority):
            await self._work(scope, receive, send)
            return
        self._metrics.shed(priority)
        pause_after(scope, _PAUSE_S)
        overloaded = OverloadedError(
            "overloaded",
            "There is too much to do right now.",
            retry_after_s=1 + secrets.randbelow(_SPREAD_S),
        )
        await error_response(overloaded)(scope, receive, send)

    async def _work(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_body_complete = False

        async def receive_elsewhere() -> Message:
            """Who waits for a client's bytes does no work, and must not keep others from theirs."""
            nonlocal is_body_complete
            if is_body_complete:
                return await receive()
            self._places.taken -= 1
            try:
                message = await receive()
            finally:
                self._places.taken += 1
            is_body_complete = not message.get("more_body", False)
            return message

        self._places.taken += 1
        try:
            await self._app(scope, receive_elsewhere, send)
        finally:
            self._places.taken -= 1
