"""The distributed shape of the product on this machine: servers and services as processes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import httpx

from clientsphere_common.secrets.folder import FolderSource
from clientsphere_common.secrets.polled import PolledSecrets
from clientsphere_common.vectors.assembly import open_index
from clientsphere_common.vectors.ports import PassageIndex
from clientsphere_common.vectors.settings import QdrantSettings
from tests.harness.certificates import make_authority
from tests.harness.product import Tenant
from tests.stack.folder import StackFolder
from tests.stack.part import Part
from tests.stack.postgres import admin_url, postgres
from tests.stack.secrets import GeneratedSecrets
from tests.stack.servers import kafka, kafka_disk, qdrant, redis, s3
from tests.stack.services import SERVICES, Service, services, shared_environment, vault_environment
from tests.stack.vault import vault

DEFAULT_FOLDER = Path(__file__).parents[2] / ".stack"
_READY_S = 60.0
_MIGRATE_S = 120.0
_PAUSE_S = 0.1


class NotReadyError(Exception):
    """Names the services that are not, with what they miss."""


class MigrationFailedError(Exception):
    """Has what the command wrote."""


class Stack:
    """What lies in `folder` is used again: ports, data, secrets, and what runs already."""

    def __init__(
        self, folder: Path = DEFAULT_FOLDER, settings: Mapping[str, str] | None = None
    ) -> None:
        """`settings`, by their variables, are for all services."""
        self.folder = StackFolder(folder)
        self.folder.create()
        self._secrets = GeneratedSecrets(self.folder.secrets)
        self.servers = _servers(self.folder, self._secrets)
        self.services: dict[str, Service] = services(
            self.folder, self._secrets, self.servers, settings or {}
        )
        self._shared_environment = shared_environment(self.folder, self.servers)

    @property
    def parts(self) -> Mapping[str, Part]:
        """Servers first."""
        return {**self.servers, **self.services}

    def part(self, name: str) -> Part:
        return self.parts[name]

    def server(self, name: str) -> Part:
        return self.servers[name]

    def service(self, name: str) -> Service:
        return self.services[name]

    def restartable_parts(self) -> list[str]:
        """Those that can be killed and started again with all that they held."""
        return [name for name in self.parts if name != "kafka-disk"]

    def up(self, *, servers_only: bool = False) -> None:
        """Start what does not run; with the services return when all of them are ready."""
        self.start_servers()
        if not servers_only:
            self.migrate()
            self.start_services()
            self.wait_until_ready()

    def down(self) -> None:
        """Stop whatever runs, also what another process or an earlier run has started."""
        _at_once(Part.stop, self.services.values())
        self.servers["kafka"].stop()
        _at_once(Part.stop, self.servers.values())

    def start_servers(self) -> None:
        _at_once(Part.start, [part for name, part in self.servers.items() if name != "kafka"])
        # It makes its first files when it starts.
        self.servers["kafka"].start()
        self.folder.note_addresses({name: part.url for name, part in self.parts.items()})

    def start_services(self) -> None:
        if not any(service.is_running for service in self.services.values()):
            # All of one authority, whose key nobody keeps.
            authority = make_authority(self.folder.certificates)
            for name in SERVICES:
                authority.issue(name, ["localhost", "127.0.0.1", name])
        _at_once(Part.start, self.services.values())

    def migrate(self) -> None:
        """Bring the tables of every service to the newest schema."""
        environment = {
            **self._shared_environment,
            **vault_environment(self.folder, self._secrets, "migrate"),
            "CLIENTSPHERE_DATABASE_ADMIN_URL": admin_url(
                self.servers["postgres"].url, self._secrets
            ),
        }
        command = [str(Path(sys.executable).with_name("clientsphere")), "migrate"]
        done = subprocess.run(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_MIGRATE_S,
            check=False,
        )
        self.folder.log("migrate").write_text(done.stdout)
        if done.returncode != 0:
            raise MigrationFailedError(f"clientsphere migrate failed:\n{done.stdout}")

    def wait_until_ready(self, timeout_s: float = _READY_S) -> None:
        """Raises NotReadyError."""
        deadline = time.monotonic() + timeout_s
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise NotReadyError("; ".join(self._problems()))
            time.sleep(_PAUSE_S)

    def is_ready(self) -> bool:
        """Whether no service misses anything."""
        return all(service.state == "ok" for service in self.services.values())

    def state_of(self, service: str) -> str:
        return self.services[service].state

    def missing_of(self, service: str) -> dict[str, str]:
        return self.services[service].missing

    def is_alive(self, service: str) -> bool:
        return self.services[service].is_alive

    @property
    def url(self) -> str:
        """Of the API."""
        return self.services["gateway"].url

    @property
    def objects_folder(self) -> Path:
        """Where the S3 server keeps its objects."""
        return self.folder.data("s3")

    @property
    def operator_key(self) -> str:
        return self._secrets.value("gateway-operator-key")

    def client(self, api_key: str = "") -> httpx.Client:
        """A client that is to be closed; without a key it is nobody's."""
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    def create_tenant(self, name: str) -> Tenant:
        with self.client(self.operator_key) as client:
            response = client.post("/v1/tenants", json={"name": name})
        response.raise_for_status()
        body = response.json()
        return Tenant(body["id"], name, body["owner_api_key"]["key"])

    @asynccontextmanager
    async def passage_index(self) -> AsyncIterator[PassageIndex]:
        """The index, as a test may look into it beside the services."""
        settings = QdrantSettings(url=self.servers["qdrant"].url)
        secrets = PolledSecrets(FolderSource(self.folder.secrets), refresh_interval_s=60)
        opened = await open_index(
            settings, settings.dimension, self.folder.data("looking"), secrets
        )
        async with AsyncExitStack() as started:
            for module in (secrets, *opened.modules):
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", ".* with an insecure connection")
                    await module.start()
                started.push_async_callback(module.stop)
            yield opened.use

    def _problems(self) -> list[str]:
        return [
            f"{name} is {service.state}"
            + "".join(f", {missing}: {why}" for missing, why in service.missing.items())
            for name, service in self.services.items()
            if service.state != "ok"
        ]


@contextmanager
def temporary_stack(settings: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Nothing of it runs or lies around afterwards."""
    # Not in pytest's folder: PostgreSQL runs as another user, who cannot enter that.
    with tempfile.TemporaryDirectory(prefix="clientsphere-stack-") as folder:
        stack = Stack(Path(folder), settings)
        try:
            yield stack
        finally:
            stack.down()


def _servers(folder: StackFolder, generated: GeneratedSecrets) -> dict[str, Part]:
    disk = kafka_disk(folder, generated)
    every = (
        postgres(folder, generated),
        redis(folder, generated),
        disk,
        kafka(folder, generated, disk),
        qdrant(folder, generated),
        s3(folder, generated),
        vault(folder, generated),
    )
    return {part.name: part for part in every}


def _at_once(act: Callable[[Part], None], parts: Iterable[Part]) -> None:
    """Raises the first failure, after all have been tried."""
    with ThreadPoolExecutor(max_workers=8) as threads:
        for done in [threads.submit(act, part) for part in parts]:
            done.result()
