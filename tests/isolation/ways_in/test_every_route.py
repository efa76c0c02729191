"""Every HTTP route, asked by everybody for their own things, for other tenants' and for nothing.

What is expected follows from the access table and from whose id it is; which ids a route takes
comes from the OpenAPI document that the product itself serves.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from clientsphere_common.access.table import ROUTE_ACCESS
from tests.isolation.ways_in.actors import Actor, Outcome, outcome
from tests.isolation.ways_in.answers import Answer, answer_of
from tests.isolation.ways_in.filling import Ids
from tests.isolation.ways_in.plans import Plan, Slot
from tests.isolation.ways_in.world import Inhabited, World, unknown_id

NOT_DESCRIBED = {"GET /docs", "GET /docs/files", "GET /openapi.json"}
"""Pages about the API, which are no part of it."""
OF_THE_PROCESS = {"GET /metrics"}
"""Where services are processes of their own, at a port that is not the API's."""
REFUSALS = {
    Outcome.FORBIDDEN: (403, b'"code": "permission_denied"'),
    Outcome.NOT_SIGNED_IN: (401, b'"code": "'),
}


def test_the_product_describes_every_route_of_the_access_table(world: World) -> None:
    assert world.operations.keys() <= ROUTE_ACCESS.keys()
    assert ROUTE_ACCESS.keys() - world.operations.keys() - OF_THE_PROCESS == NOT_DESCRIBED


@pytest.mark.parametrize("route", sorted(ROUTE_ACCESS))
def test_every_route_knows_whose_ids_it_is_given(world: World, route: str) -> None:
    plans = world.plans(route)
    with world.nothing_changes(world.tenants):
        for tenant, plan in product(world.tenants, plans):
            for actor in kept_out(world, plan, tenant):
                keeps_out(world, plan, tenant, actor)
            for actor in let_in(world, plan, tenant):
                confuses_nothing(world, plan, tenant, actor)
                if is_reading(route):
                    serves(world, plan, tenant, actor)
    for tenant in [] if is_reading(route) else world.tenants:
        with world.only_changes(tenant):
            for plan in plans:
                for actor in let_in(world, plan, tenant):
                    serves(world, plan, tenant, actor)


def test_afterwards_everybody_finds_their_own_and_nothing_else(world: World) -> None:
    for tenant in world.tenants:
        for asked in world.tenants:
            found = " ".join(world.found_by(tenant.owner, asked.code_word))
            assert (asked.code_word in found) is (asked is tenant)


def test_afterwards_no_trail_names_people_of_other_tenants(world: World) -> None:
    for tenant in world.tenants:
        seen = world.people_in_trail(tenant)
        assert seen >= {tenant.owner.key_id}
        for other in world.tenants:
            people = {actor.key_id for actor in other.actors.values()}
            assert other is tenant or seen.isdisjoint(people)


def is_reading(route: str) -> bool:
    return route.startswith("GET ")


def keeps_out(world: World, plan: Plan, tenant: Inhabited, actor: Actor) -> None:
    own = world.own_ids(plan, tenant)
    refusals = {ask(world, plan, actor, ids) for ids in (own, *swapped(world, plan, tenant, own))}
    status, code = REFUSALS[outcome(ROUTE_ACCESS[plan.name], actor)]
    about = f"{actor.name} at {plan.name}: {refusals}"
    assert len(refusals) == 1, about
    assert all(one.status == status and code in one.body for one in refusals), about


def confuses_nothing(world: World, plan: Plan, tenant: Inhabited, actor: Actor) -> None:
    own = world.own_ids(plan, tenant)
    for slot in plan.slots:
        unknown = ask(world, plan, actor, own | {slot: unknown_id(slot.kind)})
        about = f"{actor.name} at {plan.name}, {slot.place} {slot.name}"
        assert unknown.status == plan.recipe.unknown, f"{about}: {unknown}"
        if is_for_any_tenant(actor, plan, slot):
            continue
        for other in world.tenants:
            if other is not tenant:
                foreign = ask(world, plan, actor, own | {slot: other.ids[slot.kind]})
                assert foreign == unknown, f"{about} of another tenant"


def serves(world: World, plan: Plan, tenant: Inhabited, actor: Actor) -> None:
    ids = world.own_ids(plan, tenant, fresh=not is_reading(plan.name))
    answer = world.ask(actor, plan, ids)
    operation = world.operations.get(plan.name)
    # Of a page the files are not known: that anybody may ask is all there is to say.
    successes = operation.successes if operation else {200, 404}
    expected = successes | plan.recipe.or_answers
    assert answer.status_code in expected, f"{actor.name} at {plan.name}: {answer.text}"
    for other in world.tenants:
        if other is not tenant:
            assert other.code_word not in answer.text


def kept_out(world: World, plan: Plan, tenant: Inhabited) -> list[Actor]:
    access = ROUTE_ACCESS[plan.name]
    actors = (*tenant.actors.values(), *world.outsiders)
    return [one for one in actors if outcome(access, one) is not Outcome.LET_IN]


def let_in(world: World, plan: Plan, tenant: Inhabited) -> list[Actor]:
    access = ROUTE_ACCESS[plan.name]
    # Who has no key cannot show one where the key is what a request is about.
    outsiders = () if plan.needs_key else world.outsiders
    actors = (*tenant.actors.values(), *outsiders)
    return [one for one in actors if outcome(access, one) is Outcome.LET_IN]


def swapped(world: World, plan: Plan, tenant: Inhabited, own: Ids) -> Iterator[Ids]:
    """One id at a time: each other tenant's, and one of nothing."""
    for slot in plan.slots:
        yield {**own, slot: unknown_id(slot.kind)}
        for other in world.tenants:
            if other is not tenant:
                yield {**own, slot: other.ids[slot.kind]}


def is_for_any_tenant(actor: Actor, plan: Plan, slot: Slot) -> bool:
    """The operator names the tenant it acts for, and may name any; things in it must be its own."""
    return actor.is_operator and slot.kind == "tenant" and len(plan.slots) == 1


def ask(world: World, plan: Plan, actor: Actor, ids: Ids) -> Answer:
    return answer_of(world.ask(actor, plan, ids), plan.recipe.differs)
