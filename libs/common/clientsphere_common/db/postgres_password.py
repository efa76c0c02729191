"""The password of a service at PostgreSQL, which may change while the service runs."""

from __future__ import annotations

from typing import Any

from psycopg import OperationalError
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_

from clientsphere_common.secrets.following import optional_secret
from clientsphere_common.secrets.ports import Secrets


class ServicePassword:
    """The secret `name` as it was when a connection last needed it; None where there is none.

    Asked for again only when the server refuses it: new connections do not wait for the place
    that keeps secrets, which may be away.
    """

    def __init__(self, secrets: Secrets, name: str) -> None:
        self._secrets = secrets
        self._name = name
        self._known: str | None = None

    async def known(self) -> str | None:
        """Raises DependencyUnavailableError when it has never been read and cannot be now."""
        return self._known or await self.newest()

    async def newest(self) -> str | None:
        secret = await optional_secret(self._secrets, self._name)
        self._known = secret.value if secret else None
        return self._known


def use_password(engine: AsyncEngine, password: ServicePassword) -> None:
    """Have each new connection of `engine` log in with `password`, or else with its successor."""

    def connect(dialect: Any, _record: Any, arguments: Any, parameters: dict[str, Any]) -> Any:
        first = await_(password.known())
        try:
            return dialect.connect(*arguments, **parameters, password=first)
        except OperationalError as refusal:
            newest = await_(password.newest()) if is_about_password(refusal) else first
            if newest == first:
                raise
        return dialect.connect(*arguments, **parameters, password=newest)

    event.listen(engine.sync_engine, "do_connect", connect)


def is_about_password(error: BaseException | None) -> bool:
    """Whether the server asked for a password before it refused a connection.

    It says so in no better way: the reason comes as text, in the language of the server.
    """
    connection = error.pgconn if isinstance(error, OperationalError) else None
    return connection is not None and bool(connection.needs_password or connection.used_password)
