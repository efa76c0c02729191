"""Runs the whole product as a process of its own, as a user does, and kills it when asked to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx

from tests.harness.ports import free_port

_READY_S = 60.0
_EXIT_S = 30.0
_PAUSE_S = 0.02


@dataclass(frozen=True)
class Tenant:
    id: str
    name: str
    api_key: str


class Served(Protocol):
    """The product in either shape, as a client meets it."""

    @property
    def url(self) -> str: ...

    @property
    def objects_folder(self) -> Path:
        """Where stored files end up."""
        ...

    @property
    def operator_key(self) -> str: ...

    def create_tenant(self, name: str) -> Tenant: ...

    def client(self, api_key: str = "") -> httpx.Client: ...


@dataclass
class Product:
    """The product on `data_dir`; it may be started again after it ended."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def objects_folder(self) -> Path:
        return self.data_dir / "objects"

    @property
    def operator_key(self) -> str:
        return (self.data_dir / "secrets" / "gateway-operator-key").read_text().strip()

    @property
    def log_path(self) -> Path:
        return self.data_dir.parent / f"{self.data_dir.name}.log"

    def start(self) -> None:
        """Return when the product says that it is ready."""
        program = Path(sys.executable).with_name("clientsphere")
        options = ["--port", str(self.port), "--data-dir", str(self.data_dir)]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [str(program), "run", *options, "--log-format", "json"],
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
            )
        try:
            self._wait_until_ready()
        except AssertionError:
            self.kill()
            raise

    def kill(self) -> None:
        """End the process as a power cut would: no handler runs."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask the process to end; its exit code."""
        return self._end(signal.SIGTERM)

    def create_tenant(self, name: str) -> Tenant:
        with self.client(self.operator_key) as client:
            response = client.post("/v1/tenants", json={"name": name})
        response.raise_for_status()
        body = response.json()
        return Tenant(body["id"], name, body["owner_api_key"]["key"])

    def client(self, api_key: str = "") -> httpx.Client:
        """A client that is to be closed; without a key it is nobody's."""
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def log_lines(self) -> list[dict[str, Any]]:
        lines = self.log_path.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(_PAUSE_S)
        raise AssertionError(f"the product did not start:\n{self.log_path.read_text()[-4000:]}")

    def _end(self, signal_number: int) -> int:
        if self.process is None:
            raise AssertionError("the product was not started")
        self.process.send_signal(signal_number)
        code = self.process.wait(_EXIT_S)
        self.process = None
        return code


def upload(client: httpx.Client, name: str, content: bytes) -> httpx.Response:
    return client.post("/v1/documents", files={"file": (name, content)})


def wait_until_settled(client: httpx.Client, document_ids: set[str]) -> dict[str, dict[str, Any]]:
    """Every document once none of them is queued or processing any more."""
    deadline = time.monotonic() + 180
    settled: dict[str, dict[str, Any]] = {}
    while time.monotonic() < deadline:
        for document_id in document_ids - settled.keys():
            response = client.get(f"/v1/documents/{document_id}")
            if response.status_code == 429:
                time.sleep(float(response.headers["retry-after"]))
                continue
            response.raise_for_status()
            if (document := response.json())["state"] in {"ready", "failed"}:
                settled[document_id] = document
        if settled.keys() == document_ids:
            return settled
        time.sleep(0.1)
    raise AssertionError(f"not settled in time: {sorted(document_ids - settled.keys())}")
