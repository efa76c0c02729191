"""The tenants' keys in Vault's transit engine, which they never leave."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

from hvac.exceptions import InvalidPath, InvalidRequest

from clientsphere_common.errors import DependencyUnavailableError, InternalError
from clientsphere_common.secrets.ports import DataKey
from clientsphere_common.secrets.settings import VaultSettings
from clientsphere_common.secrets.vault.session import VaultSession

_TENANT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class VaultEnvelopeKeys:
    """One transit key a tenant, made on first use; deleting it erases all that it ever wrapped.

    The role needs `update` on `datakey/plaintext/*`, `encrypt/*` and `decrypt/*`, and `create`
    and `update` on `keys/*`.
    """

    def __init__(self, session: VaultSession, settings: VaultSettings) -> None:
        self._session = session
        self._mount = settings.transit_mount
        self._prefix = settings.transit_key_prefix
        self._made: set[str] = set()

    async def new_data_key(self, tenant_id: str) -> DataKey:
        made = await self._ask_of_key(
            tenant_id,
            lambda transit, key_name: transit.generate_data_key(
                key_name, "plaintext", bits=256, mount_point=self._mount
            ),
        )
        return DataKey(base64.b64decode(made["plaintext"]), made["ciphertext"].encode())

    async def unwrap(self, tenant_id: str, wrapped: bytes) -> bytes:
        return await self.decrypt(tenant_id, wrapped)

    async def encrypt(self, tenant_id: str, plaintext: bytes) -> bytes:
        text = base64.b64encode(plaintext).decode()
        encrypted = await self._ask_of_key(
            tenant_id,
            lambda transit, key_name: transit.encrypt_data(key_name, text, mount_point=self._mount),
        )
        return str(encrypted["ciphertext"]).encode()

    async def decrypt(self, tenant_id: str, ciphertext: bytes) -> bytes:
        key_name, text = self._key_name(tenant_id), ciphertext.decode("ascii", "replace")
        try:
            answer = await self._session.call(
                "decrypt",
                lambda vault: vault.secrets.transit.decrypt_data(
                    key_name, text, mount_point=self._mount
                ),
            )
        except (InvalidPath, InvalidRequest) as error:
            raise InternalError(
                "ciphertext_refused", "What was stored was not encrypted for this tenant."
            ) from error
        return base64.b64decode(answer["data"]["plaintext"])

    async def _ask_of_key(self, tenant_id: str, ask: Callable[[Any, str], Any]) -> Any:
        """Ask something of the tenant's key, which is made when there is none yet."""
        key_name = self._key_name(tenant_id)
        try:
            if key_name not in self._made:
                await self._make(key_name)
            answer = await self._session.call(
                "use the key of a tenant", lambda vault: ask(vault.secrets.transit, key_name)
            )
        except (InvalidPath, InvalidRequest) as error:
            self._made.discard(key_name)
            raise DependencyUnavailableError(
                "vault_key_missing", "Vault does not have the key of this tenant."
            ) from error
        return answer["data"]

    async def _make(self, key_name: str) -> None:
        """Making a key that is there changes nothing, so it is done once a process."""
        await self._session.call(
            "make the key of a tenant",
            lambda vault: vault.secrets.transit.create_key(
                key_name, key_type="aes256-gcm96", mount_point=self._mount
            ),
        )
        self._made.add(key_name)

    def _key_name(self, tenant_id: str) -> str:
        if not _TENANT_ID.fullmatch(tenant_id):
            raise ValueError(f"not the id of a tenant: {tenant_id!r}")
        return f"{self._prefix}{tenant_id}"
