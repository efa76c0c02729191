"""Every route, with a credential that is of the wrong kind, has ended, or names another tenant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clientsphere_common.access.model import Entry
from clientsphere_common.access.table import ROUTE_ACCESS
from tests.isolation.ways_in.actors import Actor
from tests.isolation.ways_in.answers import answer_of
from tests.isolation.ways_in.filling import Request, request_of
from tests.isolation.ways_in.world import Inhabited, World

GUARDED = sorted(route for route, access in ROUTE_ACCESS.items() if access is not Entry.PUBLIC)
IN_A_TENANT = sorted(route for route in GUARDED if ROUTE_ACCESS[route] is not Entry.OPERATOR)
TENANT_HEADERS = (
    "X-Tenant-Id",
    "X-Tenant",
    "Tenant",
    "Tenant-Id",
    "X-Forwarded-User",
    "X-Remote-User",
    "X-Principal-Id",
    "Clientsphere-Context-Bin",
)


@pytest.fixture(scope="module")
def ended(world: World) -> list[Actor]:
    """Owners whose credentials once were good, or look as if they were."""
    tenant = world.tenants[0]
    with world.only_changes(tenant):
        revoked, by_token = another_owner(world, tenant), another_owner(world, tenant)
        rotated = another_owner(world, tenant)
        wanted = {"grant_type": "api_key", "api_key": by_token.api_key}
        issued = world.send(by_token, Request("POST", "/v1/tokens", json=wanted)).json()
        for one in (revoked, by_token):
            end = Request("DELETE", f"/v1/api-keys/{one.key_id}")
            assert world.send(tenant.owner, end).status_code == 204
        path = f"/v1/api-keys/{rotated.key_id}/rotate"
        rotate = Request("POST", path, json={"overlap_hours": 0})
        assert world.send(tenant.owner, rotate).status_code == 200
    key = tenant.owner.api_key
    mixed = "_".join((*key.split("_")[:3], *world.tenants[1].owner.api_key.split("_")[3:]))
    texts = {
        "revoked key": revoked.api_key,
        "token of a revoked key": issued["access_token"],
        "text before a rotation": rotated.api_key,
        "key with another tenant's secret": mixed,
        "half a key": key[: len(key) // 2],
        "key id": tenant.owner.key_id,
        "tenant id": tenant.id,
        "two credentials": f"{key}, {world.tenants[1].owner.api_key}",
    }
    return [Actor(name, "", text, "") for name, text in texts.items()]


@pytest.mark.parametrize("route", GUARDED)
def test_what_has_ended_or_never_was_opens_nothing(
    world: World, ended: list[Actor], route: str
) -> None:
    tenant = world.tenants[0]
    with world.nothing_changes([tenant]):
        for plan in world.plans(route):
            for actor in ended:
                answer = world.ask(actor, plan, world.own_ids(plan, tenant))
                assert answer.status_code == 401, f"{actor.name} at {route}: {answer.text}"


@pytest.mark.parametrize("route", IN_A_TENANT)
def test_a_tenant_that_is_named_beside_the_credential_changes_nothing(
    world: World, route: str
) -> None:
    """Asked for what the named tenant has, the caller gets what it would get without the name."""
    tenant, other = world.tenants[0], world.tenants[1]
    with world.nothing_changes([other]):
        for plan in world.plans(route):
            ids = world.own_ids(plan, other)
            if not ids and not route.startswith("GET "):
                continue
            plain = request_of(plan, ids, tenant.owner.api_key)
            expected = answer_of(world.send(tenant.owner, plain), (*plan.recipe.differs, "name"))
            for request in naming(plain, other):
                answer = world.send(tenant.owner, request)
                assert answer_of(answer, (*plan.recipe.differs, "name")) == expected, request


@pytest.mark.parametrize("route", IN_A_TENANT)
def test_a_body_that_names_a_tenant_is_refused(world: World, route: str) -> None:
    tenant, other = world.tenants[0], world.tenants[1]
    with world.nothing_changes(world.tenants):
        for plan in world.plans(route):
            if plan.recipe.body is None or plan.recipe.file:
                continue
            request = request_of(plan, world.own_ids(plan, tenant), tenant.owner.api_key)
            named = replace(request, json={**request.json, "tenant_id": other.id})
            answer = world.send(tenant.owner, named)
            assert answer.status_code == 400, f"{route}: {answer.text}"


def naming(request: Request, tenant: Inhabited) -> list[Request]:
    headers = [replace(request, headers={name: tenant.id}) for name in TENANT_HEADERS]
    in_query = replace(request, query={**request.query, "tenant_id": tenant.id})
    return [*headers, in_query, replace(request, headers={"Cookie": f"tenant_id={tenant.id}"})]


def another_owner(world: World, tenant: Inhabited) -> Actor:
    wanted = Request("POST", "/v1/api-keys", json={"name": "another", "role": "owner"})
    key = world.send(tenant.owner, wanted).json()["key"]
    return replace(tenant.owner, credential=key, api_key=key)
