"""How a service proves to Vault which one it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import hvac
from hvac.exceptions import InvalidPath, InvalidRequest

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.secrets.settings import VaultSettings
from clientsphere_common.secrets.vault.errors import vault_denied


class VaultLogin(Protocol):
    def log_in(self, client: hvac.Client) -> int:
        """Give `client` a new token and return its lease in seconds, 0 when it does not end.

        Blocks. Raises what hvac does, but DependencyUnavailableError for what is refused.
        """
        ...


class AppRoleLogin:
    """By the id of a role and a secret id, whose file is read at every login."""

    def __init__(self, role_id: str, secret_id_file: Path, mount: str) -> None:
        self._role_id = role_id
        self._secret_id_file = secret_id_file
        self._mount = mount

    def log_in(self, client: hvac.Client) -> int:
        secret_id = _read_credential(self._secret_id_file)
        with _refusals():
            answer = client.auth.approle.login(self._role_id, secret_id, mount_point=self._mount)
        return lease_s_of(answer)


class KubernetesLogin:
    """By the token of the pod's service account, whose file Kubernetes renews."""

    def __init__(self, role: str, token_file: Path, mount: str) -> None:
        self._role = role
        self._token_file = token_file
        self._mount = mount

    def log_in(self, client: hvac.Client) -> int:
        token = _read_credential(self._token_file)
        with _refusals():
            answer = client.auth.kubernetes.login(self._role, token, mount_point=self._mount)
        return lease_s_of(answer)


def login_of(settings: VaultSettings) -> VaultLogin:
    mount = settings.auth_mount or settings.auth_method
    if settings.auth_method == "approle":
        return AppRoleLogin(settings.role, settings.secret_id_file, mount)
    return KubernetesLogin(settings.role, settings.service_account_token_file, mount)


def lease_s_of(answer: Any) -> int:
    return int(answer["auth"]["lease_duration"])


def _read_credential(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise DependencyUnavailableError(
            "vault_credential_missing", f"{path.name}, which proves us to Vault, cannot be read."
        ) from error


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (InvalidPath, InvalidRequest) as error:
        raise vault_denied("log us in") from error
