"""The request in hand: who is calling, under which ids, and how long it may still take."""

from __future__ import annotations

import secrets
import time
from contextvars import ContextVar
from dataclasses import dataclass

from clientsphere_common.errors import DeadlineExceededError, UnauthenticatedError


@dataclass(frozen=True)
class Caller:
    """On whose behalf something is done. Made from verified credentials only."""

    tenant_id: str
    principal_id: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    permissions: frozenset[str] = frozenset()
    """What it may do, decided where the credential was verified. Roles are for people to read."""


@dataclass(frozen=True)
class Trace:
    """W3C trace context and the request id that a person quotes when asking for help."""

    request_id: str
    traceparent: str


_caller: ContextVar[Caller | None] = ContextVar("clientsphere_caller", default=None)
_trace: ContextVar[Trace | None] = ContextVar("clientsphere_trace", default=None)
_deadline: ContextVar[float | None] = ContextVar("clientsphere_deadline", default=None)


def set_caller(caller: Caller) -> None:
    """Act for `caller` from here on in this task and the tasks it starts."""
    _caller.set(caller)


def current_caller() -> Caller:
    """The verified caller. Raises UnauthenticatedError outside a request: nothing runs unscoped."""
    caller = _caller.get()
    if caller is None:
        raise UnauthenticatedError("caller_missing", "This call carries no caller.")
    return caller


def set_trace(trace: Trace) -> None:
    _trace.set(trace)


def current_trace() -> Trace:
    """The trace of the request in hand; a new one where none was begun."""
    trace = _trace.get()
    if trace is None:
        trace = new_trace()
        _trace.set(trace)
    return trace


def new_trace(request_id: str | None = None, traceparent: str | None = None) -> Trace:
    """Begin a trace, keeping what the caller sent and making up what is missing."""
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    return Trace(
        request_id=request_id or f"req_{secrets.token_hex(12)}",
        traceparent=traceparent or f"00-{trace_id}-{span_id}-01",
    )


def set_timeout(timeout_s: float) -> None:
    """Allow the request in hand `timeout_s` more seconds."""
    _deadline.set(time.monotonic() + timeout_s)


def remaining_s(at_most_s: float) -> float:
    """Seconds that a step may take: `at_most_s`, or less when the request's deadline is nearer.

    Raises DeadlineExceededError when the deadline has passed.
    """
    deadline = _deadline.get()
    if deadline is None:
        return at_most_s
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise DeadlineExceededError("deadline_exceeded", "The request took too long.")
    return min(at_most_s, left_s)
