"""A product that runs for random programs, and the making of requests to it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvloop

from tests.harness.in_process import (
    EMBEDDING_DIMENSION,
    ProductInProcess,
    product_in_process,
    settings_for,
)
from tests.harness.openai_server import ChatScript, openai_server, said
from tests.harness.output import captured_output
from tests.isolation.canaries import Canaries
from tests.isolation.channels import Channels, Leak, Seen
from tests.isolation.tenants import Tenant, move_in

_T = TypeVar("_T")

_SETTLED_S = 60.0
_PIECE_CHARS = 300
_LONGEST_ANSWER_CHARS = 6000


@dataclass
class World:
    product: ProductInProcess
    client: httpx.AsyncClient
    """Of all tenants, so that their requests share connections."""
    canaries: Canaries
    channels: Channels
    tenants: list[Tenant] = field(default_factory=list)
    found: list[Leak] = field(default_factory=list)
    """By programs, which are run again and may then not find it."""

    async def renew(self, count: int = 3) -> None:
        """Begin with tenants that have nothing."""
        key = self.product.operator_key
        self.tenants = [await move_in(self.client, key, self.canaries) for _ in range(count)]

    async def request(
        self, tenant: Tenant, role: str, method: str, path: str, **content: Any
    ) -> httpx.Response:
        """All of the response may hold the tenant's own words, and nobody else's."""
        bearer = {"Authorization": f"Bearer {tenant.credentials[role]}"}
        headers = bearer | content.pop("headers", {})
        response = await self.client.request(method, path, headers=headers, **content)
        self.channels.responses += [
            Seen("response body", response.content, tenant.id),
            Seen(
                "response header",
                b"\n".join(b": ".join(one) for one in response.headers.raw),
                tenant.id,
            ),
        ]
        return response

    async def leave_during(
        self, tenant: Tenant, role: str, path: str, body: object, patience_s: float
    ) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self.request(tenant, role, "POST", path, json=body)

    async def settle(self) -> None:
        """Until nothing that was uploaded is still being read."""
        async with asyncio.timeout(_SETTLED_S):
            for tenant in self.tenants:
                while any(
                    one["state"] in {"queued", "processing"} for one in await self._of(tenant)
                ):
                    await asyncio.sleep(0.02)

    async def _of(self, tenant: Tenant) -> Sequence[dict[str, Any]]:
        response = await self.request(
            tenant, "owner", "GET", "/v1/documents", params={"page_size": 200}
        )
        items: list[dict[str, Any]] = response.raise_for_status().json()["items"]
        return items


@dataclass(frozen=True)
class Stage:
    """A world for tests that are no coroutines: it stands still unless `run` is called."""

    world: World
    runner: asyncio.Runner

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self.runner.run(work)


@contextmanager
def stage(
    folder: Path, surround: Callable[[ProductInProcess], None] = lambda _: None
) -> Iterator[Stage]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        opening = running_world(folder, surround)
        world = runner.run(opening.__aenter__())
        try:
            yield Stage(world, runner)
        finally:
            runner.run(opening.__aexit__(None, None, None))


@asynccontextmanager
async def running_world(
    folder: Path, surround: Callable[[ProductInProcess], None] = lambda _: None
) -> AsyncIterator[World]:
    """`surround` may change the product before the first request."""
    folder.mkdir()
    async with AsyncExitStack() as open_:
        output = open_.enter_context(captured_output(folder / "output"))
        model = await open_.enter_async_context(openai_server())
        model.chat, model.embeddings = repeat_the_prompt, by_words
        settings = settings_for(folder / "data", model)
        product = await open_.enter_async_context(product_in_process(settings))
        surround(product)
        client = await open_.enter_async_context(product.client())
        canaries = Canaries()
        channels = Channels(product, output, model, canaries)
        yield World(product, client, canaries, channels)


def repeat_the_prompt(sent: dict[str, Any]) -> ChatScript:
    """The most indiscreet of models: it says all that it was told."""
    told = "\n".join(message["content"] for message in sent["messages"])[-_LONGEST_ANSWER_CHARS:]
    return said(*(told[at : at + _PIECE_CHARS] for at in range(0, len(told), _PIECE_CHARS)))


def by_words(texts: Sequence[str]) -> list[list[float]]:
    """Texts with the same words point the same way."""
    return [_direction(text) for text in texts]


def _direction(text: str) -> list[float]:
    row = [0.01] * EMBEDDING_DIMENSION
    for word in text.lower().split():
        row[zlib.crc32(word.encode()) % EMBEDDING_DIMENSION] += 1.0
    return row
