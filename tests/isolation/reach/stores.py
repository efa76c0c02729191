"""Objects and cached values have names that begin with their tenant, made in one place each."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.isolation.reach.reading import (
    Code,
    Finding,
    Reasons,
    argument,
    bound_to,
    last_name,
)

_OBJECTS = "clientsphere_common.objects"
_CACHE = "clientsphere_common.cache"
_MEMORIES = {"lru_cache", "cache", "alru_cache", "cachedmethod"}

MEMORIES: Reasons = {
    "clientsphere_common.rate_limits.fallback": "shares of a limit, which follow from its numbers",
    "llm_proxy.extraction.words": "stems of words, which follow from the word alone",
}
REDIS_USERS: Reasons = {
    "clientsphere_common.cache.assembly": "behind CacheKey",
    "clientsphere_common.cache.redis": "behind CacheKey",
    "clientsphere_common.rate_limits.assembly": "counts, and holds nothing that was written",
    "clientsphere_common.rate_limits.redis": "counts, and holds nothing that was written",
    "clientsphere_common.rate_limits.redis_holds": "counts, and holds nothing that was written",
}
LISTERS: Reasons = {
    "ingestion.removal.OrphanSweep.sweep": "removes what belongs to nobody, of all tenants",
}


def objects_are_stored_under_keys_of_their_tenant(code: Code) -> Iterator[Finding]:
    if code.module.startswith(f"{_OBJECTS}."):
        return
    for name, function in code.functions():
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and _is_call_of_objects(call, "put"):
                key = argument(call, 0, "key")
                if not _is_tenant_key(key, function):
                    yield Finding(code.module, call.lineno, f"{name} makes a key of its own")


def objects_of_all_tenants_are_listed_by_the_sweep_alone(code: Code) -> Iterator[Finding]:
    for name, function in code.functions():
        for call in ast.walk(function):
            is_listing = isinstance(call, ast.Call) and _is_call_of_objects(call, "entries")
            if is_listing and f"{code.module}.{name}" not in LISTERS:
                yield Finding(code.module, function.lineno, f"{name} lists objects")


def object_stores_are_opened_by_the_assembly_alone(code: Code) -> Iterator[Finding]:
    for node, name in code.imports():
        is_store = name.startswith(
            tuple(f"{_OBJECTS}.{one}" for one in ("s3", "directory", "encrypted"))
        )
        is_client = name.split(".")[0] in {"obstore", "boto3", "botocore"}
        if (is_store or is_client) and not code.module.startswith(f"{_OBJECTS}."):
            yield Finding(code.module, node.lineno, f"imports {name}: ask open_objects")


def caches_are_keyed_by_tenant(code: Code) -> Iterator[Finding]:
    for call, name in code.calls():
        if name == "CacheKey" and last_name(call.args[0]) != "tenant_id":
            yield Finding(code.module, call.lineno, "makes a cache key without a tenant_id")
    for node, name in code.imports():
        of_redis = name.startswith(("redis.", "clientsphere_common.redis.server"))
        if name == "redis" or of_redis or name.startswith("clientsphere_common.redis.assembly"):
            is_itself = code.module.startswith("clientsphere_common.redis.")
            if not is_itself and code.module not in REDIS_USERS:
                yield Finding(code.module, node.lineno, f"imports {name}: use the Cache port")


def functions_remember_nothing(code: Code) -> Iterator[Finding]:
    for node, name in code.imports():
        module, _, imported = name.rpartition(".")
        is_memory = module in {"functools", "cachetools", "async_lru"} and imported in _MEMORIES
        if is_memory and code.module not in MEMORIES:
            yield Finding(code.module, node.lineno, f"remembers for all tenants: {imported}")


def _is_call_of_objects(call: ast.Call, method: str) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr != method:
        return False
    return last_name(call.func.value).removeprefix("_") in {"objects", "store", "object_store"}


def _is_tenant_key(key: ast.expr | None, function: ast.AST) -> bool:
    if isinstance(key, ast.Call):
        return last_name(key.func) == "tenant_key"
    if not isinstance(key, ast.Name):
        return False
    assigned = bound_to(function, key.id)
    return bool(assigned) and all(_is_tenant_key(one, function) for one in assigned)


RULES = (
    objects_are_stored_under_keys_of_their_tenant,
    objects_of_all_tenants_are_listed_by_the_sweep_alone,
    object_stores_are_opened_by_the_assembly_alone,
    caches_are_keyed_by_tenant,
    functions_remember_nothing,
)
