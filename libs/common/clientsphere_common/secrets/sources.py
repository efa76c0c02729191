"""Where secrets come from: one of several places, asked in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from clientsphere_common.errors import NotFoundError
from clientsphere_common.secrets.ports import Secret

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class SecretSource(Protocol):
    async def fetch(self, name: str, known: Secret | None) -> Secret:
        """Return the secret as it is now; `known`, confirmed anew, when that is still the newest.

        Raises NotFoundError or DependencyUnavailableError.
        """
        ...


class FirstOfSources:
    """Asks each source in turn, until one has the secret.

    A source that does not answer ends the search: a later one may hold what it overrides.
    """

    def __init__(self, sources: Sequence[SecretSource]) -> None:
        self._sources = sources

    async def fetch(self, name: str, known: Secret | None) -> Secret:
        for source in self._sources:
            try:
                return await source.fetch(name, known)
            except NotFoundError:
                continue
        raise secret_not_found(name)


def checked_name(name: str) -> str:
    """Return `name`; raises ValueError when it could mean something else to a source."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not the name of a secret: {name!r}")
    return name


def secret_not_found(name: str) -> NotFoundError:
    return NotFoundError("secret_not_found", f"There is no secret {name!r}.")
