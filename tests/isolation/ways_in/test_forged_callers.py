"""The services behind the gateway believe nobody who cannot sign as one of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass

from clientsphere.common.v1 import context_pb2
from clientsphere.ingestion.v1 import document_pb2, knowledge_base_pb2
from clientsphere_common.caller_context import CallerSigner
from clientsphere_common.request import Caller
from clientsphere_common.rpc.metadata import CONTEXT_KEY, Metadata
from tests.isolation.ways_in.actors import Actor
from tests.isolation.ways_in.filling import filled
from tests.isolation.ways_in.plans import slots_of_body
from tests.isolation.ways_in.recipes import METHODS as RECIPES
from tests.isolation.ways_in.rpc import METHODS, Backstage
from tests.isolation.ways_in.world import World

GET_DOCUMENT = "/clientsphere.ingestion.v1.IngestionService/GetDocument"
LIST_KNOWLEDGE_BASES = "/clientsphere.ingestion.v1.IngestionService/ListKnowledgeBases"
HEAD = "/clientsphere.audit.v1.AuditService/GetHead"

Forge = Callable[[Backstage, Caller, Caller], Metadata]
"""Of the services' own keys, the caller that is meant, and another tenant's genuine caller."""


def caller_of(actor: Actor) -> Caller:
    return Caller(actor.tenant_id, actor.key_id, (actor.name,), permissions=actor.permissions)


def signed(context: bytes) -> context_pb2.SignedContext:
    return context_pb2.SignedContext.FromString(context)


def unsigned(_: Backstage, meant: Caller, __: Caller) -> Metadata:
    genuine = signed(CallerSigner("gateway", Ed25519PrivateKey.generate()).sign(meant))
    return with_context(replaced(genuine, signature=b""))


def without_context(_: Backstage, __: Caller, ___: Caller) -> Metadata:
    return ()


def named_in_plain_metadata(_: Backstage, meant: Caller, __: Caller) -> Metadata:
    return (("tenant-id", meant.tenant_id), ("x-tenant-id", meant.tenant_id))


def of_a_key_that_nobody_knows(_: Backstage, meant: Caller, __: Caller) -> Metadata:
    return ((CONTEXT_KEY, CallerSigner("gateway", Ed25519PrivateKey.generate()).sign(meant)),)


def of_an_issuer_that_nobody_knows(_: Backstage, meant: Caller, __: Caller) -> Metadata:
    return ((CONTEXT_KEY, CallerSigner("intruder", Ed25519PrivateKey.generate()).sign(meant)),)


def of_another_services_key(backstage: Backstage, meant: Caller, _: Caller) -> Metadata:
    """What ingestion signs under the name of the gateway."""
    payload = with_payload(signed(backstage.signers["gateway"].sign(meant)))
    payload.issuer = "gateway"
    as_ingestion = backstage.signers["ingestion"]
    forged = context_pb2.SignedContext(
        payload=payload.SerializeToString(),
        signature=as_ingestion._key.sign(payload.SerializeToString()),
    )
    return with_context(forged)


def under_another_services_name(backstage: Backstage, meant: Caller, _: Caller) -> Metadata:
    """What the gateway signed, said to be of retrieval."""
    genuine = signed(backstage.signers["gateway"].sign(meant))
    payload = with_payload(genuine)
    payload.issuer = "retrieval"
    return with_context(replaced(genuine, payload=payload.SerializeToString()))


def with_another_tenant_after_signing(_b: Backstage, meant: Caller, genuine: Caller) -> Metadata:
    context = signed(_b.signers["gateway"].sign(genuine))
    payload = with_payload(context)
    payload.tenant_id = meant.tenant_id
    return with_context(replaced(context, payload=payload.SerializeToString()))


def with_a_tenant_appended_after_signing(_b: Backstage, meant: Caller, genuine: Caller) -> Metadata:
    """Protobuf lets the last value of a field win."""
    context = signed(_b.signers["gateway"].sign(genuine))
    more = context_pb2.CallerContext(tenant_id=meant.tenant_id).SerializeToString()
    return with_context(replaced(context, payload=context.payload + more))


def with_more_permissions_after_signing(_b: Backstage, meant: Caller, _: Caller) -> Metadata:
    context = signed(_b.signers["gateway"].sign(replace(meant, permissions=frozenset())))
    payload = with_payload(context)
    payload.permissions.append("documents:read")
    return with_context(replaced(context, payload=payload.SerializeToString()))


def expired(backstage: Backstage, meant: Caller, _: Caller) -> Metadata:
    gateways = backstage.signers["gateway"]._key
    long_ago = CallerSigner("gateway", gateways, lambda: time.time() - 61)
    return ((CONTEXT_KEY, long_ago.sign(meant)),)


def before_a_genuine_one(backstage: Backstage, meant: Caller, genuine: Caller) -> Metadata:
    forged = of_a_key_that_nobody_knows(backstage, meant, genuine)
    return (*forged, (CONTEXT_KEY, backstage.signers["gateway"].sign(genuine)))


FORGERIES: tuple[Forge, ...] = (
    unsigned,
    without_context,
    named_in_plain_metadata,
    of_a_key_that_nobody_knows,
    of_an_issuer_that_nobody_knows,
    of_another_services_key,
    under_another_services_name,
    with_another_tenant_after_signing,
    with_a_tenant_appended_after_signing,
    with_more_permissions_after_signing,
    expired,
    before_a_genuine_one,
)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_forged_context_opens_no_method(world: World, backstage: Backstage, method: str) -> None:
    tenant, other = world.tenants[0], world.tenants[1]
    recipe = RECIPES[method][0]
    ids = {slot: tenant.ids[slot.kind] for slot in slots_of_body(recipe.body)}
    message = GetMessageClass(METHODS[method].input_type)
    parts = [filled(recipe.body, ids), *recipe.stream]
    requests = [ParseDict(part, message()).SerializeToString() for part in parts]
    with world.nothing_changes(world.tenants):
        for forge in FORGERIES:
            forged = forge(backstage, caller_of(tenant.owner), caller_of(other.owner))
            answer = backstage.call(method, requests, forged)
            assert answer.status == "UNAUTHENTICATED", f"{forge.__name__}: {answer}"
            assert answer.messages == ()


class TestAGenuineContext:
    def test_followed_by_a_forged_one_stays_what_it_is(
        self, world: World, backstage: Backstage
    ) -> None:
        meant, genuine = caller_of(world.tenants[0].owner), caller_of(world.tenants[1].owner)
        context = (CONTEXT_KEY, backstage.signers["gateway"].sign(genuine))
        forged = of_a_key_that_nobody_knows(backstage, meant, genuine)
        answer = backstage.call(LIST_KNOWLEDGE_BASES, [b""], (context, *forged))
        listed = knowledge_base_pb2.ListKnowledgeBasesResponse.FromString(answer.messages[0])
        ids = {one.id for one in listed.knowledge_bases}
        assert world.tenants[1].ids["knowledge base"] in ids
        assert world.tenants[0].ids["knowledge base"] not in ids

    def test_beside_another_tenants_name_stays_what_it_is(
        self, world: World, backstage: Backstage
    ) -> None:
        meant, genuine = caller_of(world.tenants[0].owner), caller_of(world.tenants[1].owner)
        context = (CONTEXT_KEY, backstage.signers["gateway"].sign(genuine))
        named = named_in_plain_metadata(backstage, meant, genuine)
        wanted = document_pb2.GetDocumentRequest(document_id=world.tenants[0].ids["document"])
        answer = backstage.call(GET_DOCUMENT, [wanted.SerializeToString()], (context, *named))
        assert answer.status == "NOT_FOUND"

    def test_replayed_to_another_service_is_for_the_same_tenant_there(
        self, world: World, backstage: Backstage
    ) -> None:
        """It is no secret between services: whoever holds it acts for its tenant, for a minute."""
        heads = [
            backstage.call(HEAD, [b""], ((CONTEXT_KEY, context),))
            for tenant in world.tenants[:2]
            for context in [backstage.signers["gateway"].sign(caller_of(tenant.owner))]
            if backstage.call(LIST_KNOWLEDGE_BASES, [b""], ((CONTEXT_KEY, context),)).status == "OK"
        ]
        assert len(set(heads)) == 2
        assert {one.status for one in heads} == {"OK"}


def with_payload(context: context_pb2.SignedContext) -> context_pb2.CallerContext:
    return context_pb2.CallerContext.FromString(context.payload)


def replaced(
    context: context_pb2.SignedContext,
    *,
    payload: bytes | None = None,
    signature: bytes | None = None,
) -> context_pb2.SignedContext:
    return context_pb2.SignedContext(
        payload=context.payload if payload is None else payload,
        signature=context.signature if signature is None else signature,
    )


def with_context(context: context_pb2.SignedContext) -> Metadata:
    return ((CONTEXT_KEY, context.SerializeToString()),)
