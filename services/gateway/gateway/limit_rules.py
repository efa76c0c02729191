"""The limits that there are, what each is unless somebody says otherwise, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from annotated_types import Ge, Le

from clientsphere_common.rate_limits.model import ConcurrencyLimit, Limit, RateLimit


class RouteClass(StrEnum):
    """What a route costs, and what an attacker would want of it."""

    OPEN = "open"
    """Health, metrics, public keys: counted by address, in each process alone."""
    READ = "read"
    WRITE = "write"
    SEARCH = "search"
    ASK = "ask"
    LOGIN = "login"
    KEYS = "keys"
    """The creation of credentials."""
    ADMIN = "admin"


STRICT_CLASSES = frozenset({RouteClass.LOGIN, RouteClass.KEYS, RouteClass.ADMIN})
"""Refused while the shared count is out of reach."""


class LimitName(StrEnum):
    ADDRESS = "address"
    TENANT = "tenant"
    PRINCIPAL = "principal"
    CONCURRENT = "concurrent"
    TOKENS = "tokens"
    READ = "read"
    WRITE = "write"
    SEARCH = "search"
    ASK = "ask"
    LOGIN = "login"
    KEYS = "keys"
    ADMIN = "admin"


OF_STRANGERS = frozenset({LimitName.ADDRESS, LimitName.LOGIN, LimitName.ADMIN})
"""Counted before anybody knows the tenant, so that it cannot have one of its own."""

_MOST = 1_000_000_000


@dataclass(frozen=True)
class LimitRule:
    per_minute: Annotated[int, Ge(1), Le(_MOST)]
    """For `concurrent` it says nothing."""
    burst: Annotated[int, Ge(1), Le(_MOST)]
    shadow: bool = False

    def limit(self, name: LimitName) -> Limit:
        if name is LimitName.CONCURRENT:
            return ConcurrencyLimit(name.value, self.burst, self.shadow)
        return RateLimit(name.value, self.per_minute, self.burst, self.shadow)


LimitRules = Mapping[LimitName, LimitRule]

DEFAULT_RULES: LimitRules = {
    LimitName.ADDRESS: LimitRule(12_000, 1_200),
    LimitName.TENANT: LimitRule(6_000, 600),
    LimitName.PRINCIPAL: LimitRule(3_000, 300),
    LimitName.CONCURRENT: LimitRule(1, 100),
    LimitName.TOKENS: LimitRule(1_000_000, 500_000),
    LimitName.READ: LimitRule(6_000, 600),
    LimitName.WRITE: LimitRule(3_000, 300),
    LimitName.SEARCH: LimitRule(3_000, 300),
    LimitName.ASK: LimitRule(3_000, 300),
    LimitName.LOGIN: LimitRule(300, 60),
    LimitName.KEYS: LimitRule(120, 60),
    LimitName.ADMIN: LimitRule(300, 60),
}


def limits_of(*rules: LimitRules) -> Mapping[LimitName, Limit]:
    """The limits by `DEFAULT_RULES`, as changed by each of `rules` in turn."""
    merged = dict(DEFAULT_RULES)
    for changes in rules:
        merged.update(changes)
    return {name: rule.limit(name) for name, rule in merged.items()}
