"""The public keys of issuers, asked for again in time and kept while an issuer is away."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping

import structlog

from clientsphere_common.errors import DependencyUnavailableError
from gateway.compact_tokens import PublicKey
from gateway.ports import IssuerDocuments
from gateway.token_issuers.documents import discovery_url, key_set_url, public_keys

log = structlog.get_logger(__name__)

FRESH_S = 600.0
"""So long does a key verify at most after its issuer withdrew it."""
KEPT_S = 86_400.0
"""So long does the last good set hold while its issuer publishes nothing usable."""
PAUSE_S = 30.0
"""Between two questions to one issuer, whoever is waiting."""


class IssuerKeys:
    """Of one issuer."""

    def __init__(
        self, url: str, documents: IssuerDocuments, monotonic: Callable[[], float]
    ) -> None:
        self._url = url
        self._documents = documents
        self._monotonic = monotonic
        self._keys: Mapping[str, PublicKey] = {}
        self._confirmed_at = self._asked_at = -math.inf
        self._is_failing = False
        self._asking: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> PublicKey | None:
        """The issuer's key of that id, if it has one.

        Waits for the issuer when its keys are no longer fresh or it may have new ones; but a
        known key of an issuer that is failing serves on at once. Raises
        DependencyUnavailableError when its keys were never had, or are from yesterday.
        """
        is_fresh = self._monotonic() < self._confirmed_at + FRESH_S
        if not is_fresh or key_id not in self._keys:
            self._ask()
            if self._asking is not None and not (self._is_failing and key_id in self._keys):
                # Others wait for the same answer, whoever gives up.
                await asyncio.shield(self._asking)
        if self._monotonic() >= self._confirmed_at + KEPT_S:
            raise DependencyUnavailableError(
                "issuer_unavailable",
                "The keys of the token's issuer cannot be had.",
                retry_after_s=PAUSE_S,
            )
        return self._keys.get(key_id)

    async def stop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    def _ask(self) -> None:
        """Begin to ask, unless that was done a moment ago."""
        if self._asking is None and self._monotonic() >= self._asked_at + PAUSE_S:
            self._asked_at = self._monotonic()
            self._asking = asyncio.create_task(self._refresh(), name=f"keys of {self._url}")

    async def _refresh(self) -> None:
        asked_at = self._monotonic()
        try:
            self._keys = await self._published()
        except (DependencyUnavailableError, ValueError) as error:
            self._is_failing = True
            log.warning("issuer_keys_not_refreshed", issuer=self._url, error=str(error))
        else:
            self._is_failing, self._confirmed_at = False, asked_at
            log.info("issuer_keys_refreshed", issuer=self._url, keys=len(self._keys))
        finally:
            self._asking = None

    async def _published(self) -> Mapping[str, PublicKey]:
        discovery = await self._documents.read(discovery_url(self._url))
        return public_keys(await self._documents.read(key_set_url(discovery, self._url)))


class KeysOfIssuers:
    """A module: the keys of all issuers that are registered."""

    name = "keys of token issuers"

    def __init__(
        self, documents: IssuerDocuments, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._documents = documents
        self._monotonic = monotonic
        self._of_issuers: dict[str, IssuerKeys] = {}

    async def find(self, issuer_url: str, key_id: str) -> PublicKey | None:
        """As `IssuerKeys.find`; to be asked for registered issuers only."""
        if issuer_url not in self._of_issuers:
            self._of_issuers[issuer_url] = IssuerKeys(issuer_url, self._documents, self._monotonic)
        return await self._of_issuers[issuer_url].find(key_id)

    async def start(self) -> None:
        """Issuers are asked when their first token comes."""

    async def stop(self) -> None:
        for keys in self._of_issuers.values():
            await keys.stop()
