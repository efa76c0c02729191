"""What a process takes from its surroundings, and in which order that starts."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from prometheus_client import CollectorRegistry

from clientsphere_common.modules import Module, Opened
from clientsphere_common.process.state import ProcessState
from clientsphere_common.readiness import Check
from clientsphere_common.secrets.assembly import SecretParts

_Use = TypeVar("_Use")


class Resources:
    """Collects the modules and checks of everything that a service opens."""

    def __init__(
        self,
        data_dir: Path,
        secrets: SecretParts,
        registry: CollectorRegistry,
        state: ProcessState,
    ) -> None:
        self.data_dir = data_dir
        self.secrets = secrets.secrets
        self.envelope_keys = secrets.envelope_keys
        self.registry = registry
        self.state = state
        self.modules: list[Module] = []
        # Values that were read stay in use when their source is away.
        self.checks: list[Check] = [Check("secrets", secrets.secrets.check, is_required=False)]

    def take(self, opened: Opened[_Use]) -> _Use:
        """Have `opened` started before, and stopped after, what is taken later."""
        self.modules += opened.modules
        self.checks += opened.checks
        return opened.use

    def take_optional(self, opened: Opened[_Use]) -> _Use:
        """The same for something without which the process still does a part of its work."""
        checks = [Check(check.name, check.ask, is_required=False) for check in opened.checks]
        return self.take(Opened(opened.use, opened.modules, checks))
