"""What services need from whatever counts requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clientsphere_common.rate_limits.model import Claim, Settlement, Standing


class RateLimiter(Protocol):
    async def take(self, claim: Claim) -> list[Standing]:
        """Count one request in all its buckets; return its standing in each, in their order.

        A request that a limit refuses counts for none. A shadow limit that it does not fit does
        not count it, as if it had been refused, and stands in nobody's way. Raises
        DependencyUnavailableError.
        """
        ...

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Give back what was held and charge what was used instead, once, soon.

        What a process holds is given back unused when the process has died. Settling what is not
        held any more does nothing.
        """
        ...
