"""Everything that the product lets out or keeps, with whose words it may hold."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY

from clientsphere_common.cache.in_process import InProcessCache
from tests.harness.in_process import ProductInProcess, part_of
from tests.harness.openai_server import OpenAiServer
from tests.harness.output import Output
from tests.isolation.canaries import Canaries

_DATABASES = ("gateway.db", "ingestion.db", "audit.db", "events.db")


@dataclass(frozen=True)
class Seen:
    channel: str
    content: bytes | str
    of_tenant: str | None = None
    """Who may find its words there; None: nobody."""


@dataclass(frozen=True)
class Leak:
    channel: str
    of_tenant: str | None
    holds_words_of: str
    content: bytes | str


@dataclass
class Channels:
    """`responses` are put there by whoever makes requests."""

    product: ProductInProcess
    output: Output
    model: OpenAiServer
    canaries: Canaries
    responses: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._cache = part_of(self.product.process, InProcessCache)
        self._known: set[int] = set()
        self._prompts = 0

    def leaks(self, tenant_ids: Collection[str] | None = None) -> list[Leak]:
        """In what is new since the last call; of stored rows those of `tenant_ids`, or all."""
        return [
            Leak(one.channel, one.of_tenant, owner, one.content)
            for one in self._new(tenant_ids)
            for owner in sorted(self.canaries.owners_in(one.content) - {one.of_tenant})
        ]

    def _new(self, tenant_ids: Collection[str] | None) -> Iterator[Seen]:
        yield from self.responses
        self.responses.clear()
        yield Seen("log", self.output.new())
        yield from self._new_prompts()
        for one in (*self._metrics(), *self._cached(), *self._stored(tenant_ids), *self._files()):
            identity = hash(one)
            if identity not in self._known:
                self._known.add(identity)
                yield one

    def _new_prompts(self) -> Iterator[Seen]:
        """Those of a background task are not any step's: what counts is that they are of one."""
        new = self.model.requests[self._prompts :]
        self._prompts += len(new)
        for sent in new:
            prompt = json.dumps(sent, ensure_ascii=False)
            owners = self.canaries.owners_in(prompt)
            yield Seen("prompt", prompt, next(iter(owners)) if len(owners) == 1 else None)

    def _metrics(self) -> Iterator[Seen]:
        for registry in (self.product.registry, REGISTRY):
            for family in registry.collect():
                yield Seen("metrics", f"{family.name} {family.documentation}")
                for sample in family.samples:
                    yield Seen("metrics", " ".join((sample.name, *sample.labels.values())))

    def _cached(self) -> Iterator[Seen]:
        for path, entry in self._cache._entries.items():
            yield Seen("cache", path)
            yield Seen("cache", entry.value, path.partition(":")[0])

    def _stored(self, tenant_ids: Collection[str] | None) -> Iterator[Seen]:
        for name in _DATABASES:
            file = self.product.data_dir / name
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
                db.row_factory = sqlite3.Row
                for table in _tables(db):
                    yield from _rows(db, f"{name} {table}", table, tenant_ids)

    def _files(self) -> Iterator[Seen]:
        top = str(self.product.data_dir)
        for folder, folders, files in os.walk(top):
            within = os.path.relpath(folder, top)
            for name in (*folders, *files):
                yield Seen("object key", os.path.join(within, name))
            kind, *parts = Path(within).parts or ("",)
            if kind == "objects" and parts:
                yield from self._new_objects(folder, files, of_tenant=parts[0])

    def _new_objects(self, folder: str, files: Sequence[str], of_tenant: str) -> Iterator[Seen]:
        for path in (Path(folder, name) for name in files):
            if hash(path) not in self._known:
                self._known.add(hash(path))
                yield Seen("object", _content(path), of_tenant)


def _tables(db: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    return [row["name"] for row in db.execute(query)]


def _rows(
    db: sqlite3.Connection, channel: str, table: str, tenant_ids: Collection[str] | None
) -> Iterator[Seen]:
    columns = {row["name"] for row in db.execute(f"PRAGMA table_info({table})")}
    owner = "id" if table == "tenants" else "tenant_id" if "tenant_id" in columns else None
    query, values = f"SELECT * FROM {table}", tuple(tenant_ids or ())
    if owner is None or tenant_ids is None:
        values = ()
    else:
        query += f" WHERE {owner} IN ({', '.join('?' * len(values))})"
    for row in db.execute(query, values):
        yield Seen(channel, _text_of(row), None if owner is None else row[owner])


def _text_of(row: sqlite3.Row) -> str:
    values: list[Any] = list(row)
    return "\n".join(
        value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        for value in values
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
