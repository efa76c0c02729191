"""Calls the services of a running product as its gateway does, and as somebody would who is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor

from all_in_one.socket import PrivateSocket
from clientsphere.common.v1 import error_pb2
from clientsphere_common.caller_context import CallerSigner
from clientsphere_common.keys import read_private_key
from clientsphere_common.request import Caller
from clientsphere_common.rpc.metadata import CONTEXT_KEY, ERROR_KEY, Metadata
from clientsphere_common.rpc.methods import SERVICES
from tests.harness.product import Product, Served
from tests.stack.stack import Stack

_TIMEOUT_S = 30.0
_SERVICE_NAMES = {"audit": "audit", "ingestion": "ingestion", "llm": "llm-proxy"}
_SIGNERS = ("gateway", "ingestion", "retrieval")

METHODS: dict[str, MethodDescriptor] = {
    f"/{service.full_name}/{method.name}": method
    for service in SERVICES
    for method in service.methods
}
"""By their names in the access table, from the descriptors of the protos."""


@dataclass(frozen=True)
class RpcAnswer:
    status: str
    code: str
    """Of the failure, such as `document_not_found`."""
    details: str
    messages: tuple[bytes, ...]


class Backstage:
    """The way to the services that only the product itself has."""

    def __init__(self, channels: dict[str, grpc.Channel], signers: dict[str, CallerSigner]) -> None:
        """`channels` by the second word of the package of their methods."""
        self._channels = channels
        self.signers = signers

    def call_as(self, caller: Caller, method: str, requests: Sequence[bytes]) -> RpcAnswer:
        context = self.signers["gateway"].sign(caller)
        return self.call(method, requests, ((CONTEXT_KEY, context),))

    def call(self, method: str, requests: Sequence[bytes], metadata: Metadata) -> RpcAnswer:
        channel = self._channels[method.split(".")[1]]
        call: Any = _start(channel, method, requests, metadata)
        try:
            messages = tuple(call)
        except grpc.RpcError:
            return RpcAnswer(call.code().name, _code(call), call.details(), ())
        return RpcAnswer("OK", "", "", messages)


@contextmanager
def backstage_of(product: Served) -> Iterator[Backstage]:
    if isinstance(product, Product):
        channel = grpc.insecure_channel(PrivateSocket(product.data_dir).address)
        channels = {method.split(".")[1]: channel for method in METHODS}
        keys = product.data_dir / "keys"
        files = {name: keys / f"{name}-context.pem" for name in _SIGNERS}
    else:
        assert isinstance(product, Stack)
        channels = {
            method.split(".")[1]: _secure_channel(product, method.split(".")[1])
            for method in METHODS
        }
        files = {name: product.folder.secrets / f"{name}-context-key" for name in _SIGNERS}
    signers = {name: _signer(name, file) for name, file in files.items()}
    yield Backstage(channels, signers)
    for channel in set(channels.values()):
        channel.close()


def _start(
    channel: Any, method: str, requests: Sequence[bytes], metadata: Metadata
) -> Iterator[bytes]:
    """Of bytes as they are: the messages of all methods look alike."""
    is_stream = METHODS[method].client_streaming
    make = (channel.stream_stream if is_stream else channel.unary_stream)(method, None, None)
    sent = iter(requests) if is_stream else requests[0]
    answers: Iterator[bytes] = make(sent, timeout=_TIMEOUT_S, metadata=metadata)
    return answers


def _signer(name: str, file: Path) -> CallerSigner:
    return CallerSigner(name, read_private_key(file.read_text()))


def _secure_channel(stack: Stack, package: str) -> grpc.Channel:
    certificates = stack.folder.certificates
    credentials = grpc.ssl_channel_credentials(
        (certificates / "ca.pem").read_bytes(),
        (certificates / "gateway-key.pem").read_bytes(),
        (certificates / "gateway.pem").read_bytes(),
    )
    service = _SERVICE_NAMES.get(package, package)
    return grpc.secure_channel(stack.service(service).url, credentials)


def _code(call: grpc.Call) -> str:
    for key, value in call.trailing_metadata() or ():
        if key == ERROR_KEY and isinstance(value, bytes):
            return str(error_pb2.ErrorDetail.FromString(value).code)
    return ""
