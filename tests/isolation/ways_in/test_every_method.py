"""Every gRPC method, called by everybody with their own ids, other tenants' and none of anything.

The methods and their fields come from the descriptors of the protos, who may call them from the
access table. The caller's context is signed as the gateway signs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass

from clientsphere_common.access.table import METHOD_ACCESS
from clientsphere_common.request import Caller
from tests.isolation.ways_in.actors import Actor, may
from tests.isolation.ways_in.filling import Ids, filled
from tests.isolation.ways_in.plans import Plan, Slot, plans_of_method
from tests.isolation.ways_in.recipes import KINDS
from tests.isolation.ways_in.rpc import METHODS, Backstage, RpcAnswer
from tests.isolation.ways_in.world import Inhabited, World, unknown_id


def test_the_access_table_has_every_method_of_the_protos() -> None:
    assert METHODS.keys() == METHOD_ACCESS.keys()


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_knows_whose_ids_it_is_given(
    world: World, backstage: Backstage, method: str
) -> None:
    plans = plans_of_method(method, frozenset(fields_of(METHODS[method].input_type)))
    with world.nothing_changes(world.tenants):
        for tenant, plan in product(world.tenants, plans):
            for actor in tenant.actors.values():
                if not may(actor.permissions, METHOD_ACCESS[method]):
                    keeps_out(world, backstage, plan, tenant, actor)
                else:
                    confuses_nothing(world, backstage, plan, tenant, actor)
    for tenant in world.tenants:
        with world.only_changes(tenant):
            for plan, actor in product(plans, tenant.actors.values()):
                if may(actor.permissions, METHOD_ACCESS[method]):
                    serves(world, backstage, plan, tenant, actor)


def keeps_out(
    world: World, backstage: Backstage, plan: Plan, tenant: Inhabited, actor: Actor
) -> None:
    own = world.own_ids(plan, tenant)
    answers = {
        call(backstage, plan, actor, ids) for ids in (own, *swapped(world, plan, tenant, own))
    }
    (refusal,) = answers
    assert (refusal.status, refusal.code) == ("PERMISSION_DENIED", "permission_denied")


def confuses_nothing(
    world: World, backstage: Backstage, plan: Plan, tenant: Inhabited, actor: Actor
) -> None:
    own = world.own_ids(plan, tenant)
    for slot in plan.slots:
        answers = {
            call(backstage, plan, actor, ids) for ids in swapped(world, plan, tenant, own, slot)
        }
        about = f"{actor.name} at {plan.name}, {slot.name}: {answers}"
        assert {one.status for one in answers} == {plan.recipe.unknown}, about
        assert len(answers) == 1, about


def serves(world: World, backstage: Backstage, plan: Plan, tenant: Inhabited, actor: Actor) -> None:
    ids = world.own_ids(plan, tenant)
    if METHODS[plan.name].name.startswith("Delete"):
        ids = {slot: world.make(slot.kind, tenant) for slot in plan.slots}
    answer = call(backstage, plan, actor, ids)
    assert answer.status == "OK", f"{actor.name} at {plan.name}: {answer}"
    for other in world.tenants:
        assert other is tenant or other.code_word.encode() not in b"".join(answer.messages)


def swapped(
    world: World, plan: Plan, tenant: Inhabited, own: Ids, only: Slot | None = None
) -> Iterator[Ids]:
    """One id at a time: each other tenant's, and one of nothing."""
    for slot in [only] if only else plan.slots:
        yield {**own, slot: unknown_id(slot.kind)}
        for other in world.tenants:
            if other is not tenant:
                yield {**own, slot: other.ids[slot.kind]}


def call(backstage: Backstage, plan: Plan, actor: Actor, ids: Ids) -> RpcAnswer:
    message = GetMessageClass(METHODS[plan.name].input_type)
    parts = [filled(plan.recipe.body, ids), *plan.recipe.stream]
    requests = [ParseDict(part, message()).SerializeToString() for part in parts]
    return backstage.call_as(caller_of(actor), plan.name, requests)


def caller_of(actor: Actor) -> Caller:
    """As the gateway makes it of the actor's credential."""
    return Caller(actor.tenant_id, actor.key_id, (actor.name,), permissions=actor.permissions)


def fields_of(message: Descriptor) -> Iterator[str]:
    for field in message.fields:
        yield field.name
        if field.message_type is not None:
            yield from fields_of(field.message_type)


def test_every_kind_of_thing_is_tried_in_some_method_or_route(world: World) -> None:
    routes = {
        slot.kind for route in world.operations for one in world.plans(route) for slot in one.slots
    }
    assert routes == KINDS.keys()
