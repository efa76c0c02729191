"""Versions of what clients are shown, and changes that hold only for the one they have seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, is_dataclass
from datetime import datetime

from clientsphere_common.errors import PreconditionFailedError

_DIGITS = 32


@dataclass(frozen=True)
class Precondition:
    """Asked within the transaction that makes the change, so that nothing comes between.

    Not asked where everything is as wished already: a change whose answer was lost can be sent
    again (RFC 9110, 13.1.1).
    """

    versions: frozenset[str] | None = None
    """Any of which is the one to change; None: whatever there is."""

    def require(self, version: str) -> None:
        """Raise PreconditionFailedError when somebody has changed it meanwhile."""
        if self.versions is not None and version not in self.versions:
            raise PreconditionFailedError(
                "precondition_failed", "It was changed since you read it: read it again."
            )


UNCONDITIONAL = Precondition()


def version_of(*shown: object) -> str:
    """The same for the same facts, in all processes; says nothing about them."""
    facts = json.dumps(shown, default=_plain, sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()[:_DIGITS]


def _plain(value: object) -> object:
    if isinstance(value, AbstractSet):
        return sorted(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return vars(value)
    raise TypeError(f"a {type(value).__name__} has no version")
