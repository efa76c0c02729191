"""Column types that hold what they must on every database."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import mapped_column

Int64 = Annotated[int, mapped_column(BigInteger)]
"""Milliseconds since 1970 and sizes in bytes do not fit PostgreSQL's plain integer."""

CountingInt64 = BigInteger().with_variant(Integer, "sqlite")
"""For a key that the database counts up: SQLite counts INTEGER only, and that has 64 bits."""
