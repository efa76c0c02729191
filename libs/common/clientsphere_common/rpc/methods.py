"""What clients may do about a call that failed, made from what the .proto files say of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from clientsphere.audit.v1 import audit_service_pb2
from clientsphere.ingestion.v1 import ingestion_service_pb2
from clientsphere.llm.v1 import llm_service_pb2
from clientsphere.retrieval.v1 import retrieval_service_pb2

SERVICES: tuple[ServiceDescriptor, ...] = tuple(
    service
    for module in (
        audit_service_pb2,
        ingestion_service_pb2,
        llm_service_pb2,
        retrieval_service_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
)

_RETRY_POLICY = {
    "maxAttempts": 3,
    "initialBackoff": "0.1s",
    "maxBackoff": "0.5s",
    "backoffMultiplier": 3,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_RETRY_BUDGET = {"maxTokens": 100, "tokenRatio": 0.1}
"""Fifty failures at once are tried again; in the long run one retry for ten calls that succeed."""


def service_config() -> str:
    """gRPC's own JSON: spread calls over all servers, try again only what may be sent twice."""
    may_be_repeated = [
        {"service": method.containing_service.full_name, "method": method.name}
        for method in _methods()
        if is_repeatable(method)
    ]
    return json.dumps(
        {
            "loadBalancingConfig": [{"round_robin": {}}],
            "methodConfig": [{"name": may_be_repeated, "retryPolicy": _RETRY_POLICY}],
            "retryThrottling": _RETRY_BUDGET,
        }
    )


def method_names() -> frozenset[str]:
    """Of every service, as calls name them: `/package.Service/Method`."""
    return frozenset(
        f"/{method.containing_service.full_name}/{method.name}" for method in _methods()
    )


def is_repeatable(method: MethodDescriptor) -> bool:
    """Whether its .proto says that a second call does no harm. A stream from the client is over."""
    level = method.GetOptions().idempotency_level
    return level != MethodOptions.IDEMPOTENCY_UNKNOWN and not method.client_streaming


def _methods() -> Iterator[MethodDescriptor]:
    for service in SERVICES:
        yield from service.methods
