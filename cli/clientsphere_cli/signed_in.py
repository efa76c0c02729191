"""Sends the token of whoever is signed in, and gets the next one before it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path

import httpx

from clientsphere_cli.failures import CliError
from clientsphere_cli.model.sign_in import IssuedTokens
from clientsphere_cli.sign_in_file import SignInFile, StoredSignIn

_EARLY_S = 30.0
"""Before the token ends: the request has to arrive, and clocks differ."""


class SignedIn(httpx.Auth):
    def __init__(
        self, file: SignInFile, ca_file: Path | None, clock: Callable[[], float] = time.time
    ) -> None:
        self._file = file
        self._ca_file = ca_file
        self._clock = clock
        self._known: StoredSignIn | None = None
        self._renewing = asyncio.Lock()

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = f"Bearer {await self._token()}"
        yield request

    async def _token(self) -> str:
        """Raises CliError when the sign-in is over."""
        async with self._renewing:
            if self._known is None or self._ends_soon(self._known):
                async with self._file.locked():
                    self._known = await self._current()
            return self._known.access_token

    async def _current(self) -> StoredSignIn:
        stored = self._file.read()
        if stored is not None and self._ends_soon(stored):
            stored = await self._renewed(stored)
        if stored is None:
            raise CliError("You are not signed in any more. Run `clientsphere login` again.")
        return stored

    async def _renewed(self, stored: StoredSignIn) -> StoredSignIn | None:
        if stored.refresh_token is None:
            return None
        # Here, because it loads gRPC: most commands renew nothing.
        from clientsphere_cli.issuer import open_issuer

        async with open_issuer(stored.issuer, stored.client_id, self._ca_file) as issuer:
            tokens = await issuer.refresh(stored.refresh_token)
        if tokens is None:
            return None
        renewed = with_tokens(stored, tokens, self._clock())
        self._file.write(renewed)
        return renewed

    def _ends_soon(self, sign_in: StoredSignIn) -> bool:
        return self._clock() >= sign_in.expires_at_s - _EARLY_S


def with_tokens(sign_in: StoredSignIn, tokens: IssuedTokens, now_s: float) -> StoredSignIn:
    """An issuer that sends no other refresh token means that the one before stays."""
    return replace(
        sign_in,
        access_token=tokens.access_token,
        expires_at_s=now_s + tokens.expires_in,
        refresh_token=tokens.refresh_token or sign_in.refresh_token,
    )
