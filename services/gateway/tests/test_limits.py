"""Which limits a request counts for, whose they are, and what it gives back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from clientsphere_common.errors import DependencyUnavailableError, LimitExceededError
from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.rate_limits.model import Claim, Settlement, Standing
from clientsphere_common.request import Caller
from gateway.limit_rules import (
    DEFAULT_RULES,
    STRICT_CLASSES,
    LimitName,
    LimitRule,
    LimitRules,
    RouteClass,
    limits_of,
)
from gateway.limits import Admission, RequestLimits, Visit
from gateway.metrics import LimitMetrics
from tests.harness.gateway import ROOMY

CLASSES = [one for one in RouteClass if one is not RouteClass.OPEN]
HERE = "192.0.2.7"


class RecordingLimiter(InProcessRateLimiter):
    """By a clock that stands still."""

    def __init__(self) -> None:
        super().__init__(lambda: 5_000_000)
        self.is_away = False
        self.claims: list[Claim] = []
        self.settlements: list[Settlement] = []

    async def take(self, claim: Claim) -> list[Standing]:
        self.claims.append(claim)
        if self.is_away:
            raise DependencyUnavailableError("redis_unavailable", "Redis does not answer.")
        return await super().take(claim)

    def settle(self, settlements: Sequence[Settlement]) -> None:
        self.settlements += settlements
        super().settle(settlements)


class Limits:
    def __init__(self, **rules: LimitRule) -> None:
        chosen: LimitRules = {**ROOMY, **{LimitName(name): one for name, one in rules.items()}}
        self.registry = CollectorRegistry()
        self.limiter = RecordingLimiter()
        self.limits = RequestLimits(
            self.limiter, lambda _: limits_of(chosen), 100, LimitMetrics(self.registry)
        )

    async def admission(
        self,
        tenant_id: str = "tnt_a",
        principal_id: str = "key_1",
        route_class: RouteClass = RouteClass.READ,
        address: str = HERE,
    ) -> Admission:
        caller = Caller(tenant_id, principal_id)
        return await self.limits.admit_caller(caller, Visit(address, route_class))

    async def admits(
        self,
        tenant_id: str = "tnt_a",
        principal_id: str = "key_1",
        route_class: RouteClass = RouteClass.READ,
    ) -> bool:
        return is_admitted(await self.admission(tenant_id, principal_id, route_class))

    def refusals(self, limit: str, mode: str) -> float | None:
        return self.registry.get_sample_value(
            "clientsphere_rate_limit_refusals_total", {"limit": limit, "mode": mode}
        )


def is_admitted(admission: Admission) -> bool:
    try:
        admission.require()
    except LimitExceededError:
        return False
    return True


def names(admission: Admission) -> list[str]:
    return [standing.limit.name for standing in admission.standings]


class TestWhatIsCountedTogether:
    async def test_principals_of_a_tenant_share_its_limit(self) -> None:
        limits = Limits(tenant=LimitRule(60, 2))
        assert await limits.admits("tnt_a", "key_1")
        assert await limits.admits("tnt_a", "key_2")
        assert not await limits.admits("tnt_a", "key_3")

    async def test_a_flooding_tenant_takes_nothing_from_another(self) -> None:
        limits = Limits(tenant=LimitRule(60, 2), read=LimitRule(60, 2))
        for _ in range(100):
            await limits.admits("tnt_a", "key_1")
        assert await limits.admits("tnt_b", "key_2")

    async def test_a_flooding_principal_takes_nothing_from_another(self) -> None:
        limits = Limits(tenant=LimitRule(60, 3), principal=LimitRule(60, 1))
        assert await limits.admits("tnt_a", "key_1")
        for _ in range(10):
            assert not await limits.admits("tnt_a", "key_1")
        assert await limits.admits("tnt_a", "key_2")
        assert await limits.admits("tnt_a", "key_3")

    async def test_tenants_at_one_address_share_its_limit(self) -> None:
        limits = Limits(address=LimitRule(60, 2))
        assert await limits.admits("tnt_a", "key_1")
        assert await limits.admits("tnt_b", "key_2")
        assert not await limits.admits("tnt_c", "key_3")
        assert is_admitted(await limits.admission("tnt_c", "key_3", address="192.0.2.8"))

    @pytest.mark.parametrize("route_class", CLASSES)
    async def test_every_class_has_a_limit_of_its_own(self, route_class: RouteClass) -> None:
        limits = Limits(**{route_class.value: LimitRule(60, 1)})
        assert await limits.admits(route_class=route_class)
        assert not await limits.admits(route_class=route_class)
        other = RouteClass.WRITE if route_class is RouteClass.READ else RouteClass.READ
        assert await limits.admits(route_class=other)

    async def test_strangers_are_told_apart_by_their_address(self) -> None:
        limits = Limits(login=LimitRule(60, 1)).limits
        visit = Visit(HERE, RouteClass.LOGIN)
        assert is_admitted(await limits.admit_stranger(visit))
        assert not is_admitted(await limits.admit_stranger(visit))
        assert is_admitted(await limits.admit_stranger(Visit("192.0.2.8", RouteClass.LOGIN)))


class TestOneCall:
    async def test_asks_for_everything(self) -> None:
        limits = Limits()
        admission = await limits.admission(route_class=RouteClass.ASK)
        assert len(limits.limiter.claims) == 1
        assert names(admission) == [
            *("tenant", "principal", "concurrent", "address", "ask", "tokens")
        ]

    async def test_asks_for_tokens_only_where_a_model_answers(self) -> None:
        assert "tokens" not in names(await Limits().admission(route_class=RouteClass.SEARCH))

    async def test_does_not_count_a_visit_twice(self) -> None:
        admission = await Limits().limits.admit_known_visit(Caller("tnt_a", "key_1"))
        assert names(admission) == ["tenant", "principal", "concurrent"]

    @pytest.mark.parametrize("route_class", CLASSES)
    async def test_is_strict_for_what_an_attacker_would_want(self, route_class: RouteClass) -> None:
        limits = Limits()
        await limits.admission(route_class=route_class)
        await limits.limits.admit_stranger(Visit(HERE, route_class))
        strict = {claim.is_strict for claim in limits.limiter.claims}
        assert strict == {route_class in STRICT_CLASSES}

    async def test_that_failed_gives_back_what_it_may_have_been_given(self) -> None:
        limits = Limits()
        limits.limiter.is_away = True
        with pytest.raises(DependencyUnavailableError):
            await limits.admission()
        (claim,) = limits.limiter.claims
        assert [one.claim_id for one in limits.limiter.settlements] == [claim.id]


class TestArriving:
    async def test_is_counted_by_address_and_without_asking_anybody(self) -> None:
        limits = Limits(address=LimitRule(1, 2))
        arrivals = [is_admitted(await limits.limits.arrive(HERE)) for _ in range(3)]
        assert arrivals == [True, True, False]
        assert is_admitted(await limits.limits.arrive("192.0.2.8"))
        assert limits.limiter.claims == []


class TestAtTheSameTime:
    async def test_a_tenant_does_no_more_than_its_limit(self) -> None:
        limits = Limits(concurrent=LimitRule(1, 2))
        first, _ = await limits.admission(), await limits.admission()
        assert not await limits.admits()
        assert await limits.admits("tnt_b", "key_2")
        limits.limits.settle(first)
        assert await limits.admits()

    async def test_what_was_refused_holds_nothing(self) -> None:
        limits = Limits(concurrent=LimitRule(1, 1), principal=LimitRule(60, 1))
        limits.limits.settle(await limits.admission())
        limits.limits.settle(await limits.admission())
        assert await limits.admits("tnt_a", "key_2")


class TestTokens:
    """A hundred are reserved for every question."""

    async def test_are_reserved_for_every_question(self) -> None:
        limits = Limits(tokens=LimitRule(1, 250))
        admitted = [await limits.admits(route_class=RouteClass.ASK) for _ in range(3)]
        assert admitted == [True, True, False]

    async def test_come_back_when_no_model_was_asked(self) -> None:
        limits = Limits(tokens=LimitRule(1, 100))
        for _ in range(5):
            admission = await limits.admission(route_class=RouteClass.ASK)
            admission.require()
            limits.limits.settle(admission)

    async def test_are_charged_as_they_were_used(self) -> None:
        limits = Limits(tokens=LimitRule(1, 250))
        admission = await limits.admission(route_class=RouteClass.ASK)
        admission.spending.begin()
        admission.spending.finish(150)
        limits.limits.settle(admission)
        assert await limits.admits(route_class=RouteClass.ASK)
        assert not await limits.admits(route_class=RouteClass.ASK)

    async def test_are_charged_to_no_other_limit(self) -> None:
        limits = Limits(concurrent=LimitRule(1, 2))
        admission = await limits.admission(route_class=RouteClass.ASK)
        admission.spending.begin()
        admission.spending.finish(150)
        limits.limits.settle(admission)
        used = {one.bucket.limit.name: one.used for one in limits.limiter.settlements}
        assert used == {"concurrent": 0, "tokens": 150}

    async def test_are_charged_as_they_were_reserved_when_nobody_knows(self) -> None:
        limits = Limits(tokens=LimitRule(1, 100))
        admission = await limits.admission(route_class=RouteClass.ASK)
        admission.spending.begin()
        limits.limits.settle(admission)
        assert not await limits.admits(route_class=RouteClass.ASK)


class TestAShadow:
    async def test_refuses_nothing_and_is_told(self) -> None:
        limits = Limits(read=LimitRule(1, 1, shadow=True))
        assert [await limits.admits() for _ in range(3)] == [True] * 3
        assert limits.refusals("read", "shadow") == 2
        assert limits.refusals("read", "enforced") is None

    async def test_leaves_the_others_as_they_are(self) -> None:
        limits = Limits(read=LimitRule(1, 1, shadow=True), tenant=LimitRule(1, 2))
        assert [await limits.admits() for _ in range(3)] == [True, True, False]
        assert limits.refusals("tenant", "enforced") == 1


class TestARefusal:
    async def test_names_its_limits_and_when_to_come_back(self) -> None:
        limits = Limits(tenant=LimitRule(60, 1), read=LimitRule(30, 1))
        await limits.admission()
        with pytest.raises(LimitExceededError) as caught:
            (await limits.admission()).require()
        assert caught.value.message == "There were too many requests: tenant, read."
        assert caught.value.retry_after_s == 2.0


class TestTheRules:
    def test_there_is_one_for_every_name_and_a_name_for_every_class(self) -> None:
        assert set(DEFAULT_RULES) == set(LimitName)
        assert {one.value for one in CLASSES} <= set(LimitName)

    def test_later_changes_win(self) -> None:
        first, second = {LimitName.ASK: LimitRule(1, 1)}, {LimitName.ASK: LimitRule(2, 2)}
        assert limits_of(first, second)[LimitName.ASK] == LimitRule(2, 2).limit(LimitName.ASK)

    def test_are_those_of_the_documentation(self) -> None:
        page = Path("docs/limits.md").read_text()
        for name, rule in DEFAULT_RULES.items():
            rate = "" if name is LimitName.CONCURRENT else f"{rule.per_minute:,}"
            told = re.search(rf"^\| `{name}` \|.*\| (.*)\| ([\d,]+) \|$", page, re.MULTILINE)
            assert told is not None, name
            assert (told[1].strip(), told[2]) == (rate, f"{rule.burst:,}"), name


class TestNearTheEnd:
    async def test_is_counted_when_less_than_a_fifth_is_left(self) -> None:
        limits = Limits(tenant=LimitRule(60, 100))

        def near() -> float | None:
            labels = {"limit": "tenant", "mode": "enforced"}
            return limits.registry.get_sample_value("clientsphere_rate_limit_near_total", labels)

        for _ in range(80):
            assert await limits.admits()
        assert near() is None
        for _ in range(20):
            assert await limits.admits()
        assert near() == 20
        assert not await limits.admits()
        assert near() == 20

    async def test_is_told_of_the_tenant_and_not_of_strangers(self) -> None:
        limits = Limits(tenant=LimitRule(60, 1), read=LimitRule(60, 1))
        with capture_logs() as logs:
            await limits.limits.admit_stranger(Visit(HERE, RouteClass.READ))
            await limits.admission("tnt_b")
        told = [(line["event"], line["tenant"], line["limit"]) for line in logs]
        assert told == [
            ("limit_nearly_reached", "tnt_b", "tenant"),
            ("limit_nearly_reached", "tnt_b", "read"),
        ]
