"""Webhooks: made, changed, given new secrets, removed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from clientsphere_common.errors import InvalidInputError
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from clientsphere_common.secrets.ports import EnvelopeKeys
from clientsphere_common.versions import UNCONDITIONAL, Precondition
from gateway.idempotency.attempt import repeatable_bytes, repeatable_id
from gateway.webhooks.destinations import DestinationRules
from gateway.webhooks.model import (
    DisabledReason,
    IssuedWebhook,
    SealedSecrets,
    Webhook,
    WebhookWish,
)
from gateway.webhooks.ports import WebhookStore
from gateway.webhooks.signing import new_secret


class WebhookRegistration:
    """A name is not looked up here: the answer would say what our name server knows."""

    def __init__(
        self,
        store: WebhookStore,
        keys: EnvelopeKeys,
        rules: DestinationRules,
        per_tenant: int,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._keys = keys
        self._rules = rules
        self._per_tenant = per_tenant
        self._now = now

    async def create(self, caller: Caller, wish: WebhookWish) -> IssuedWebhook:
        """Raises InvalidInputError for a URL that nothing is sent to, ConflictError for one
        webhook too many."""
        self._check(wish)
        secret, now = _next_secret(), self._now()
        webhook = Webhook(
            id=repeatable_id("whk"),
            tenant_id=caller.tenant_id,
            wish=wish,
            secrets=SealedSecrets(await self._sealed(caller, secret)),
            created_at=now,
            updated_at=now,
            disabled_reason=None if wish.is_enabled else DisabledReason.BY_REQUEST,
        )
        stored = await self._store.add(caller, webhook, self._per_tenant)
        return IssuedWebhook(stored, secret)

    async def page(self, caller: Caller, wish: PageWish) -> Page[Webhook]:
        return await self._store.page(caller.tenant_id, wish)

    async def get(self, caller: Caller, webhook_id: str) -> Webhook:
        return await self._store.get(caller.tenant_id, webhook_id)

    async def update(
        self,
        caller: Caller,
        webhook_id: str,
        wish: WebhookWish,
        only_if: Precondition = UNCONDITIONAL,
    ) -> Webhook:
        self._check(wish)
        return await self._store.update(caller, webhook_id, wish, self._now(), only_if)

    async def rotate(
        self, caller: Caller, webhook_id: str, overlap: timedelta
    ) -> tuple[str, SealedSecrets]:
        """Another secret, and until when the one before signs beside it."""
        # Before a secret is made: nobody needs one for an unknown id.
        await self._store.get(caller.tenant_id, webhook_id)
        secret, now = _next_secret(), self._now()
        sealed = await self._sealed(caller, secret)
        secrets = await self._store.replace_secret(caller, webhook_id, sealed, now, now + overlap)
        return secret, secrets

    async def delete(
        self, caller: Caller, webhook_id: str, only_if: Precondition = UNCONDITIONAL
    ) -> None:
        await self._store.delete(caller, webhook_id, only_if)

    def _check(self, wish: WebhookWish) -> None:
        try:
            self._rules.destination(wish.url)
        except ValueError as error:
            raise InvalidInputError("webhook_url_refused", f"The URL {error}.") from error

    async def _sealed(self, caller: Caller, secret: str) -> bytes:
        return await self._keys.encrypt(caller.tenant_id, secret.encode())


def _next_secret() -> str:
    return new_secret(repeatable_bytes("webhook secret"))
