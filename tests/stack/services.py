"""The five services, each with the settings that put it on the servers of the stack."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TypedDict

import httpx

from tests.stack.folder import StackFolder
from tests.stack.part import Part, Program
from tests.stack.secrets import GeneratedSecrets
from tests.stack.servers import BUCKET, REGION
from tests.stack.vault import role_id

SERVICES = ("audit", "llm-proxy", "ingestion", "retrieval", "gateway")
_HOST = "127.0.0.1"
_PARTITIONS = 4


class _Check(TypedDict):
    error: str | None


class _Readiness(TypedDict):
    status: str
    checks: dict[str, _Check]


class Service(Part):
    """Is started once it lives; what it misses to be ready, it says."""

    def __init__(self, folder: StackFolder, name: str, environment: Mapping[str, str]) -> None:
        use = "gateway" if name == "gateway" else f"{name}-rpc"
        self.ops_url = f"http://{_HOST}:{folder.port(f'{name}-ops')}"
        program = Program(
            command=[sys.executable, "-m", f"{name.replace('-', '_')}.main"],
            environment=environment,
            answers=lambda: self.is_alive,
        )
        address = f"{_HOST}:{folder.port(use)}"
        super().__init__(
            folder, name, "service", f"http://{address}" if name == "gateway" else address, program
        )

    @property
    def is_alive(self) -> bool:
        try:
            return self._get("/health/live").status_code == 200
        except httpx.TransportError:
            return False

    @property
    def state(self) -> str:
        """`ok`, `degraded`, `failing`, or `unreachable`."""
        return self._readiness()["status"]

    @property
    def missing(self) -> dict[str, str]:
        """What does not work now, with the reason, by the names of the readiness checks."""
        checks = self._readiness()["checks"]
        return {name: check["error"] for name, check in checks.items() if check["error"]}

    def _readiness(self) -> _Readiness:
        try:
            found: _Readiness = self._get("/health/ready").json()
        except httpx.TransportError:
            return {"status": "unreachable", "checks": {}}
        return found

    def _get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.ops_url}{path}", timeout=5, trust_env=False)


def services(
    folder: StackFolder,
    generated: GeneratedSecrets,
    servers: Mapping[str, Part],
    settings: Mapping[str, str],
) -> dict[str, Service]:
    """In the order in which they start best; any other does as well."""
    shared = {**shared_environment(folder, servers), **settings}
    return {
        name: Service(folder, name, {**shared, **_own_environment(folder, generated, name)})
        for name in SERVICES
    }


def shared_environment(folder: StackFolder, servers: Mapping[str, Part]) -> dict[str, str]:
    """Where the servers and the services are."""
    neighbours = {
        f"CLIENTSPHERE_RPC_{name.replace('-', '_').upper()}_ADDRESS": (
            f"dns:///{_HOST}:{folder.port(f'{name}-rpc')}"
        )
        for name in SERVICES
        if name != "gateway"
    }
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONUNBUFFERED": "1",
        "CLIENTSPHERE_LOG_FORMAT": "json",
        "CLIENTSPHERE_SECRETS_SOURCE": "vault",
        "CLIENTSPHERE_SECRETS_REFRESH_INTERVAL_S": "2",
        "CLIENTSPHERE_VAULT_ADDRESS": servers["vault"].url,
        "CLIENTSPHERE_VAULT_AUTH_METHOD": "approle",
        "CLIENTSPHERE_DATABASE_URL": servers["postgres"].url,
        "CLIENTSPHERE_KAFKA_BOOTSTRAP_SERVERS": servers["kafka"].url,
        "CLIENTSPHERE_KAFKA_PARTITIONS": str(_PARTITIONS),
        # Tansu forms a new group only after half of it.
        "CLIENTSPHERE_KAFKA_MAX_POLL_INTERVAL_S": "6",
        "CLIENTSPHERE_KAFKA_REPLICATION_FACTOR": "1",
        "CLIENTSPHERE_QDRANT_URL": servers["qdrant"].url,
        "CLIENTSPHERE_S3_BUCKET": BUCKET,
        "CLIENTSPHERE_S3_REGION": REGION,
        "CLIENTSPHERE_S3_ENDPOINT_URL": servers["s3"].url,
        "CLIENTSPHERE_REDIS_URL": servers["redis"].url,
        **neighbours,
    }


def vault_environment(
    folder: StackFolder, generated: GeneratedSecrets, process: str
) -> dict[str, str]:
    """How `process` logs in, and the folder that is its own."""
    data = folder.data(process)
    return {
        "CLIENTSPHERE_DATA_DIR": str(data),
        "CLIENTSPHERE_SECRETS_FOLDER": str(data / "agent"),
        "CLIENTSPHERE_VAULT_ROLE": role_id(process),
        "CLIENTSPHERE_VAULT_SECRET_ID_FILE": str(generated.file(f"{process}-secret-id")),
    }


def _own_environment(folder: StackFolder, generated: GeneratedSecrets, name: str) -> dict[str, str]:
    own = {
        **vault_environment(folder, generated, name),
        "CLIENTSPHERE_OPS_PORT": str(folder.port(f"{name}-ops")),
        "CLIENTSPHERE_RPC_TLS_CERT_FILE": str(folder.certificates / f"{name}.pem"),
        "CLIENTSPHERE_RPC_TLS_KEY_FILE": str(folder.certificates / f"{name}-key.pem"),
        "CLIENTSPHERE_RPC_TLS_CA_FILE": str(folder.certificates / "ca.pem"),
    }
    if name == "gateway":
        return {
            **own,
            "CLIENTSPHERE_GATEWAY_HOST": _HOST,
            "CLIENTSPHERE_GATEWAY_PORT": str(folder.port("gateway")),
            "CLIENTSPHERE_GATEWAY_BOOTSTRAP_DEFAULT_TENANT": "false",
        }
    return {
        **own,
        "CLIENTSPHERE_RPC_HOST": _HOST,
        "CLIENTSPHERE_RPC_PORT": str(folder.port(f"{name}-rpc")),
    }
