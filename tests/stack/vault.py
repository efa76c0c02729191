"""OpenBao for the stack: kept in a folder, unsealed after every start, filled the first time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hvac
import requests
from hvac.exceptions import InvalidRequest, VaultError

from tests.harness.openbao import bao_binary
from tests.stack.folder import StackFolder
from tests.stack.part import Part, Program
from tests.stack.secrets import READERS, GeneratedSecrets

_KEYS = "vault-keys"
_READY = "vault-is-filled"
_MAY_ENCRYPT = ("gateway", "ingestion")
_TRANSIT_POLICY = """
path "transit/keys/clientsphere-*" { capabilities = ["create", "update"] }
path "transit/datakey/plaintext/clientsphere-*" { capabilities = ["update"] }
path "transit/encrypt/clientsphere-*" { capabilities = ["update"] }
path "transit/decrypt/clientsphere-*" { capabilities = ["update"] }
"""
_TOKEN_LIFE = "1h"
_USABLE_S = 30.0


def vault(folder: StackFolder, generated: GeneratedSecrets) -> Part:
    port, cluster_port = folder.port("vault"), folder.port("vault-cluster")
    data = folder.data("vault")
    address = f"http://127.0.0.1:{port}"
    settings = data / "settings.json"
    keeper = _Keeper(address, generated)

    def prepare() -> None:
        (data / "storage").mkdir(parents=True, exist_ok=True)
        own = {
            "listener": {
                "tcp": {
                    "address": f"127.0.0.1:{port}",
                    "cluster_address": f"127.0.0.1:{cluster_port}",
                    "tls_disable": True,
                }
            },
            "storage": {"raft": {"path": str(data / "storage"), "node_id": "only"}},
            "api_addr": address,
            "cluster_addr": f"https://127.0.0.1:{cluster_port}",
        }
        settings.write_text(json.dumps(own))

    program = Program(
        command=[bao_binary(), "server", f"-config={settings}"],
        environment={"HOME": str(data), "PATH": os.defpath},
        prepare=prepare,
        answers=keeper.answers,
        complete=keeper.open,
    )
    return Part(folder, "vault", "OpenBao: real, Vault's API", address, program)


def role_id(process: str) -> str:
    """Of its AppRole; the secret id is the secret `<process>-secret-id` of the stack."""
    return f"clientsphere-{process}"


class _Keeper:
    """Does what an administrator of Vault does."""

    def __init__(self, address: str, generated: GeneratedSecrets) -> None:
        self._address = address
        self._generated = generated

    def answers(self) -> bool:
        with self._client() as client:
            try:
                client.sys.is_initialized()
            except (VaultError, requests.RequestException):
                return False
            return True

    def open(self) -> None:
        """Unseal it; the first time, make everything that is in it."""
        with self._client() as client:
            if not client.sys.is_initialized():
                made = client.sys.initialize(secret_shares=1, secret_threshold=1)
                self._generated.keep(_KEYS, json.dumps(made))
            keys = json.loads(self._generated.value(_KEYS))
            client.sys.submit_unseal_key(keys["keys"][0])
            client.token = keys["root_token"]
            # Unsealed, it first elects itself.
            self._wait_until(lambda: client.sys.read_leader_status()["is_self"], "itself")
            if not self._generated.has(_READY):
                self._fill(client)
                self._generated.keep(_READY, "")

    def _fill(self, client: Any) -> None:
        """May be done again, when it was interrupted."""
        if "secret/" not in client.sys.list_mounted_secrets_engines()["data"]:
            client.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
            client.sys.enable_secrets_engine("transit")
            client.sys.enable_auth_method("approle")
        self._wait_until(lambda: _has_versions(client), "its KV engine")
        for name, value in self._generated.of_services():
            client.secrets.kv.v2.create_or_update_secret(f"clientsphere/{name}", {"value": value})
        for process in READERS:
            client.sys.create_or_update_policy(process, _policy(process))
            approle = client.auth.approle
            approle.create_or_update_approle(
                process, token_policies=[process], token_ttl=_TOKEN_LIFE
            )
            approle.update_role_id(process, role_id(process))
            secret_id = self._generated.value(f"{process}-secret-id")
            if client.list(f"auth/approle/role/{process}/secret-id") is None:
                approle.create_custom_secret_id(process, secret_id)

    def _wait_until(self, is_so: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _USABLE_S
        while not is_so():
            if time.monotonic() > deadline:
                raise TimeoutError(f"OpenBao did not make {what} usable")
            time.sleep(0.05)

    @contextmanager
    def _client(self) -> Iterator[Any]:
        with requests.Session() as session:
            # Proxies are for the world outside.
            session.trust_env = False
            yield hvac.Client(url=self._address, session=session, timeout=10)


def _has_versions(client: Any) -> bool:
    """A KV engine is made without versions and upgraded at once, which takes a moment."""
    try:
        client.secrets.kv.v2.read_configuration()
    except InvalidRequest:
        return False
    return True


def _policy(process: str) -> str:
    may_read = "\n".join(
        f'path "secret/{part}/clientsphere/{name}" {{ capabilities = ["read"] }}'
        for name in READERS[process]
        for part in ("data", "metadata")
    )
    return may_read + (_TRANSIT_POLICY if process in _MAY_ENCRYPT else "")
