"""Which limits a request must fit, and what becomes of what it was given of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from clientsphere_common.errors import LimitExceededError
from clientsphere_common.ids import new_id
from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.rate_limits.model import Bucket, Claim, Limit, Settlement, Standing
from clientsphere_common.rate_limits.ports import RateLimiter
from clientsphere_common.request import Caller
from gateway.limit_rules import STRICT_CLASSES, LimitName, RouteClass
from gateway.metrics import LimitMetrics
from gateway.near_limits import NearLimits
from gateway.spending import Spending

Limits = Mapping[LimitName, Limit]


@dataclass(frozen=True)
class Visit:
    """Where a request comes from, and to which class of routes."""

    address: str
    route_class: RouteClass


@dataclass(frozen=True)
class Admission:
    """What the limits said to a request; to be settled when it has ended."""

    standings: Sequence[Standing]
    claim: Claim
    spending: Spending

    def require(self) -> None:
        """Raise LimitExceededError unless every limit admits the request."""
        refusing = [standing for standing in self.standings if standing.refuses]
        if refusing:
            names = ", ".join(standing.limit.name for standing in refusing)
            raise LimitExceededError(
                "rate_limited",
                f"There were too many requests: {names}.",
                retry_after_s=max(standing.retry_after_s for standing in refusing),
            )


class RequestLimits:
    """Every call asks for all limits at once, whatever their number."""

    def __init__(
        self,
        limiter: RateLimiter,
        limits_for: Callable[[str], Limits],
        reserved_tokens: int,
        metrics: LimitMetrics,
    ) -> None:
        """`limits_for` gives a tenant's limits; those of nobody's for the empty id."""
        self._limiter = limiter
        self._limits_for = limits_for
        self._reserved_tokens = reserved_tokens
        self._metrics = metrics
        self._near = NearLimits(metrics)
        self._addresses = InProcessRateLimiter()

    async def arrive(self, address: str) -> Admission:
        """Count a request by its address in this process alone, before anything is done for it."""
        bucket = Bucket(self._limits_for("")[LimitName.ADDRESS], address)
        claim = Claim([bucket])
        return self._admission(claim, await self._addresses.take(claim), "")

    async def admit_stranger(self, visit: Visit) -> Admission:
        """Count a request whose tenant nobody knows, or knows yet."""
        limits = self._limits_for("")
        return await self._admit("", _of_visit(limits, visit, visit.address), visit.route_class)

    async def admit_caller(self, caller: Caller, visit: Visit) -> Admission:
        """Count a request of `caller`."""
        limits = self._limits_for(caller.tenant_id)
        buckets = _of_caller(limits, caller) + _of_visit(limits, visit, caller.tenant_id)
        if visit.route_class is RouteClass.ASK:
            tokens = limits[LimitName.TOKENS]
            buckets.append(Bucket(tokens, caller.tenant_id, self._reserved_tokens, is_held=True))
        return await self._admit(caller.tenant_id, buckets, visit.route_class)

    async def admit_known_visit(self, caller: Caller) -> Admission:
        """Count a request of `caller` that was counted as a stranger's before."""
        buckets = _of_caller(self._limits_for(caller.tenant_id), caller)
        return await self._admit(caller.tenant_id, buckets, RouteClass.LOGIN)

    def settle(self, admission: Admission) -> None:
        """Give back what the request held, and charge the tokens that it used."""
        claim = admission.claim
        self._limiter.settle(
            [
                Settlement(bucket, claim.id, _used(bucket, admission.spending))
                for bucket in claim.buckets
                if bucket.is_held
            ]
        )

    async def _admit(
        self, tenant_id: str, buckets: list[Bucket], route_class: RouteClass
    ) -> Admission:
        claim = Claim(buckets, new_id("req"), is_strict=route_class in STRICT_CLASSES)
        try:
            standings = await self._limiter.take(claim)
        except BaseException:
            # It may have been counted.
            self.settle(Admission((), claim, Spending(0)))
            raise
        return self._admission(claim, standings, tenant_id)

    def _admission(self, claim: Claim, standings: Sequence[Standing], tenant_id: str) -> Admission:
        for bucket, standing in zip(claim.buckets, standings, strict=True):
            if standing.retry_after_s:
                self._metrics.refused(standing.limit)
            elif 5 * standing.remaining < standing.limit.burst:
                self._near.note(bucket, standing, tenant_id)
        return Admission(standings, claim, Spending(self._reserved_tokens))


def _of_visit(limits: Limits, visit: Visit, class_key: str) -> list[Bucket]:
    """What a class costs is counted for a tenant, or for an address where that is not known."""
    return [
        Bucket(limits[LimitName.ADDRESS], visit.address),
        Bucket(limits[LimitName(visit.route_class.value)], class_key),
    ]


def _of_caller(limits: Limits, caller: Caller) -> list[Bucket]:
    return [
        Bucket(limits[LimitName.TENANT], caller.tenant_id),
        Bucket(limits[LimitName.PRINCIPAL], caller.principal_id),
        Bucket(limits[LimitName.CONCURRENT], caller.tenant_id, is_held=True),
    ]


def _used(bucket: Bucket, spending: Spending) -> int:
    return spending.tokens if bucket.limit.name == LimitName.TOKENS else 0
