"""Names of cached values: every one belongs to a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class CacheKey:
    tenant_id: str
    parts: tuple[str, ...]
    """What is cached, from the general to the special: ("question-vector", model, digest)."""

    def __post_init__(self) -> None:
        if not self.tenant_id or not self.parts:
            raise ValueError(f"a cache key needs a tenant and a part: {self}")

    @property
    def path(self) -> str:
        """The only name under which adapters keep a value; two keys never share one."""
        return ":".join(quote(word, safe="") for word in (self.tenant_id, *self.parts))
