"""The index is reached through its adapters alone, and they touch only what a filter names.

Conditions are made in `tenant_filter`, engine filters by `to_filter` of conditions: everything of
those types comes from there, and the type checker sees to it that nothing else stands in for them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.isolation.reach.reading import (
    Code,
    Finding,
    Reasons,
    annotation_of,
    argument,
    bound_to,
    last_name,
)

_VECTORS = "clientsphere_common.vectors"
ADAPTERS = frozenset(
    f"{_VECTORS}.{name}"
    for name in (
        "bm25",
        "edge.shard",
        "edge.translation",
        "qdrant_server",
        "remote.client",
        "remote.collection",
        "remote.translation",
    )
)
_ENGINES = ("qdrant_client", "qdrant_edge")
_CONDITION_TYPES = {"IsOneOf", "IsWithin", "IsBelow"}
_OVER_ALL_TENANTS = "from_before_readers"
_MAKERS_OF_CONDITIONS = {"searchable", "stored", "held", "told_before", _OVER_ALL_TENANTS}
_CONDITIONS, _FILTERS = {"Conditions"}, {"Filter", "models.Filter"}

OVER_ALL_TENANTS: Reasons = {
    f"{_VECTORS}.edge.shard.PassageShard._make_field_indexes": (
        "tells old points, all alike, that everyone of their tenant reads them"
    ),
    f"{_VECTORS}.remote.collection._upgrade": "the same",
}

# Of the clients, what touches no points, and what touches those that a filter names.
_ADMINISTRATION = {
    "client": {
        *("close", "info", "get_collection", "create_collection", "create_payload_index"),
        *("update_collection_aliases", "create_snapshot"),
    },
    "shard": {"update", "flush", "optimize", "info", "close"},
    "UpdateOperation": {"create_field_index", "upsert_points"},
    "EdgeShard": {"load", "create"},
}
_TAKES_FILTER: dict[str, tuple[int, str]] = {
    "query_points": (-1, "query_filter"),
    "count": (1, "count_filter"),
    "set_payload": (2, "points"),
    "delete": (1, "points_selector"),
    "QueryRequest": (-1, "filter"),
    "CountRequest": (-1, "filter"),
    "Prefetch": (-1, "filter"),
    "IdfParams": (-1, "corpus"),
    "IdfCorpusParams": (-1, "corpus"),
    "set_payload_by_filter": (0, "filter"),
    "delete_points_by_filter": (0, "filter"),
    "_prefetch": (1, "allowed"),
    "to_rankings": (1, "allowed"),
}
_CLIENT_READS_AND_WRITES = {"query_points", "count", "set_payload", "delete", "upsert"}


def engines_are_imported_by_their_adapters_alone(code: Code) -> Iterator[Finding]:
    for node, name in code.imports():
        if name.startswith(_ENGINES) and code.module not in ADAPTERS:
            yield Finding(code.module, node.lineno, f"imports {name}, which only adapters may")


def adapters_are_opened_by_the_assembly_alone(code: Code) -> Iterator[Finding]:
    for node, name in code.imports():
        is_adapter = name.startswith(
            (f"{_VECTORS}.qdrant_", f"{_VECTORS}.edge.", f"{_VECTORS}.remote.")
        )
        if is_adapter and not code.module.startswith(f"{_VECTORS}."):
            yield Finding(code.module, node.lineno, f"imports {name}: ask open_index for the port")


def conditions_are_made_by_the_tenant_filter_alone(code: Code) -> Iterator[Finding]:
    is_adapter = code.module in ADAPTERS or code.module == f"{_VECTORS}.qdrant_edge"
    for call, name in code.calls():
        if name in _CONDITION_TYPES and code.module != f"{_VECTORS}.tenant_filter":
            yield Finding(code.module, call.lineno, f"makes a condition of its own: {name}")
        if is_adapter and any(isinstance(one, ast.Tuple) and not one.elts for one in call.args):
            yield Finding(code.module, call.lineno, f"passes no conditions at all to {name}")
    for name, function in code.functions():
        for call in _calls_in(function):
            is_filter = last_name(call.func) in {"Filter", "HasIdCondition", "PointIdsList"}
            if is_filter and code.module in ADAPTERS and name != "to_filter":
                yield Finding(code.module, call.lineno, f"{name} makes a filter of its own")


def conditions_over_all_tenants_are_listed(code: Code) -> Iterator[Finding]:
    for name, function in code.functions():
        for call in _calls_in(function):
            is_over_all = last_name(call.func) == _OVER_ALL_TENANTS
            if is_over_all and f"{code.module}.{name}" not in OVER_ALL_TENANTS:
                yield Finding(code.module, call.lineno, f"{name} touches points of all tenants")


def points_are_touched_by_a_filter_alone(code: Code) -> Iterator[Finding]:
    if code.module not in ADAPTERS:
        return
    for name, function in code.functions():
        for call in _calls_in(function):
            yield from _unknown_call(code, name, call)
            yield from _unfiltered_call(code, name, function, call)


def points_carry_the_tenant_in_id_and_payload(code: Code) -> Iterator[Finding]:
    if code.module not in ADAPTERS:
        return
    for name, function in code.functions():
        for call in _calls_in(function):
            if last_name(call.func) in {"Point", "PointStruct"}:
                parts = (argument(call, 0, "id"), argument(call, 2, "payload"))
                for part, maker in zip(parts, ("point_id", "to_payload"), strict=True):
                    if not _is_made_for_tenant(part, maker, function):
                        what = f"{name} makes a point without {maker} of its Tenant"
                        yield Finding(code.module, call.lineno, what)


def _is_made_for_tenant(
    part: ast.expr | None, maker: str, function: ast.FunctionDef | ast.AsyncFunctionDef
) -> bool:
    if not isinstance(part, ast.Call) or last_name(part.func) != maker:
        return False
    tenant = part.args[0]
    return isinstance(tenant, ast.Name) and annotation_of(function, tenant.id) == "Tenant"


def _unknown_call(code: Code, name: str, call: ast.Call) -> Iterator[Finding]:
    """A method of an engine that nobody has thought about, such as one that takes ids."""
    if not isinstance(call.func, ast.Attribute):
        return
    owner = last_name(call.func.value).removeprefix("_")
    if owner not in _ADMINISTRATION:
        return
    filtered = _CLIENT_READS_AND_WRITES if owner == "client" else {"query", "count"}
    if owner == "UpdateOperation":
        filtered = {"set_payload_by_filter", "delete_points_by_filter"}
    if call.func.attr not in _ADMINISTRATION[owner] | filtered:
        yield Finding(code.module, call.lineno, f"{name} calls {owner}.{call.func.attr}")


def _unfiltered_call(
    code: Code, name: str, function: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.Call
) -> Iterator[Finding]:
    called = last_name(call.func)
    if called == "to_filter":
        conditions = argument(call, 0, "conditions")
        if not _comes_from(conditions, function, _MAKERS_OF_CONDITIONS, _CONDITIONS):
            yield Finding(code.module, call.lineno, f"{name}: conditions of unknown origin")
    owner = last_name(getattr(call.func, "value", call)).removeprefix("_")
    if called not in _TAKES_FILTER or owner in {"self", "shard"}:
        return
    position, keyword = _TAKES_FILTER[called]
    passed = argument(call, position if position >= 0 else len(call.args), keyword)
    if not _comes_from(passed, function, {"to_filter"}, _FILTERS):
        yield Finding(code.module, call.lineno, f"{name}: {called} without a filter of the tenant")


def _comes_from(
    value: ast.expr | None,
    function: ast.FunctionDef | ast.AsyncFunctionDef,
    makers: set[str],
    types: set[str],
) -> bool:
    if isinstance(value, ast.Call):
        return last_name(value.func) in makers
    if not isinstance(value, ast.Name):
        return False
    assigned = bound_to(function, value.id)
    if annotation_of(function, value.id) in types:
        return not assigned
    return bool(assigned) and all(_comes_from(one, function, makers, types) for one in assigned)


def _calls_in(function: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            yield node


RULES = (
    engines_are_imported_by_their_adapters_alone,
    adapters_are_opened_by_the_assembly_alone,
    conditions_are_made_by_the_tenant_filter_alone,
    conditions_over_all_tenants_are_listed,
    points_are_touched_by_a_filter_alone,
    points_carry_the_tenant_in_id_and_payload,
)
