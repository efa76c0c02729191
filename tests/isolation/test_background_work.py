"""What goes on behind and beside the requests of several tenants stays with the tenant of each."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import closing
from itertools import pairwise

import pytest
import pytest_asyncio

from clientsphere.events.v1 import audit_pb2, documents_pb2
from tests.isolation.tenants import QUESTIONS, Tenant
from tests.isolation.world import World, running_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPLOADS = 4
STREAMS = 6
ID = re.compile(r"\b(?:doc|kb|key|role|tnt)_[0-9A-Za-z]+\b")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running_world(tmp_path_factory.mktemp("tenants") / "world") as world:
        await world.renew()
        await asyncio.gather(
            *(upload(world, one, number) for number in range(UPLOADS) for one in world.tenants)
        )
        await world.settle()
        yield world


async def upload(world: World, tenant: Tenant, number: int) -> None:
    files = {"file": (f"{number}.txt", f"{tenant.canary.text} is in note {number}.".encode())}
    made = await world.request(tenant, "owner", "POST", "/v1/documents", files=files)
    tenant.ids["document"].append(made.raise_for_status().json()["id"])


def owners(world: World) -> dict[str, str]:
    """Of every id that a tenant has got."""
    known = {
        one: tenant.id for tenant in world.tenants for ids in tenant.ids.values() for one in ids
    }
    return known | {tenant.id: tenant.id for tenant in world.tenants}


def rows(world: World, file: str, query: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(world.product.data_dir / file)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(query).fetchall()


class TestTheIngestionWorker:
    async def test_reads_every_tenants_documents_for_that_tenant(self, world: World) -> None:
        for tenant in world.tenants:
            body = {"question": QUESTIONS[2], "top_k": 50}
            found = await world.request(tenant, "viewer", "POST", "/v1/search", json=body)
            documents = [one["document_id"] for one in found.json()["passages"]]
            assert sorted(documents) == sorted(tenant.ids["document"])
        assert world.channels.leaks() == []

    async def test_never_embeds_texts_of_two_tenants_together(self, world: World) -> None:
        batches = [sent["input"] for sent in world.channels.model.requests if "input" in sent]
        told = [world.canaries.owners_in(json.dumps(batch)) for batch in batches]
        assert {len(owners) for owners in told if owners} == {1}
        assert len([owners for owners in told if owners]) >= UPLOADS * len(world.tenants)


class TestStreams:
    async def test_that_interleave_keep_to_their_tenants(self, world: World) -> None:
        pieces: list[str] = []

        async def stream(tenant: Tenant) -> None:
            bearer = {"Authorization": f"Bearer {tenant.credentials['viewer']}"}
            body = {"question": QUESTIONS[0], "stream": True}
            async with world.client.stream("POST", "/v1/chat", json=body, headers=bearer) as answer:
                async for line in answer.aiter_lines():
                    pieces.append(tenant.id)
                    assert world.canaries.owners_in(line) <= {tenant.id}
                    # Another stream goes on here.
                    await asyncio.sleep(0)

        await asyncio.gather(*(stream(one) for _ in range(STREAMS) for one in world.tenants))
        changes = sum(one != other for one, other in pairwise(pieces))
        assert changes > STREAMS, "they did not interleave"
        assert world.channels.leaks() == []


class TestRecords:
    async def test_hold_ids_of_their_own_tenant_only(self, world: World) -> None:
        """The outbox, its relay, the event log and the audit consumer hand them on together."""
        known = owners(world)
        events = rows(world, "events.db", "SELECT tenant_id, key, payload FROM events")
        links = rows(world, "audit.db", "SELECT * FROM audit_links")
        for row in events:
            named = ID.findall(f"{row['key']} {row['payload'].decode(errors='replace')}")
            assert {known[one] for one in named if one in known} <= {row["tenant_id"]}
        for row in links:
            named = ID.findall(" ".join(map(str, row)))
            assert {known[one] for one in named if one in known} <= {row["tenant_id"]}
        assert len(events) > len(links) > UPLOADS * len(world.tenants)

    async def test_of_documents_are_under_the_tenant_that_uploaded_them(self, world: World) -> None:
        known = owners(world)
        name = documents_pb2.DocumentUploaded.DESCRIPTOR.name
        stored = rows(world, "events.db", f"SELECT * FROM events WHERE type = '{name}'")
        for row in stored:
            uploaded = documents_pb2.DocumentUploaded.FromString(row["payload"])
            assert known[uploaded.document_id] == row["tenant_id"]
        assert len(stored) == UPLOADS * len(world.tenants)

    async def test_of_what_workers_did_name_the_same_request_as_the_upload(
        self, world: World
    ) -> None:
        """One request is one tenant's, in every record and on every line of the log."""
        tenants_of = defaultdict[str, set[str]](set)
        for row in rows(world, "events.db", "SELECT tenant_id, headers FROM events"):
            tenants_of[json.loads(row["headers"])["request_id"]].add(row["tenant_id"])
        name = audit_pb2.AuditRecorded.DESCRIPTOR.name
        query = f"SELECT tenant_id, payload FROM events WHERE type = '{name}'"
        for row in rows(world, "events.db", query):
            recorded = audit_pb2.AuditRecorded.FromString(row["payload"])
            tenants_of[recorded.request_id].add(row["tenant_id"])
        for line in world.channels.output.path.read_text().splitlines():
            told = json.loads(line)
            if "tenant" in told and "request_id" in told:
                tenants_of[told["request_id"]].add(told["tenant"])
        assert {len(tenants) for tenants in tenants_of.values()} == {1}
        assert len(tenants_of) >= UPLOADS * len(world.tenants)
