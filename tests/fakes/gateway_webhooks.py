"""The webhooks of the fake gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.gateway_tenant import FakeTenant, new_delivery, page_of

Found = Callable[[dict[str, dict[str, Any]], Request, str], dict[str, Any]]


class FakeWebhooks:
    """Each look at deliveries that wait finds them settled, with `answer`."""

    def __init__(
        self,
        tenant: Callable[[Request], FakeTenant],
        body: Callable[[Request], Awaitable[dict[str, Any]]],
        found: Found,
    ) -> None:
        self.answer: dict[str, Any] = {}
        self._tenant = tenant
        self._body = body
        self._found = found

    def routes(self) -> list[Route]:
        return [
            Route("/v1/webhooks", self._create, methods=["POST"]),
            Route("/v1/webhooks", self._list, methods=["GET"]),
            Route("/v1/webhooks/{id}", self._delete, methods=["DELETE"]),
            Route("/v1/webhooks/{id}/test", self._test, methods=["POST"]),
            Route("/v1/webhooks/{id}/deliveries", self._deliveries, methods=["GET"]),
        ]

    async def _create(self, request: Request) -> Response:
        webhooks = self._tenant(request).webhooks
        webhook = {
            "id": f"whk_{len(webhooks) + 1}",
            "enabled": True,
            "disabled_reason": None,
            **(await self._body(request)),
        }
        webhooks[webhook["id"]] = webhook
        return JSONResponse({**webhook, "secret": "whsec_made"}, 201)

    async def _list(self, request: Request) -> Response:
        items = list(self._tenant(request).webhooks.values())
        return JSONResponse(page_of(items, request.query_params))

    async def _delete(self, request: Request) -> Response:
        webhooks = self._tenant(request).webhooks
        del webhooks[self._found(webhooks, request, "webhook")["id"]]
        return Response(status_code=204)

    async def _test(self, request: Request) -> Response:
        tenant = self._tenant(request)
        self._found(tenant.webhooks, request, "webhook")
        tenant.deliveries.insert(0, new_delivery(len(tenant.deliveries) + 1))
        return JSONResponse(tenant.deliveries[0], 202)

    async def _deliveries(self, request: Request) -> Response:
        tenant = self._tenant(request)
        self._found(tenant.webhooks, request, "webhook")
        for delivery in tenant.deliveries:
            delivery.update(self.answer)
        return JSONResponse(page_of(tenant.deliveries, request.query_params))
