"""The tenant filter: the only place that says which points a call may touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clientsphere_common.access.audience import Reader
from clientsphere_common.vectors.schema import UNTOLD, Field, ReadersField, State


@dataclass(frozen=True)
class Tenant:
    """Whose points a call may touch. Whatever reads or writes points asks for one."""

    tenant_id: str

    def __post_init__(self) -> None:
        if not self.tenant_id:
            raise ValueError("a passage index is never used without a tenant")


@dataclass(frozen=True)
class IsOneOf:
    """Of a field with many values: one of them is."""

    field: Field
    values: tuple[str, ...]


@dataclass(frozen=True)
class IsWithin:
    field: Field
    numbers: range


@dataclass(frozen=True)
class IsBelow:
    """Or is not there at all."""

    field: Field
    number: int


Condition = IsOneOf | IsWithin | IsBelow
Conditions = tuple[Condition, ...]
"""What a point must fulfil, all of it; the first is always the tenant."""


def searchable(
    tenant: Tenant, reader: Reader, knowledge_base_ids: Sequence[str] = ()
) -> Conditions:
    """What a search may find: visible points of the tenant, in these knowledge bases or in any.

    Only those whose document and whose knowledge base admit the reader.
    """
    conditions = stored(tenant, visible_only=True)
    if not reader.reads_all:
        known_as = tuple(sorted(reader.identities))
        conditions += tuple(IsOneOf(place.readers, known_as) for place in ReadersField)
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


def held(tenant: Tenant, knowledge_base_id: str) -> Conditions:
    """Points of one knowledge base of the tenant."""
    return (*stored(tenant), IsOneOf(Field.KNOWLEDGE_BASE_ID, (knowledge_base_id,)))


def told_before(conditions: Conditions, place: ReadersField, revision: int) -> Conditions:
    """Those points among them that know the readers of an earlier revision only, or none."""
    return (*conditions, IsBelow(place.revision, revision))


def from_before_readers() -> Conditions:
    """Points, of all tenants, from releases that knew of no readers: for the upgrade alone."""
    return (IsBelow(Field.KNOWLEDGE_BASE_READERS_REVISION, UNTOLD),)
