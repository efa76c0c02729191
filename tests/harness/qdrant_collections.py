"""Collections and aliases of the Qdrant stand-in, kept in a folder by the embedded engine."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from qdrant_client import grpc as wire
from qdrant_edge import EdgeShard

from tests.harness.qdrant_messages import to_config


class CollectionMissingError(Exception):
    pass


class CollectionExistsError(Exception):
    pass


@dataclass
class Collection:
    made_as: wire.CreateCollection
    shard: EdgeShard
    fields: dict[str, wire.PayloadIndexParams] = field(default_factory=dict)
    """What was asked for since the server started."""


class Collections:
    """Survives a kill of the process: the engine logs every write before it is acknowledged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._aliases_file = folder / "aliases.json"
        self._collections: dict[str, Collection] = {}
        self.aliases: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        if self._aliases_file.exists():
            self.aliases = json.loads(self._aliases_file.read_text())
        for made in folder.glob("*/collection"):
            request = wire.CreateCollection.FromString(made.read_bytes())
            shard = EdgeShard.load(str(made.parent / "shard"))
            self._collections[request.collection_name] = Collection(request, shard)

    def close(self) -> None:
        for collection in self._collections.values():
            collection.shard.close()

    def get(self, name: str) -> Collection:
        """By its own name or by an alias."""
        try:
            return self._collections[self.aliases.get(name, name)]
        except KeyError:
            raise CollectionMissingError(f"Collection `{name}` doesn't exist!") from None

    def create(self, request: wire.CreateCollection) -> None:
        name = request.collection_name
        if name in self._collections or name in self.aliases:
            raise CollectionExistsError(f"Collection `{name}` already exists!")
        config = to_config(request)
        folder = self._folder / name
        # What a kill left half-made is not there for anybody.
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "shard").mkdir(parents=True)
        shard = EdgeShard.create(str(folder / "shard"), config)
        (folder / "collection").write_bytes(request.SerializeToString())
        self._collections[name] = Collection(request, shard)

    def create_alias(self, alias: str, name: str) -> None:
        self.get(name)
        if alias in self._collections:
            raise CollectionExistsError(f"Collection `{alias}` already exists!")
        self.aliases[alias] = name
        aside = self._aliases_file.with_suffix(".new")
        aside.write_text(json.dumps(self.aliases))
        aside.rename(self._aliases_file)

    def snapshot(self, name: str) -> Path:
        collection = self.get(name)
        collection.shard.flush()
        own_name = collection.made_as.collection_name
        taken = self._folder / "snapshots" / f"{own_name}-{time.time_ns()}.snapshot"
        shutil.copytree(self._folder / own_name / "shard", taken)
        return taken
