"""The words of requests that may be sent again."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scope:
    """Whose key it is: the same text is another key for everybody else."""

    tenant_id: str
    principal_id: str


@dataclass(frozen=True)
class Reply:
    """A response, without what every response carries anyway."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Wish:
    """A request wants to be the one that acts for its key."""

    id: str
    tenant_id: str
    seed: bytes = field(repr=False)
    """For the case that the key is new."""
    fingerprint: bytes | None
    """None: not known before the whole body has been read."""
    now_ms: int
    lease_ends_ms: int
    expires_ms: int


@dataclass(frozen=True)
class Claim:
    """What is known of a key once a request has wished for it."""

    id: str
    tenant_id: str
    seed: bytes = field(repr=False)
    attempt: int
    """Counts from 1; a later one follows on one whose end nobody knows."""
    is_ours: bool
    """The request may act. It was refused when another one acts, or has acted already."""
    fingerprint: bytes | None
    reply: bytes | None = field(default=None, repr=False)
    """Sealed."""
