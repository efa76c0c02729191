"""A stand-in for the Qdrant server: its own gRPC API on the embedded engine, for tests only.

As a process of its own: python -m tests.harness.qdrant_server FOLDER PORT, with the key that it
asks for, if any, in QDRANT__SERVICE__API_KEY, as the real one has it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from qdrant_client import grpc as wire
from qdrant_client.conversions.conversion import GrpcToRest
from qdrant_edge import CountRequest, UpdateMode, UpdateOperation

from tests.harness.qdrant_collections import (
    CollectionExistsError,
    CollectionMissingError,
    Collections,
)
from tests.harness.qdrant_messages import (
    NotSpokenError,
    from_found,
    require_only,
    to_data_type,
    to_field_index,
    to_filter,
    to_point,
    to_query,
    to_selected,
)

_STATUS = {
    CollectionMissingError: grpc.StatusCode.NOT_FOUND,
    CollectionExistsError: grpc.StatusCode.ALREADY_EXISTS,
    NotSpokenError: grpc.StatusCode.UNIMPLEMENTED,
}
_UPDATE_MODES = {
    wire.UpdateMode.Upsert: UpdateMode.Upsert,
    wire.UpdateMode.InsertOnly: UpdateMode.InsertOnly,
}
_OPTIMIZERS = wire.OptimizersConfigDiff(
    deleted_threshold=0.2,
    vacuum_min_vector_number=1000,
    default_segment_number=0,
    flush_interval_sec=5,
)
"""The real server's own; clients insist on being told."""
_WRITE = ("collection_name", "wait", "ordering", "timeout")


@dataclass
class QdrantServer:
    """What a test sees of the server, and may change while it runs."""

    collections: Collections
    version: str = "1.19.0"
    api_key: str = ""
    """When set, calls without it are refused."""
    port: int = 0
    calls: list[tuple[str, Any]] = field(default_factory=list, repr=False)
    """Method and request of each, as they came in."""
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared, the server takes calls and stays silent."""
    retry_after_s: int = 0
    """When set, every call is refused as one too many."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def qdrant_server(
    folder: Path, *, port: int = 0, api_key: str = ""
) -> AsyncIterator[QdrantServer]:
    state = QdrantServer(Collections(folder), api_key=api_key)
    state.answers.set()
    server = grpc.aio.server(
        interceptors=[_Frame(state)], options=[("grpc.max_receive_message_length", -1)]
    )
    for register, calls in (
        (wire.add_QdrantServicer_to_server, _Root(state)),
        (wire.add_CollectionsServicer_to_server, _CollectionCalls(state.collections)),
        (wire.add_PointsServicer_to_server, _PointCalls(state.collections)),
        (wire.add_SnapshotsServicer_to_server, _SnapshotCalls(state.collections)),
    ):
        register(calls, server)  # type: ignore[no-untyped-call] # generated without types
    state.port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield state
    finally:
        # Those who wait in silence would hold it up.
        state.answers.set()
        await server.stop(None)
        state.collections.close()


@dataclass
class _Frame(grpc.aio.ServerInterceptor):
    """Around every call: key, record, silence, and failures in the statuses of the real server."""

    state: QdrantServer

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(details)

        async def answer(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            self.state.calls.append((details.method.rsplit("/", 1)[-1], request))
            await self._admit(details, context)
            await self.state.answers.wait()
            try:
                return handler.unary_unary(request, context)
            except Exception as error:  # noqa: BLE001 - the engine has no error types of its own
                status = _STATUS.get(type(error), grpc.StatusCode.INVALID_ARGUMENT)
                await context.abort(status, str(error))

        return grpc.unary_unary_rpc_method_handler(
            answer, handler.request_deserializer, handler.response_serializer
        )

    async def _admit(
        self, details: grpc.HandlerCallDetails, context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        headers = dict(details.invocation_metadata or ())
        bearer = str(headers.get("authorization", "")).removeprefix("Bearer ")
        sent = headers.get("api-key", bearer)
        if self.state.api_key not in {"", sent} and not details.method.endswith("HealthCheck"):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "Must provide an API key")
        if self.state.retry_after_s:
            wait = (("retry-after", str(self.state.retry_after_s)),)
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Rate limit exceeded", wait)


@dataclass
class _Root(wire.QdrantServicer):
    state: QdrantServer

    def HealthCheck(self, request: Any, context: Any) -> wire.HealthCheckReply:
        return wire.HealthCheckReply(title="qdrant stand-in", version=self.state.version)


@dataclass
class _CollectionCalls(wire.CollectionsServicer):
    collections: Collections

    def Get(self, request: Any, context: Any) -> wire.GetCollectionInfoResponse:
        collection = self.collections.get(request.collection_name)
        about, made = collection.shard.info(), collection.made_as
        params = wire.CollectionParams(
            shard_number=1,
            vectors_config=made.vectors_config,
            sparse_vectors_config=made.sparse_vectors_config,
        )
        info = wire.CollectionInfo(
            status=wire.CollectionStatus.Green,
            optimizer_status=wire.OptimizerStatus(ok=True),
            segments_count=about.segments_count,
            points_count=about.points_count,
            payload_schema={
                name: wire.PayloadSchemaInfo(data_type=to_data_type(index.params))
                for name, index in about.payload_schema.items()
            },
            config=wire.CollectionConfig(
                params=params,
                hnsw_config=made.hnsw_config,
                optimizer_config=_OPTIMIZERS,
                wal_config=wire.WalConfigDiff(wal_capacity_mb=32, wal_segments_ahead=0),
            ),
        )
        return wire.GetCollectionInfoResponse(result=info)

    def Create(self, request: Any, context: Any) -> wire.CollectionOperationResponse:
        self.collections.create(request)
        return wire.CollectionOperationResponse(result=True)

    def UpdateAliases(self, request: Any, context: Any) -> wire.CollectionOperationResponse:
        for action in request.actions:
            require_only(action, "create_alias")
            made = action.create_alias
            self.collections.create_alias(made.alias_name, made.collection_name)
        return wire.CollectionOperationResponse(result=True)


@dataclass
class _PointCalls(wire.PointsServicer):
    collections: Collections

    def CreateFieldIndex(self, request: Any, context: Any) -> wire.PointsOperationResponse:
        require_only(request, *_WRITE, "field_name", "field_type", "field_index_params")
        params = request.field_index_params
        made = UpdateOperation.create_field_index(request.field_name, to_field_index(params))
        self.collections.get(request.collection_name).fields[request.field_name] = params
        return self._write(request, made)

    def Upsert(self, request: Any, context: Any) -> wire.PointsOperationResponse:
        require_only(request, *_WRITE, "points", "update_mode")
        points = [to_point(point) for point in request.points]
        mode = _UPDATE_MODES[request.update_mode]
        return self._write(request, UpdateOperation.upsert_points(points, update_mode=mode))

    def SetPayload(self, request: Any, context: Any) -> wire.PointsOperationResponse:
        require_only(request, *_WRITE, "payload", "points_selector")
        payload = GrpcToRest.convert_payload(request.payload)
        selected = to_selected(request.points_selector)
        return self._write(request, UpdateOperation.set_payload_by_filter(selected, payload))

    def Delete(self, request: Any, context: Any) -> wire.PointsOperationResponse:
        require_only(request, *_WRITE, "points")
        selected = to_selected(request.points)
        return self._write(request, UpdateOperation.delete_points_by_filter(selected))

    def Query(self, request: Any, context: Any) -> wire.QueryResponse:
        shard = self.collections.get(request.collection_name).shard
        return wire.QueryResponse(result=map(from_found, shard.query(to_query(request))))

    def Count(self, request: Any, context: Any) -> wire.CountResponse:
        require_only(request, "collection_name", "filter", "exact", "timeout")
        shard = self.collections.get(request.collection_name).shard
        counted = shard.count(CountRequest(filter=to_filter(request.filter), exact=request.exact))
        return wire.CountResponse(result=wire.CountResult(count=counted))

    def _write(self, request: Any, operation: UpdateOperation) -> wire.PointsOperationResponse:
        self.collections.get(request.collection_name).shard.update(operation)
        # The engine has done it either way; the real one would not have without being told to wait.
        done = wire.UpdateStatus.Completed if request.wait else wire.UpdateStatus.Acknowledged
        return wire.PointsOperationResponse(result=wire.UpdateResult(status=done))


@dataclass
class _SnapshotCalls(wire.SnapshotsServicer):
    collections: Collections

    def Create(self, request: Any, context: Any) -> wire.CreateSnapshotResponse:
        taken = self.collections.snapshot(request.collection_name)
        size = sum(path.stat().st_size for path in taken.rglob("*") if path.is_file())
        description = wire.SnapshotDescription(name=taken.name, size=size)
        return wire.CreateSnapshotResponse(snapshot_description=description)


async def main(folder: str, port: str) -> None:
    api_key = os.environ.get("QDRANT__SERVICE__API_KEY", "")
    stop_requested = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop_requested.set)
    async with qdrant_server(Path(folder), port=int(port), api_key=api_key):
        await stop_requested.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
