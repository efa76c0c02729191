"""Limits over HTTP: what clients are told, whose address counts, and what the operator changes."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest
from prometheus_client import CollectorRegistry
from pydantic import IPvAnyNetwork, TypeAdapter

from clientsphere_common.access.model import Role
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rate_limits.fallback import RateLimiterWithFallback
from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.rate_limits.model import Claim, Settlement, Standing
from gateway.limit_rules import LimitName, LimitRule
from gateway.model.answers import Finish, Usage
from gateway.model.tenancy import KeyWish, NewTenant
from gateway.settings import GatewaySettings
from tests.fakes.gateway_ports import new_passage
from tests.harness.gateway import OPERATOR_KEY, Gateway, Tables, owner_of

ONCE_A_MINUTE = LimitRule(1, 1)
BEHIND_A_PROXY = GatewaySettings(
    trusted_proxies=TypeAdapter(tuple[IPvAnyNetwork, ...]).validate_python(["127.0.0.1"])
)


class AwayLimiter:
    async def take(self, claim: Claim) -> list[Standing]:
        raise DependencyUnavailableError("redis_unavailable", "Redis does not answer.")

    def settle(self, settlements: Sequence[Settlement]) -> None:
        return


def is_problem(response: httpx.Response, status: int, code: str) -> bool:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return (response.status_code, response.json()["code"]) == (status, code)


async def limited(tables: Tables, **rules: LimitRule) -> tuple[Gateway, NewTenant]:
    """A gateway where only `rules` limit anything, and a tenant."""
    gateway = Gateway(tables, limits={LimitName(name): rule for name, rule in rules.items()})
    return gateway, await gateway.new_tenant()


class TestEveryResponse:
    async def test_tells_every_limit(self, tables: Tables) -> None:
        gateway, tenant = await limited(
            tables, **{name.value: LimitRule(60, 10) for name in LimitName}
        )
        async with gateway.client(tenant.owner_key.key) as client:
            headers = (await client.post("/v1/chat", json={"question": "How many?"})).headers
        assert headers["ratelimit-policy"] == (
            '"tenant";q=60;w=60, "principal";q=60;w=60,'
            ' "concurrent";q=10;qu="concurrent-requests", "address";q=60;w=60,'
            ' "ask";q=60;w=60, "tokens";q=60;qu="tokens";w=60'
        )
        assert headers["ratelimit"] == (
            '"tenant";r=9;t=1, "principal";r=9;t=1, "concurrent";r=9;t=1, "address";r=9;t=1,'
            ' "ask";r=9;t=1, "tokens";r=0;t=10'
        )

    async def test_does_not_tell_of_shadows(self, tables: Tables) -> None:
        gateway, tenant = await limited(tables, read=LimitRule(1, 1, shadow=True))
        async with gateway.client(tenant.owner_key.key) as client:
            responses = [await client.get("/v1/me") for _ in range(3)]
        assert [one.status_code for one in responses] == [200] * 3
        assert '"read"' not in responses[-1].headers["ratelimit"]

    async def test_that_refuses_says_when_to_come_back(self, tables: Tables) -> None:
        gateway, tenant = await limited(tables, principal=LimitRule(2, 1))
        async with gateway.client(tenant.owner_key.key) as client:
            assert (await client.get("/v1/me")).status_code == 200
            response = await client.get("/v1/me")
        assert is_problem(response, 429, "rate_limited")
        assert response.headers["retry-after"] == "30"
        assert '"principal";r=0;t=30' in response.headers["ratelimit"]


class TestStrangers:
    async def test_are_counted_before_their_credential_is_looked_at(self, tables: Tables) -> None:
        gateway, _ = await limited(tables, address=LimitRule(1, 2))
        async with gateway.client("cs_live_nonsense") as client:
            statuses = [(await client.get("/v1/me")).status_code for _ in range(3)]
            refused = await client.get("/no-such-path")
        assert statuses == [401, 401, 429]
        assert is_problem(refused, 429, "rate_limited")
        assert refused.headers["retry-after"] == "60"
        assert refused.headers["ratelimit-policy"] == '"address";q=1;w=60'

    async def test_are_counted_by_the_class_of_what_they_want(self, tables: Tables) -> None:
        gateway, tenant = await limited(tables, read=LimitRule(1, 2), login=ONCE_A_MINUTE)
        async with gateway.client("cs_live_nonsense") as client:
            assert [(await client.get("/v1/me")).status_code for _ in range(3)] == [401, 401, 429]
        async with gateway.client(tenant.owner_key.key) as client:
            assert (await client.get("/v1/me")).status_code == 200

    async def test_are_those_too_who_come_from_a_network_that_is_not_allowed(
        self, tables: Tables
    ) -> None:
        gateway, tenant = await limited(tables, read=LimitRule(1, 2))
        wish = KeyWish("x", Role.VIEWER, networks=("192.0.2.0/24",))
        issued = await gateway.api_keys.create(owner_of(tenant), wish)
        async with gateway.client(issued.key) as client:
            assert [(await client.get("/v1/me")).status_code for _ in range(3)] == [403, 403, 429]

    async def test_may_guess_no_more_keys_than_the_limit_of_logins(self, tables: Tables) -> None:
        gateway, tenant = await limited(tables, login=LimitRule(1, 2))
        body = {"grant_type": "api_key", "api_key": "cs_live_nonsense"}
        async with gateway.client() as client:
            for _ in range(2):
                assert (await client.post("/v1/tokens", json=body)).status_code == 401
            body["api_key"] = tenant.owner_key.key
            assert is_problem(await client.post("/v1/tokens", json=body), 429, "rate_limited")

    async def test_may_not_guess_the_operators_key_either(self, tables: Tables) -> None:
        gateway, _ = await limited(tables, admin=ONCE_A_MINUTE)
        async with gateway.client("wrong") as client:
            first = await client.post("/v1/tenants", json={"name": "x"})
            second = await client.post("/v1/tenants", json={"name": "x"})
        assert (first.status_code, second.status_code) == (401, 429)

    async def test_hold_the_principals_limit_when_they_sign_in(self, tables: Tables) -> None:
        gateway, tenant = await limited(tables, principal=ONCE_A_MINUTE)
        body = {"grant_type": "api_key", "api_key": tenant.owner_key.key}
        async with gateway.client() as client:
            assert (await client.post("/v1/tokens", json=body)).status_code == 200
            assert is_problem(await client.post("/v1/tokens", json=body), 429, "rate_limited")


class TestBehindAProxy:
    async def test_clients_are_counted_one_by_one(self, tables: Tables) -> None:
        gateway = Gateway(tables, BEHIND_A_PROXY, limits={LimitName.ADDRESS: ONCE_A_MINUTE})
        async with gateway.client() as client:
            statuses = [
                (await client.get("/health/live", headers={"x-forwarded-for": address})).status_code
                for address in ("192.0.2.1", "192.0.2.2", "9.9.9.9, 192.0.2.1")
            ]
        assert statuses == [200, 200, 429]

    async def test_keys_are_held_to_the_networks_of_their_clients(self, tables: Tables) -> None:
        gateway = Gateway(tables, BEHIND_A_PROXY)
        owner = owner_of(await gateway.new_tenant())
        wish = KeyWish("x", Role.VIEWER, networks=("2001:db8::9/128",))
        key = (await gateway.api_keys.create(owner, wish)).key
        login = {"grant_type": "api_key", "api_key": key}
        for address, status in (("2001:db8::9", 200), ("2001:db8::8", 403)):
            async with gateway.client(key) as client:
                client.headers["x-forwarded-for"] = address
                assert (await client.get("/v1/me")).status_code == status
                assert (await client.post("/v1/tokens", json=login)).status_code == status


class TestQuestions:
    async def test_are_charged_what_the_model_used(self, tables: Tables) -> None:
        gateway, tenant = await limited(tables, tokens=LimitRule(1, 10_000))
        gateway.search.passages = [new_passage()]
        gateway.model.finish = Finish(declined=True, model="m", usage=Usage(3_000, 1_000))
        async with gateway.client(tenant.owner_key.key) as client:
            asked = [
                (await client.post("/v1/chat", json={"question": "How many?"})) for _ in range(2)
            ]
        # 8,000 are reserved, so that 6,000 left are too few.
        assert [one.status_code for one in asked] == [200, 429]

    async def test_in_a_stream_hold_their_place_until_it_ends(self, tables: Tables) -> None:
        gateway, tenant = await limited(tables, concurrent=ONCE_A_MINUTE)
        async with gateway.client(tenant.owner_key.key) as client:
            for _ in range(3):
                body = {"question": "How many?", "stream": True}
                assert (await client.post("/v1/chat", json=body)).status_code == 200


class TestWhileNothingIsCountedTogether:
    async def test_what_an_attacker_would_want_is_refused(self, tables: Tables) -> None:
        local = InProcessRateLimiter()
        limiter = RateLimiterWithFallback(AwayLimiter(), local, lambda: 1, CollectorRegistry())
        gateway = Gateway(tables, limiter=limiter)
        key = (await gateway.new_tenant()).owner_key.key
        login = {"grant_type": "api_key", "api_key": key}
        async with gateway.client(key) as client, gateway.client(OPERATOR_KEY) as operator:
            refused = [
                await client.post("/v1/tokens", json=login),
                await client.post("/v1/api-keys", json={"name": "x", "role": "viewer"}),
                await client.post("/v1/api-keys/key_x/rotate", json={"overlap_hours": 1}),
                await operator.post("/v1/tenants", json={"name": "x"}),
                await operator.get("/v1/tenants/tnt_x/token-issuers"),
            ]
            served = await client.get("/v1/api-keys")
        for response in refused:
            assert is_problem(response, 503, "limits_unavailable")
            assert response.headers["retry-after"] == "2"
        assert served.status_code == 200


class TestTheOperator:
    async def test_changes_the_limits_of_one_tenant(self, tables: Tables) -> None:
        gateway, tenant = await limited(tables)
        other = await gateway.new_tenant("Quaymere")
        url = f"/v1/tenants/{tenant.tenant.id}/limits"
        changes = {"limits": {"read": {"per_minute": 1, "burst": 2, "shadow": False}}}
        async with gateway.client(OPERATOR_KEY) as operator:
            assert (await operator.get(url)).json() == {"limits": {}}
            assert (await operator.put(url, json=changes)).json() == changes
            assert (await operator.get(url)).json() == changes
        async with gateway.client(tenant.owner_key.key) as client:
            assert [(await client.get("/v1/me")).status_code for _ in range(3)] == [200, 200, 429]
        async with gateway.client(other.owner_key.key) as client:
            assert [(await client.get("/v1/me")).status_code for _ in range(3)] == [200] * 3
        event = (await tables.audit_trail())[-1]
        assert event.principal_id == "operator"
        assert (event.action, event.target_id) == ("tenant.limits_changed", tenant.tenant.id)
        assert dict(event.details) == {"read": "1 a minute, 2 at once"}

    async def test_takes_changes_back(self, tables: Tables) -> None:
        gateway, tenant = await limited(tables)
        url = f"/v1/tenants/{tenant.tenant.id}/limits"
        changes = {"limits": {"read": {"per_minute": 1, "burst": 1, "shadow": True}}}
        async with gateway.client(OPERATOR_KEY) as operator:
            await operator.put(url, json=changes)
            assert (await operator.put(url, json={"limits": {}})).json() == {"limits": {}}
        assert gateway.tenant_limits.limits_for(tenant.tenant.id)[LimitName.READ].burst > 1

    async def test_is_told_of_an_unknown_tenant(self, gateway: Gateway) -> None:
        async with gateway.client(OPERATOR_KEY) as operator:
            for tenant_id in ("tnt_unknown", "%00", "x" * 100):
                url = f"/v1/tenants/{tenant_id}/limits"
                assert is_problem(await operator.get(url), 404, "tenant_not_found")
                response = await operator.put(url, json={"limits": {}})
                assert is_problem(response, 404, "tenant_not_found")

    @pytest.mark.parametrize("name", ["address", "login", "admin"])
    async def test_cannot_change_what_counts_before_a_tenant_is_known(
        self, gateway: Gateway, tenant: NewTenant, name: str
    ) -> None:
        body = {"limits": {name: {"per_minute": 1, "burst": 1}}}
        async with gateway.client(OPERATOR_KEY) as operator:
            response = await operator.put(f"/v1/tenants/{tenant.tenant.id}/limits", json=body)
        assert is_problem(response, 400, "invalid_request")

    @pytest.mark.parametrize(
        "limits",
        [
            {"read": {"per_minute": 0, "burst": 1}},
            {"read": {"per_minute": 1, "burst": -1}},
            {"read": {"per_minute": 10**9 + 1, "burst": 1}},
            {"read": {"per_minute": 1, "burst": 10**9 + 1}},
            {"read": {"per_minute": 1}},
            {"flying": {"per_minute": 1, "burst": 1}},
            [],
        ],
    )
    async def test_cannot_send_what_makes_no_sense(
        self, gateway: Gateway, tenant: NewTenant, limits: object
    ) -> None:
        async with gateway.client(OPERATOR_KEY) as operator:
            url = f"/v1/tenants/{tenant.tenant.id}/limits"
            response = await operator.put(url, json={"limits": limits})
        assert is_problem(response, 400, "invalid_request")

    async def test_is_nobody_else(self, owner: httpx.AsyncClient, tenant: NewTenant) -> None:
        url = f"/v1/tenants/{tenant.tenant.id}/limits"
        assert is_problem(await owner.get(url), 401, "operator_key_invalid")
        assert is_problem(await owner.put(url, json={}), 401, "operator_key_invalid")


class TestTheStep:
    async def test_is_timed(self, gateway: Gateway, owner: httpx.AsyncClient) -> None:
        await owner.get("/v1/me")
        assert gateway.registry.get_sample_value("clientsphere_admission_seconds_count") == 1
