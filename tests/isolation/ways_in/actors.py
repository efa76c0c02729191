"""Who asks: everybody that a tenant may have, the operator, and nobody; and what each may."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from clientsphere_common.access.model import Access, Entry, Permission, Role
from clientsphere_common.access.table import ROLE_PERMISSIONS

VIEWED = ROLE_PERMISSIONS[Role.VIEWER]
CUSTOM = frozenset({*VIEWED, Permission.ROLES_MANAGE})
"""Of the role that each tenant makes. Enough to manage what the recipes make."""
SCOPES = frozenset({*VIEWED, Permission.API_KEYS_MANAGE})
"""Of the key with scopes, whose role permits more."""
SIGNED_IN_BY_TOKEN = frozenset({Role.EDITOR})
"""The others present their API keys themselves."""


class Outcome(Enum):
    """What becomes of a request before anybody looks at the ids in it."""

    LET_IN = "let in"
    FORBIDDEN = "403"
    NOT_SIGNED_IN = "401"


@dataclass(frozen=True)
class Actor:
    name: str
    tenant_id: str
    """Empty for those who belong to none."""
    credential: str
    api_key: str
    """Also of those whose credential is a token."""
    permissions: frozenset[Permission] = frozenset()
    is_operator: bool = False

    @property
    def key_id(self) -> str:
        return f"key_{self.api_key.split('_')[2]}"


def outcome(access: Access, actor: Actor) -> Outcome:
    """By the access table alone."""
    if access is Entry.PUBLIC:
        return Outcome.LET_IN
    if access is Entry.OPERATOR or not actor.tenant_id:
        is_in = access is Entry.OPERATOR and actor.is_operator
        return Outcome.LET_IN if is_in else Outcome.NOT_SIGNED_IN
    return Outcome.LET_IN if may(actor.permissions, [access]) else Outcome.FORBIDDEN


def may(permissions: Collection[Permission], ways_in: Collection[Access]) -> bool:
    """Whether somebody who is signed in has one of `ways_in`."""
    return Entry.SIGNED_IN in ways_in or any(one in permissions for one in ways_in)
