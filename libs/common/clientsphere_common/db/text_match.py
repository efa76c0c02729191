"""Texts that hold a piece of text, found by every database alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from clientsphere_common.db import postgres


def holds(column: InstrumentedAttribute[str], piece: str) -> ColumnElement[bool]:
    """Whether `piece` stands in the text, A to Z in either case.

    Other letters must be as they are in the text: what they are in the other case is not the same
    for SQLite and for each locale of a PostgreSQL server. No character of `piece` is a wildcard.
    """
    # Of bytes, lower() changes A to Z alone.
    lowered = piece.encode().lower().decode()
    return _lower_ascii(column).contains(lowered, autoescape=True)


class _lower_ascii(GenericFunction[str]):  # noqa: N801 - the name of a function in SQL
    """What SQLite's own lower() does."""

    type = String()
    inherit_cache = True


@compiles(_lower_ascii)
def _of_sqlite(function: _lower_ascii, compiler: SQLCompiler, **options: Any) -> str:
    return f"lower({compiler.process(function.clauses, **options)})"


@compiles(_lower_ascii, postgres.NAME)
def _of_postgres(function: _lower_ascii, compiler: SQLCompiler, **options: Any) -> str:
    return f'lower(({compiler.process(function.clauses, **options)}) COLLATE "C")'
