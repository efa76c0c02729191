"""Writes docs/access.md from the access table, or fails when it is out of date."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from clientsphere_common.access.model import Access, Permission, Role, Row
from clientsphere_common.access.table import TABLE

PAGE = Path("docs/access.md")
INTRODUCTION = """# Access

Who may do what is decided by one table, `clientsphere_common/access/table.py`, and nowhere else.
The gateway holds every HTTP route to it before it reads the request; every service holds each gRPC
method to it again, by the permissions in the caller's signed context. A route or a method that the
table leaves out keeps the process from starting
([0015](adr/0015-one-table-says-who-may-do-what.md)).

This page is generated from the table (`make docs` writes it, `make check` fails when it is out of
date).

An API key has one role. Its `scopes`, if it has any, are the only permissions of that role that it
gets; its `networks`, if it has any, are the only ones from which it may be used. Tokens may do
what their key may. Beside the roles below a tenant can make its own (`POST /v1/roles`) of any of
these permissions. Nobody can make a key or a role that may do more than they may themselves, nor
change, rotate or revoke one; keys of owners are the business of owners alone. Changes reach every
gateway within five seconds.

What a permission opens is narrowed further by the readers and editors of knowledge bases and
documents ([how](use-the-api.md#who-may-read-what)): `documents:read_all` reads whatever the readers
are, but opens nothing by itself, and `access:manage` is an editor everywhere.

The operator of the platform creates tenants and reaches nothing in them: its key is no credential
of any tenant.

## Permissions and roles

"""
WAYS_IN = """
## What each permission opens

A gRPC method that is listed more than once is open to each of these permissions.

| needs | HTTP routes | gRPC methods |
|---|---|---|
"""


def render() -> str:
    heads = ["permission", *Role]
    permissions = [row for row in TABLE if isinstance(row.access, Permission)]
    lines = [
        _line(heads),
        "|---" * len(heads) + "|",
        *(_line([_name(row.access), *_has(row)]) for row in permissions),
    ]
    ways_in = [
        _line([_name(row.access), _list(row.routes), _list(map(_short, row.methods))])
        for row in TABLE
    ]
    return f"{INTRODUCTION}{_lines(lines)}{WAYS_IN}{_lines(ways_in)}"


def _has(row: Row) -> list[str]:
    return ["yes" if role in row.roles else "" for role in Role]


def _name(access: Access) -> str:
    return f"`{access.value}`" if isinstance(access, Permission) else access.value


def _short(method: str) -> str:
    """`/clientsphere.llm.v1.LlmService/Embed` as `LlmService/Embed`."""
    return method.rpartition(".")[2]


def _list(names: Iterable[str]) -> str:
    return "<br>".join(f"`{name}`" for name in names)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def main(arguments: list[str]) -> int:
    text = render()
    if "--check" not in arguments:
        PAGE.write_text(text)
        return 0
    if PAGE.exists() and PAGE.read_text() == text:
        return 0
    sys.stdout.write(f"{PAGE} is out of date: run `make docs`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
