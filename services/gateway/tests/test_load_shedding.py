"""What is refused when there is too much to do, what never is, and how quickly it is said."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from clientsphere_common.access.table import ROUTE_ACCESS
from clientsphere_common.http_server import HttpAddress, HttpServer
from gateway.http_protocol import BoundedHttpProtocol, ConnectionBounds
from gateway.middleware.load_shedding import LoadShedding
from gateway.model.tenancy import NewTenant
from gateway.route_names import RouteNames
from gateway.settings import GatewaySettings
from gateway.shedding.loop_lag import LoopLag
from gateway.shedding.metrics import SheddingMetrics
from gateway.shedding.places import PlaceBounds, Places
from gateway.shedding.priorities import PRIORITIES, Priority
from tests.harness.gateway import OPERATOR_KEY, Gateway, Tables
from tests.harness.modules import running


def path_of(name: str) -> tuple[str, str]:
    """A request for the route."""
    method, _, path = name.partition(" ")
    parts = ["x" if part.startswith("{") else part for part in path.split("/")]
    return method, "/".join(parts)


class TestPriorities:
    def test_every_route_has_one(self) -> None:
        assert set(PRIORITIES) == set(ROUTE_ACCESS)

    @pytest.mark.parametrize(
        ("name", "priority"),
        [
            ("GET /health/ready", Priority.ALWAYS),
            ("DELETE /v1/api-keys/{api_key_id}", Priority.HIGH),
            ("DELETE /v1/tenants/{tenant_id}/token-issuers/{token_issuer_id}", Priority.HIGH),
            ("POST /v1/chat", Priority.NORMAL),
            ("POST /v1/tokens", Priority.NORMAL),
            ("POST /v1/documents", Priority.LOW),
            ("GET /v1/audit/events", Priority.LOW),
        ],
    )
    def test_are_by_what_would_be_missed_most(self, name: str, priority: Priority) -> None:
        assert PRIORITIES[name] is priority

    def test_only_a_few_are_not_the_normal_one(self) -> None:
        counted = Counter(PRIORITIES.values())
        assert (counted[Priority.ALWAYS], counted[Priority.LOW]) == (3, 11)

    @pytest.mark.parametrize("name", sorted(PRIORITIES))
    def test_a_request_is_recognised(self, name: str) -> None:
        method, path = path_of(name)
        assert RouteNames(PRIORITIES).of({"method": method, "path": path}) == name

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/"),
            ("GET", "/health/live/"),
            ("GET", "//health/live"),
            ("POST", "/health/live"),
            ("GET", "/v1/documents//content"),
            ("DELETE", "/v1/api-keys/"),
            ("BREW", "/v1/chat"),
        ],
    )
    def test_what_is_no_route_has_none(self, method: str, path: str) -> None:
        assert RouteNames(PRIORITIES).of({"method": method, "path": path}) == ""


class TestPlaces:
    @pytest.mark.parametrize(
        ("taken", "let_in"),
        [
            (59, {"low", "normal", "high", "always"}),
            (60, {"normal", "high", "always"}),
            (89, {"normal", "high", "always"}),
            (90, {"high", "always"}),
            (100, {"always"}),
            (1000, {"always"}),
        ],
    )
    def test_are_kept_for_what_matters_more(self, taken: int, let_in: set[str]) -> None:
        places = Places(PlaceBounds(most=100, least=10))
        places.taken = taken
        assert {one.label for one in Priority if places.has_one_for(one)} == let_in

    def test_become_fewer_than_are_taken_while_the_loop_is_late(self) -> None:
        places = Places(PlaceBounds(most=500, least=50))
        places.taken = 100
        places.adapt(is_late=True)
        assert places.count == 80

    def test_never_become_fewer_than_the_least(self) -> None:
        places = Places(PlaceBounds(most=500, least=50))
        for _ in range(100):
            places.adapt(is_late=True)
        assert places.count == 50

    def test_are_all_there_again_within_six_seconds(self) -> None:
        places = Places(PlaceBounds(most=500, least=50))
        places.adapt(is_late=True)
        assert places.count == 50
        for _ in range(12):
            places.adapt(is_late=False)
        assert places.count == 500


class TestLoopLag:
    async def test_is_noticed_when_it_stays(self) -> None:
        places, registry = Places(PlaceBounds(most=100, least=10)), CollectorRegistry()
        lag = LoopLag(places, SheddingMetrics(registry), late_after_s=0.005)
        busy = True

        async def hog() -> None:
            while busy:
                time.sleep(0.02)
                await asyncio.sleep(0)

        async with running(lag):
            hogging = asyncio.create_task(hog())
            async with asyncio.timeout(20):
                while places.count > 10:
                    await asyncio.sleep(0.05)
            busy = False
            await hogging
        assert (registry.get_sample_value("clientsphere_event_loop_lag_seconds") or 0) > 0.005
        assert registry.get_sample_value("clientsphere_http_places") == 10

    def test_is_no_overload_when_it_passes(self) -> None:
        places = Places(PlaceBounds(most=100, least=10))
        lag = LoopLag(places, SheddingMetrics(CollectorRegistry()), late_after_s=0.01)
        with capture_logs() as logs:
            lag.judge(0.009)
            assert places.count == 100
            places.taken = 50
            lag.judge(0.011)
        assert places.count == 40
        assert [one["event"] for one in logs] == ["places_reduced"]


class Busy:
    """An app that works until it is told to stop."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.working = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.working += 1
        await self.may_end.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def saturated(gateway: Gateway) -> AsyncIterator[None]:
    """All places are taken, by requests that wait."""
    gateway.protection.places.taken += gateway.protection.places.count
    try:
        yield
    finally:
        gateway.protection.places.taken -= gateway.protection.places.count


class TestASaturatedGateway:
    @pytest.fixture
    def gateway(self, tables: Tables) -> Gateway:
        settings = GatewaySettings(most_requests_at_once=10, least_requests_at_once=5)
        return Gateway(tables, settings)

    async def test_refuses_with_a_problem_and_a_time_to_come_back(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        async with saturated(gateway):
            response = await owner.post("/v1/chat", json={"question": "?"})
        assert (response.status_code, response.json()["code"]) == (503, "overloaded")
        assert 1 <= int(response.headers["retry-after"]) <= 3
        assert response.headers["x-request-id"] == response.json()["request_id"]

    async def test_lets_nobody_wait(self, gateway: Gateway, owner: httpx.AsyncClient) -> None:
        async with saturated(gateway):
            times_s = []
            for _ in range(50):
                started = time.perf_counter()
                await owner.get("/v1/documents")
                times_s.append(time.perf_counter() - started)
        assert min(times_s) < 0.01

    async def test_still_tells_its_health_and_metrics(
        self, gateway: Gateway, nobody: httpx.AsyncClient
    ) -> None:
        async with saturated(gateway):
            await nobody.get("/docs")
            assert (await nobody.get("/health/live")).status_code == 200
            assert (await nobody.get("/health/ready")).status_code == 200
            told = (await nobody.get("/metrics")).text
        assert 'clientsphere_http_requests_shed_total{priority="low"} 1.0' in told

    async def test_revokes_keys_until_the_last_place(
        self, gateway: Gateway, owner: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        made = await owner.post("/v1/api-keys", json={"name": "leaked", "role": "viewer"})
        gateway.protection.places.taken = 9
        try:
            assert (await owner.get("/v1/me")).status_code == 503
            revoked = await owner.delete(f"/v1/api-keys/{made.json()['id']}")
            async with gateway.client(OPERATOR_KEY) as operator:
                created = await operator.post("/v1/tenants", json={"name": "Another"})
        finally:
            gateway.protection.places.taken = 0
        assert (revoked.status_code, created.status_code) == (204, 201)

    async def test_looks_at_no_credential(self, gateway: Gateway) -> None:
        async with saturated(gateway), gateway.client("not-a-key") as stranger:
            assert (await stranger.get("/v1/me")).status_code == 503

    async def test_serves_again_when_places_are_free(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        async with saturated(gateway):
            assert (await owner.get("/v1/me")).status_code == 503
        assert (await owner.get("/v1/me")).status_code == 200


class TestPlacesOfRequests:
    async def test_are_held_to_the_end_of_the_response(self) -> None:
        app, places = Busy(), Places(PlaceBounds(10, 5))
        shedding = LoadShedding(app, places, SheddingMetrics(CollectorRegistry()))
        async with AsyncExitStack() as stack:
            transport = httpx.ASGITransport(shedding)
            client = await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://gateway.test")
            )
            asking = [asyncio.create_task(client.get("/v1/me")) for _ in range(20)]
            while app.working < 9:
                await asyncio.sleep(0)
            assert places.taken == 9
            app.may_end.set()
            statuses = [response.status_code for response in await asyncio.gather(*asking)]
        assert places.taken == 0
        assert (statuses.count(200), statuses.count(503)) == (9, 11)

    async def test_are_free_while_a_client_sends_its_body(self) -> None:
        places, body = Places(PlaceBounds(10, 5)), asyncio.Queue[Message]()
        taken: list[int] = []

        async def reads(scope: Scope, receive: Receive, send: Send) -> None:
            while (message := await receive()).get("more_body"):
                taken.append(places.taken)
            assert message["type"] == "http.request"
            leaving = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            taken.append(places.taken)
            await body.put({"type": "http.disconnect"})
            assert (await leaving)["type"] == "http.disconnect"

        shedding = LoadShedding(reads, places, SheddingMetrics(CollectorRegistry()))
        scope = {"type": "http", "method": "POST", "path": "/v1/documents"}
        serving = asyncio.create_task(shedding(scope, body.get, None))  # type: ignore[arg-type] # unused
        await asyncio.sleep(0)
        assert places.taken == 0
        await body.put({"type": "http.request", "body": b"x", "more_body": True})
        await body.put({"type": "http.request", "body": b"x", "more_body": False})
        await serving
        assert taken == [1, 1]
        assert places.taken == 0


class TestWhoAsksAgainAtOnce:
    async def test_is_listened_to_half_a_second_later(self, gateway: Gateway) -> None:
        protocol = partial(BoundedHttpProtocol, ConnectionBounds())
        address = HttpAddress("127.0.0.1", 0, "CLIENTSPHERE_TEST_")
        server = HttpServer(gateway.app, address, protocol=protocol)
        async with (
            running(server),
            saturated(gateway),
            httpx.AsyncClient(base_url=server.url) as client,
        ):
            started = time.perf_counter()
            statuses = [(await client.get("/v1/me")).status_code for _ in range(2)]
            statuses.append((await client.get("/health/live")).status_code)
            elapsed_s = time.perf_counter() - started
        assert statuses == [503, 503, 200]
        assert elapsed_s >= 1
