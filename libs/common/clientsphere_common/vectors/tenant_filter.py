"""The tenant filter: the only place that says which points a call may touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clientsphere_common.vectors.schema import Field, State


@dataclass(frozen=True)
class Tenant:
    """Whose points a call may touch. Whatever reads or writes points asks for one."""

    tenant_id: str

    def __post_init__(self) -> None:
        if not self.tenant_id:
            raise ValueError("a passage index is never used without a tenant")


@dataclass(frozen=True)
class IsOneOf:
    field: Field
    values: tuple[str, ...]


@dataclass(frozen=True)
class IsWithin:
    field: Field
    numbers: range


Conditions = tuple[IsOneOf | IsWithin, ...]
"""What a point must fulfil, all of it; the first is always the tenant."""


def searchable(tenant: Tenant, knowledge_base_ids: Sequence[str] = ()) -> Conditions:
    """What a search may find: visible points of the tenant, in these knowledge bases or in any."""
    conditions = stored(tenant, visible_only=True)
    if knowledge_base_ids:
        conditions += (IsOneOf(Field.KNOWLEDGE_BASE_ID, tuple(knowledge_base_ids)),)
    return conditions


def stored(
    tenant: Tenant,
    document_id: str | None = None,
    versions: range | None = None,
    *,
    visible_only: bool = False,
) -> Conditions:
    """Points of the tenant, or of one of its documents, or of some versions of it."""
    conditions: Conditions = (IsOneOf(Field.TENANT_ID, (tenant.tenant_id,)),)
    if document_id is not None:
        conditions += (IsOneOf(Field.DOCUMENT_ID, (document_id,)),)
    if versions is not None:
        conditions += (IsWithin(Field.VERSION, versions),)
    if visible_only:
        conditions += (IsOneOf(Field.STATE, (State.VISIBLE,)),)
    return conditions
