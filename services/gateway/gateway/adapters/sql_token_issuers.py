"""Token issuers as rows. Read across tenants: an issuer is what tells the tenant of its tokens."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from clientsphere_common.access.model import Role
from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.paging import Listing, read_page
from clientsphere_common.db.session import Database
from clientsphere_common.errors import ConflictError, NotFoundError
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from gateway.adapters.tables import OutboxRow, TokenIssuerRow
from gateway.times import from_unix_ms, to_unix_ms
from gateway.token_issuers.model import (
    ClaimMapping,
    SignInOffer,
    TenantCondition,
    TokenIssuer,
)


class SqlTokenIssuers:
    def __init__(self, database: Database, relay: OutboxRelay) -> None:
        self._database = database
        self._relay = relay

    async def list_all(self) -> list[TokenIssuer]:
        query = select(TokenIssuerRow).order_by(TokenIssuerRow.created_at_ms, TokenIssuerRow.id)
        async with self._database.system_snapshot() as session:
            return [_to_model(row) for row in await session.scalars(query)]

    async def page(self, tenant_id: str, wish: PageWish) -> Page[TokenIssuer]:
        listing = Listing(TokenIssuerRow, ("token_issuers", tenant_id))
        async with self._database.snapshot(tenant_id) as session:
            page = await read_page(session, select(TokenIssuerRow), listing, wish)
        return page.of(lambda row: _to_model(row[0]))

    async def add(self, caller: Caller, issuer: TokenIssuer) -> TokenIssuer:
        others = await self.list_all()
        for other in others:
            if other.id == issuer.id:
                return other
        if not all(issuer.is_told_apart_from(other) for other in others):
            raise _ambiguous()
        fact = AuditFact(
            "token_issuer.registered",
            "token_issuer",
            issuer.id,
            details={"url": issuer.url, "audience": issuer.audience},
        )
        try:
            async with self._database.transaction(caller.tenant_id) as session:
                session.add(_to_row(issuer))
                add_to_outbox(session, OutboxRow, audit_event(caller, fact))
        except IntegrityError as error:
            # Entered by another process since we looked.
            raise _ambiguous() from error
        self._relay.wake()
        return issuer

    async def remove(self, caller: Caller, issuer_id: str) -> None:
        async with self._database.transaction(caller.tenant_id) as session:
            row = await session.get(TokenIssuerRow, issuer_id)
            if row is None:
                raise NotFoundError("token_issuer_not_found", "There is no such token issuer.")
            await session.delete(row)
            fact = AuditFact(
                "token_issuer.removed", "token_issuer", issuer_id, details={"url": row.url}
            )
            add_to_outbox(session, OutboxRow, audit_event(caller, fact))
        self._relay.wake()


def _ambiguous() -> ConflictError:
    return ConflictError(
        "token_issuer_ambiguous",
        "Tokens of this issuer for this audience are for another entry already.",
    )


def _to_row(issuer: TokenIssuer) -> TokenIssuerRow:
    mapping, condition = issuer.mapping, issuer.condition
    return TokenIssuerRow(
        id=issuer.id,
        tenant_id=issuer.tenant_id,
        url=issuer.url,
        audience=issuer.audience,
        condition_claim="" if condition is None else condition.claim,
        condition_value="" if condition is None else condition.value,
        accepted={"algorithms": list(issuer.algorithms), "types": list(issuer.types)},
        mapping={
            "roles_path": list(mapping.roles_path),
            "roles": {name: role.value for name, role in mapping.roles.items()},
            "default_role": mapping.default_role and mapping.default_role.value,
            "groups_path": list(mapping.groups_path),
        },
        created_at_ms=to_unix_ms(issuer.created_at),
        sign_in_client_id=None if issuer.sign_in is None else issuer.sign_in.client_id,
        sign_in=None if issuer.sign_in is None else _from_offer(issuer.sign_in),
    )


def _from_offer(offer: SignInOffer) -> dict[str, Any]:
    return {
        "client_secret_name": offer.client_secret_name,
        "scopes": list(offer.scopes),
        "cli_client_id": offer.cli_client_id,
        "cli_scopes": list(offer.cli_scopes),
    }


def _to_model(row: TokenIssuerRow) -> TokenIssuer:
    return TokenIssuer(
        id=row.id,
        tenant_id=row.tenant_id,
        url=row.url,
        audience=row.audience,
        algorithms=tuple(row.accepted["algorithms"]),
        types=tuple(row.accepted["types"]),
        mapping=_to_mapping(row.mapping),
        created_at=from_unix_ms(row.created_at_ms),
        condition=TenantCondition(row.condition_claim, row.condition_value)
        if row.condition_claim
        else None,
        sign_in=_to_offer(row.sign_in_client_id, row.sign_in),
    )


def _to_offer(client_id: str | None, stored: dict[str, Any] | None) -> SignInOffer | None:
    if client_id is None or stored is None:
        return None
    return SignInOffer(
        client_id=client_id,
        client_secret_name=stored["client_secret_name"],
        scopes=tuple(stored["scopes"]),
        cli_client_id=stored["cli_client_id"],
        cli_scopes=tuple(stored["cli_scopes"]),
    )


def _to_mapping(stored: dict[str, Any]) -> ClaimMapping:
    default_role = stored["default_role"]
    return ClaimMapping(
        roles_path=tuple(stored["roles_path"]),
        roles={name: Role(role) for name, role in stored["roles"].items()},
        default_role=None if default_role is None else Role(default_role),
        groups_path=tuple(stored["groups_path"]),
    )
