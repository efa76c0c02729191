"""Times of tables and wire, in whole Unix milliseconds, as times of the domain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def from_unix_ms(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)


def first_unix_ms(at: datetime) -> int:
    """Rounded up: of what happens in whole milliseconds, where that from `at` on begins."""
    return -((_EPOCH - at) // _MILLISECOND)


def to_unix_ms(at: datetime) -> int:
    """Rounded down."""
    return (at - _EPOCH) // _MILLISECOND
