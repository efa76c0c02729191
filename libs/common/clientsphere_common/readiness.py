"""Whether a process can do its work: everything that it depends on, asked at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import structlog

from clientsphere_common.errors import ServiceError

log = structlog.get_logger(__name__)

CHECK_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Check:
    """One dependency of a process, by the name that operators know it under."""

    name: str
    ask: Callable[[], Awaitable[None]]
    """Raises when the dependency does not answer; the message of a ServiceError is shown."""
    is_required: bool = True
    """False: the process works on without it, if not as well."""


@dataclass(frozen=True)
class Finding:
    name: str
    is_required: bool
    error: str | None = None
    """None when the dependency answers."""


@dataclass(frozen=True)
class Report:
    findings: tuple[Finding, ...]

    @property
    def state(self) -> Literal["ok", "degraded", "failing"]:
        """`degraded`: only what is not required is missing, so requests are still welcome."""
        missing = [finding for finding in self.findings if finding.error]
        if any(finding.is_required for finding in missing):
            return "failing"
        return "degraded" if missing else "ok"


async def ask_all(checks: Sequence[Check]) -> Report:
    """Gives each dependency two seconds."""
    errors = await asyncio.gather(*(_error_of(check) for check in checks))
    return Report(
        tuple(
            Finding(check.name, check.is_required, error)
            for check, error in zip(checks, errors, strict=True)
        )
    )


async def _error_of(check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await check.ask()
    except ServiceError as error:
        return error.message
    except TimeoutError:
        return "It did not answer in time."
    except Exception:
        # Checks reach into every technology there is; what they raise must not take readiness down.
        log.exception("readiness_check_failed", check=check.name)
        return "It failed."
    return None
