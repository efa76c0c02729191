"""Being logged in at Vault: the token is renewed, replaced when it is lost, revoked at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import hvac
import requests
import structlog
from hvac.exceptions import InvalidRequest

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.repeating import Repeating
from clientsphere_common.secrets.settings import VaultSettings
from clientsphere_common.secrets.vault.errors import vault_failures
from clientsphere_common.secrets.vault.login import lease_s_of, login_of

log = structlog.get_logger(__name__)

_Answer = TypeVar("_Answer")
_RENEWED_AT = 2 / 3
_PAUSE_WITHOUT_END_S = 3600.0
# Few: while Vault hangs, the threads of the process are needed for other work.
_CALLS_AT_ONCE = 4


class VaultSession:
    """Calls Vault as the role of `settings`."""

    name = "vault"

    def __init__(self, settings: VaultSettings) -> None:
        self._settings = settings
        self._login = login_of(settings)
        self._client = _connect(settings)
        self._logging_in = asyncio.Lock()
        self._places = asyncio.Semaphore(_CALLS_AT_ONCE)
        self._first_lease_s = 0
        self._pause_s = settings.retry_interval_s
        self._upkeep = Repeating(self._keep, lambda: self._pause_s)

    async def start(self) -> None:
        """Log in; while Vault is away, go on trying in the background."""
        await self._keep()
        self._upkeep.start()

    async def stop(self) -> None:
        await self._upkeep.stop()
        if self._client.token:
            try:
                await self._run("revoke our token", lambda vault: vault.auth.token.revoke_self())
            except (DependencyUnavailableError, InvalidRequest) as error:
                # Batch tokens, for one, cannot be revoked: they end by themselves.
                log.info("vault_token_left", error=type(error).__name__)
        self._client.adapter.close()

    async def watch(self) -> None:
        await self._upkeep.watch()

    async def check(self) -> None:
        """Raise DependencyUnavailableError when Vault does not answer us."""
        await self.call("look up our token", lambda vault: vault.auth.token.lookup_self())

    async def call(self, deed: str, ask: Callable[[hvac.Client], _Answer]) -> _Answer:
        """Run the blocking `ask` in a thread, logged in.

        Raises DependencyUnavailableError that says which `deed` failed; InvalidPath and
        InvalidRequest of hvac pass through.
        """
        token = self._client.token
        if not token:
            token = await self._log_in_instead_of(token)
        try:
            return await self._run(deed, ask)
        except DependencyUnavailableError as error:
            if error.code != "vault_denied":
                raise
            is_alive = await self._is_alive()
            # Otherwise another call has logged in meanwhile, and the old token was refused.
            if is_alive and self._client.token == token:
                raise
        await self._log_in_instead_of(token)
        return await self._run(deed, ask)

    async def _run(self, deed: str, ask: Callable[[hvac.Client], _Answer]) -> _Answer:
        with vault_failures(deed):
            async with asyncio.timeout(self._settings.timeout_s), self._places:
                return await asyncio.to_thread(ask, self._client)

    async def _is_alive(self) -> bool:
        """Tell a token that may not do something from one that has ended."""
        try:
            await self._run("look up our token", lambda vault: vault.auth.token.lookup_self())
        except DependencyUnavailableError as error:
            if error.code != "vault_denied":
                raise
            return False
        return True

    async def _keep(self) -> None:
        """Renew the token, or log in when there is none or it cannot live on."""
        token = self._client.token
        try:
            if not token or not await self._renewed():
                await self._log_in_instead_of(token)
        except DependencyUnavailableError as error:
            self._pause_s = self._settings.retry_interval_s
            log.warning("vault_login_failed", code=error.code, reason=error.message)

    async def _renewed(self) -> bool:
        """False when the token has ended, or gains so little that it is near its longest life."""
        try:
            answer = await self._run("renew our token", lambda vault: vault.auth.token.renew_self())
        except InvalidRequest:
            return False
        except DependencyUnavailableError as error:
            if error.code == "vault_denied":
                return False
            raise
        lease_s = lease_s_of(answer)
        self._plan(lease_s)
        return lease_s * 2 > self._first_lease_s

    async def _log_in_instead_of(self, token: str) -> str:
        """Log in, unless another call has replaced `token` meanwhile; return the new one."""
        with vault_failures("log us in"):
            async with asyncio.timeout(self._settings.timeout_s), self._logging_in:
                if self._client.token == token:
                    lease_s = await asyncio.to_thread(self._login.log_in, self._client)
                    self._first_lease_s = lease_s
                    self._plan(lease_s)
                    log.info("vault_logged_in", lease_s=lease_s)
        return str(self._client.token)

    def _plan(self, lease_s: int) -> None:
        self._pause_s = lease_s * _RENEWED_AT or _PAUSE_WITHOUT_END_S


def _connect(settings: VaultSettings) -> Any:
    session = requests.Session()
    # Neither proxies nor passwords that the environment happens to name are for these calls.
    session.trust_env = False
    session.verify = str(settings.ca_file) if settings.ca_file else True
    return hvac.Client(
        url=settings.address,
        # Not None, for which hvac would look for somebody's token in the environment and at home.
        token="",
        timeout=settings.timeout_s,
        namespace=settings.namespace,
        session=session,
    )
