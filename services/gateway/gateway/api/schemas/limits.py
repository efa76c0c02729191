"""What differs of a tenant's limits, on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool, WithJsonSchema

from gateway.api.schemas.common import WHOLE, RequestBody, ResponseBody, examples
from gateway.limit_rules import OF_STRANGERS, LimitName

_EXAMPLE: dict[str, Any] = {
    "limits": {
        "tenant": {"per_minute": 60000, "burst": 6000, "shadow": False},
        "concurrent": {"per_minute": 1, "burst": 400, "shadow": True},
    }
}


def _of_a_tenant(name: LimitName) -> LimitName:
    if name in OF_STRANGERS:
        raise ValueError(f"The limit {name} counts before the tenant is known.")
    return name


TenantLimitName = Annotated[
    LimitName,
    AfterValidator(_of_a_tenant),
    WithJsonSchema(
        {"type": "string", "enum": [name for name in LimitName if name not in OF_STRANGERS]}
    ),
]
Count = Annotated[int, Field(ge=1, le=1_000_000_000), WHOLE]


class NewLimitBody(RequestBody):
    per_minute: Count
    """Sustained; tokens for `tokens`. For `concurrent` it says nothing."""
    burst: Count
    """At once."""
    shadow: StrictBool = False


class ChangedLimitsBody(RequestBody):
    model_config = examples(_EXAMPLE)

    limits: dict[TenantLimitName, NewLimitBody]
    """By name. All others are those of every tenant."""


class LimitBody(ResponseBody):
    per_minute: int
    burst: int
    shadow: bool


class ChangedLimits(ResponseBody):
    model_config = examples(_EXAMPLE)

    limits: dict[LimitName, LimitBody]
