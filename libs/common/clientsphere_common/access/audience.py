"""Who may read or edit something: everyone of its tenant, or the groups and principals it names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clientsphere_common.access.model import Permission
from clientsphere_common.request import Caller

_EVERYONE = "everyone"
_GROUP = "group:"
_PRINCIPAL = "principal:"


@dataclass(frozen=True)
class Audience:
    """Identities, any of which is enough; without any, nobody belongs to it."""

    identities: frozenset[str]

    @property
    def is_everyone(self) -> bool:
        return _EVERYONE in self.identities

    @property
    def groups(self) -> list[str]:
        return _named(self.identities, _GROUP)

    @property
    def principals(self) -> list[str]:
        return _named(self.identities, _PRINCIPAL)

    def has(self, caller: Caller) -> bool:
        return not self.identities.isdisjoint(reader_of(caller).identities)


@dataclass(frozen=True)
class Reader:
    """Who is reading, by all the identities under which an audience may have them."""

    identities: frozenset[str]
    reads_all: bool = False
    """Whatever the audience is."""


EVERYONE = Audience(frozenset({_EVERYONE}))


def audience(groups: Iterable[str], principals: Iterable[str]) -> Audience:
    named = {_GROUP + group for group in groups} | {_PRINCIPAL + one for one in principals}
    return Audience(frozenset(named))


def reader_of(caller: Caller) -> Reader:
    """By the verified caller alone: nothing in a request adds an identity."""
    own = audience(caller.groups, (caller.principal_id,))
    return Reader(
        identities=own.identities | EVERYONE.identities,
        reads_all=Permission.DOCUMENTS_READ_ALL in caller.permissions,
    )


def _named(identities: Iterable[str], kind: str) -> list[str]:
    return sorted(one.removeprefix(kind) for one in identities if one.startswith(kind))
