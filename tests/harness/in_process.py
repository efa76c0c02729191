"""The whole product in the event loop of a test, which can then look into it."""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import httpx
from prometheus_client import CollectorRegistry

from all_in_one.settings import AllSettings
from all_in_one.wiring import Process, build
from clientsphere_common.modules import run_modules
from clientsphere_common.settings import PlatformSettings
from gateway.app import GatewayApi
from gateway.limit_rules import LimitName, LimitRule
from gateway.services import Services
from gateway.settings import GatewaySettings
from llm_proxy.settings import LlmProxySettings
from tests.harness.openai_server import OpenAiServer

_T = TypeVar("_T")

EMBEDDING_DIMENSION = 64
_UNLIMITED = 1_000_000


@dataclass(frozen=True)
class ProductInProcess:
    process: Process
    data_dir: Path
    app: GatewayApi

    @property
    def url(self) -> str:
        return self.process.http.url

    @property
    def services(self) -> Services:
        services = self.app.state.services
        assert isinstance(services, Services)
        return services

    @property
    def registry(self) -> CollectorRegistry:
        return self.services.registry

    @property
    def operator_key(self) -> str:
        return (self.data_dir / "secrets" / "gateway-operator-key").read_text().strip()

    def client(self, credential: str = "") -> httpx.AsyncClient:
        """Over a connection, as from outside."""
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30)


def settings_for(data_dir: Path, model: OpenAiServer | None = None) -> AllSettings:
    """Without limits that matter; `model` embeds, and writes the answers."""
    unlimited = dict.fromkeys(LimitName, LimitRule(_UNLIMITED, _UNLIMITED))
    gateway = GatewaySettings(port=0, bootstrap_default_tenant=False, limits=unlimited)
    llm_proxy = LlmProxySettings()
    if model is not None:
        llm_proxy = LlmProxySettings(
            completion_base_url=model.base_url,
            completion_model="served-model",
            embedding_base_url=model.base_url,
            embedding_model="served-model",
            embedding_dimension=EMBEDDING_DIMENSION,
        )
    platform = PlatformSettings(data_dir=data_dir, log_level="debug")
    return AllSettings(platform=platform, gateway=gateway, llm_proxy=llm_proxy)


@asynccontextmanager
async def product_in_process(settings: AllSettings) -> AsyncIterator[ProductInProcess]:
    """Logging is left as it is: to be configured, if at all, before."""
    data_dir = settings.platform.data_dir
    data_dir.mkdir(mode=0o700, exist_ok=True)
    process = await build(settings)
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(run_modules(process.modules, stop, ready.set))
    starting = asyncio.create_task(ready.wait())
    await asyncio.wait({running, starting}, return_when=asyncio.FIRST_COMPLETED)
    starting.cancel()
    try:
        if running.done():
            running.result()
        yield ProductInProcess(process, data_dir, app_of(process))
    finally:
        stop.set()
        await running


def app_of(process: Process) -> GatewayApi:
    app = process.http._app
    assert isinstance(app, GatewayApi)
    return app


def part_of(process: Process, kind: type[_T]) -> _T:
    """The nearest of its kind that the process holds somewhere and hands out to nobody.

    Farther away, behind what all processes share, may be that of a process that has ended.
    """
    waiting: deque[object] = deque([process])
    known: set[int] = set()
    while waiting:
        one = waiting.popleft()
        if id(one) in known or _is_of_all_processes(one):
            continue
        if isinstance(one, kind):
            return one
        known.add(id(one))
        waiting += gc.get_referents(one)
    raise LookupError(f"the process has no {kind.__name__}")


def _is_of_all_processes(one: object) -> bool:
    is_namespace = isinstance(one, dict) and "__builtins__" in one
    return is_namespace or isinstance(one, type | ModuleType)
