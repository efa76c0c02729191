"""Amounts as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = ("B", "kB", "MB", "GB")


def count(amount: int, noun: str) -> str:
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"


def size(size_bytes: int) -> str:
    """In decimal units, as disks and downloads are measured."""
    amount, unit = float(size_bytes), _UNITS[0]
    for larger in _UNITS[1:]:
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def seconds(elapsed_s: float) -> str:
    return f"{elapsed_s:.1f} s"


def age(elapsed_s: float) -> str:
    """In the largest unit that still tells something: 59 s, 59 min, 47 h, 3 d."""
    for unit, size_s, most in (("s", 1, 90), ("min", 60, 90), ("h", 3600, 48)):
        if elapsed_s < most * size_s:
            return f"{max(0.0, elapsed_s) / size_s:.0f} {unit}"
    return f"{elapsed_s / 86_400:,.0f} d"


def rate(amount: int, noun: str, elapsed_s: float) -> str:
    per_s = amount / elapsed_s if elapsed_s > 0 else 0.0
    return f"{per_s:,.1f} {noun}s/s" if per_s < 100 else f"{per_s:,.0f} {noun}s/s"


def moment(at: datetime | None) -> str:
    """In UTC, as in the logs; empty for never."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at else ""
