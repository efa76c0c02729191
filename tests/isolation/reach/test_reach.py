"""No code of the product reaches vectors, rows, objects or cached values past their tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.isolation.reach import stores, tables, vectors
from tests.isolation.reach.reading import Code, Finding, product, source_of

Rule = Callable[[Code], Iterator[Finding]]
RULES: tuple[Rule, ...] = (*vectors.RULES, *tables.RULES, *stores.RULES)
SERVER = "clientsphere_common.vectors.qdrant_server"
SHARD = "clientsphere_common.vectors.edge.shard"
REMOTE = "clientsphere_common.vectors.remote.translation"
DOCUMENTS = "ingestion.adapters.sql_documents"
ROLES = "gateway.adapters.sql_roles"
UPLOAD = "ingestion.upload"
QUESTIONS = "retrieval.question_vectors"


@dataclass(frozen=True)
class Violation:
    """What somebody might write: in `module`, `written` in the place of `instead_of`."""

    rule: Rule
    module: str
    instead_of: str
    written: str
    """With nothing to stand instead of, it goes to the end of the module."""


CLIENT_ALONE = vectors.engines_are_imported_by_their_adapters_alone
PORT_ALONE = vectors.adapters_are_opened_by_the_assembly_alone
ONE_FILTER = vectors.conditions_are_made_by_the_tenant_filter_alone
OVER_ALL = vectors.conditions_over_all_tenants_are_listed
BY_FILTER = vectors.points_are_touched_by_a_filter_alone
WHOSE_POINT = vectors.points_carry_the_tenant_in_id_and_payload
ENGINES = tables.engines_and_sessions_are_made_by_the_database_alone
MAPPED = tables.statements_name_mapped_classes
AROUND = tables.sessions_are_not_gone_around
ALL_TENANTS = tables.who_sees_all_tenants_is_listed
SCOPED = tables.every_table_belongs_to_tenants
KEYS = stores.objects_are_stored_under_keys_of_their_tenant
LISTS = stores.objects_of_all_tenants_are_listed_by_the_sweep_alone
STORES = stores.object_stores_are_opened_by_the_assembly_alone
CACHED = stores.caches_are_keyed_by_tenant
MEMORY = stores.functions_remember_nothing

VIOLATIONS = (
    Violation(CLIENT_ALONE, DOCUMENTS, "", "import qdrant_client"),
    Violation(CLIENT_ALONE, DOCUMENTS, "", "from qdrant_edge import EdgeShard"),
    Violation(CLIENT_ALONE, UPLOAD, "", "def f():\n    from qdrant_client import models"),
    Violation(PORT_ALONE, UPLOAD, "", f"from {SERVER} import QdrantServerIndex"),
    Violation(PORT_ALONE, UPLOAD, "", f"import {SHARD}"),
    Violation(ONE_FILTER, SERVER, "_remove(chosen)", "_remove((IsOneOf(Field.VERSION, ()),))"),
    Violation(ONE_FILTER, SERVER, "_remove(chosen)", "_remove(())"),
    Violation(ONE_FILTER, SHARD, "to_filter(conditions)))", "Filter(must=[])))"),
    Violation(ONE_FILTER, SERVER, "to_filter(conditions)", "models.Filter(must=[])"),
    Violation(OVER_ALL, SHARD, "= told_before(conditions,", "= from_before_readers(conditions,"),
    Violation(BY_FILTER, SERVER, "to_filter(conditions)", "None"),
    Violation(BY_FILTER, SERVER, "to_filter(conditions)", "models.PointIdsList(points=ids)"),
    Violation(BY_FILTER, SERVER, "query_filter=allowed,", ""),
    Violation(BY_FILTER, SERVER, "query, allowed,", "query, None,"),
    Violation(BY_FILTER, SERVER, "to_filter(searchable(", "to_filter(_of("),
    Violation(BY_FILTER, SERVER, "client.count(", "client.scroll("),
    Violation(BY_FILTER, SERVER, "client.query_points(", "client.retrieve("),
    Violation(BY_FILTER, SERVER, "client.query_points(", "client.recommend("),
    Violation(BY_FILTER, REMOTE, "filter=allowed,", ""),
    Violation(BY_FILTER, REMOTE, "corpus=allowed", "corpus=None"),
    Violation(BY_FILTER, SHARD, "filter=allowed,\n                limit", "limit"),
    Violation(BY_FILTER, SHARD, "CountRequest(filter=to_filter(conditions), ", "CountRequest("),
    Violation(BY_FILTER, SHARD, "VectorName.BM25), allowed,", "VectorName.BM25), None,"),
    Violation(BY_FILTER, SHARD, "delete_points_by_filter(", "delete_points("),
    Violation(BY_FILTER, SHARD, "self._shard.query(", "self._shard.retrieve("),
    Violation(BY_FILTER, SHARD, "filter=allowed, params", "params"),
    Violation(BY_FILTER, SHARD, "IdfParams(corpus=allowed)", "IdfParams()"),
    Violation(WHOSE_POINT, SHARD, "point_id(tenant, chunk)", "str(uuid4())"),
    Violation(WHOSE_POINT, SHARD, "to_payload(tenant, chunk)", "{}"),
    Violation(WHOSE_POINT, REMOTE, "point_id(tenant, chunk)", "point_id(chunk.tenant, chunk)"),
    Violation(WHOSE_POINT, REMOTE, "payload=to_payload(tenant, chunk)", "payload=chunk.payload"),
    Violation(ENGINES, DOCUMENTS, "", "session = AsyncSession(engine)"),
    Violation(ENGINES, DOCUMENTS, "", "engine = create_async_engine(url)"),
    Violation(ENGINES, DOCUMENTS, "", "import sqlite3"),
    Violation(ENGINES, UPLOAD, "", "from psycopg import connect"),
    Violation(MAPPED, DOCUMENTS, "", "from sqlalchemy import text"),
    Violation(MAPPED, DOCUMENTS, "", "import sqlalchemy"),
    Violation(MAPPED, DOCUMENTS, "", "from sqlalchemy.sql.expression import table"),
    Violation(MAPPED, DOCUMENTS, "", "from sqlalchemy import insert"),
    Violation(MAPPED, DOCUMENTS, "", "query = select(DocumentRow.__table__)"),
    Violation(AROUND, DOCUMENTS, "", "found = session.connection()"),
    Violation(AROUND, DOCUMENTS, "", "found = select(DocumentRow).from_statement(query)"),
    Violation(ALL_TENANTS, ROLES, "snapshot(tenant_id)", "system_snapshot()"),
    Violation(ALL_TENANTS, DOCUMENTS, "transaction(caller.tenant_id)", "system_transaction()"),
    Violation(
        SCOPED, "ingestion.adapters.tables", "", "class Note(Base):\n    __tablename__ = 'notes'"
    ),
    Violation(SCOPED, "audit.adapters.tables", "HeadRow(TenantScoped, Base)", "HeadRow(Base)"),
    Violation(KEYS, UPLOAD, 'tenant_key(caller.tenant_id, new_id("obj"))', 'new_id("obj")'),
    Violation(KEYS, UPLOAD, "self._objects.put(key,", "self._objects.put(target.name,"),
    Violation(
        KEYS, "ingestion.extraction", 'f"{version}.text")', 'version) if job else f"{version}.text"'
    ),
    Violation(LISTS, UPLOAD, "", "async def f(self):\n    return self._objects.entries('')"),
    Violation(STORES, UPLOAD, "", "from clientsphere_common.objects.s3 import S3ObjectStore"),
    Violation(STORES, UPLOAD, "", "import obstore"),
    Violation(CACHED, QUESTIONS, "CacheKey(tenant_id,", 'CacheKey("everybody",'),
    Violation(CACHED, QUESTIONS, "", "from clientsphere_common.redis.server import RedisServer"),
    Violation(CACHED, QUESTIONS, "", "import redis"),
    Violation(MEMORY, QUESTIONS, "", "from functools import lru_cache"),
)


@pytest.fixture(scope="module")
def code() -> list[Code]:
    return product()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_product_keeps_the_rule(code: list[Code], rule: Rule) -> None:
    findings = [str(finding) for module in code for finding in rule(module)]
    assert findings == []


@pytest.mark.parametrize(
    "violation", VIOLATIONS, ids=lambda one: f"{one.rule.__name__}: {one.written}"
)
def test_a_violation_is_found(violation: Violation) -> None:
    text = source_of(violation.module)
    if violation.instead_of:
        assert violation.instead_of in text, "the code has changed: seed the violation elsewhere"
        seeded = text.replace(violation.instead_of, violation.written)
    else:
        seeded = f"{text}\n{violation.written}\n"
    assert list(violation.rule(Code.of(violation.module, seeded)))


def test_every_rule_has_a_violation_that_it_finds() -> None:
    assert {one.rule for one in VIOLATIONS} == set(RULES)


@pytest.mark.parametrize(
    ("reasons", "rule"),
    [
        (vectors.OVER_ALL_TENANTS, OVER_ALL),
        (tables.SYSTEM_SESSIONS, ALL_TENANTS),
        (tables.TABLES_OF_NO_TENANT, SCOPED),
        (tables.TEXT_IN_SERVICES, MAPPED),
        (tables.SESSIONS_OF_OTHER_KINDS, ENGINES),
        (stores.LISTERS, LISTS),
        (stores.MEMORIES, MEMORY),
        (stores.REDIS_USERS, CACHED),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_every_exception_is_still_needed(
    code: list[Code], reasons: dict[str, str], rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, the rule finds something just there."""
    for place in list(reasons):
        monkeypatch.delitem(reasons, place)
        there = [module for module in code if f"{place}.".startswith(f"{module.module}.")]
        assert [one for module in there for one in rule(module)], place
        monkeypatch.undo()
