"""Secrets that whoever starts the process puts into its environment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from clientsphere_common.secrets.ports import Secret
from clientsphere_common.secrets.sources import checked_name, secret_not_found


class EnvironmentSource:
    """`gateway-operator-key` is the variable `CLIENTSPHERE_GATEWAY_OPERATOR_KEY`."""

    def __init__(
        self, environment: Mapping[str, str], clock: Callable[[], float] = time.time
    ) -> None:
        self._environment = environment
        self._clock = clock

    async def fetch(self, name: str, known: Secret | None) -> Secret:
        variable = f"CLIENTSPHERE_{checked_name(name).replace('-', '_').upper()}"
        value = self._environment.get(variable)
        if not value:
            raise secret_not_found(name)
        return Secret(name, value, "environment", self._clock())
