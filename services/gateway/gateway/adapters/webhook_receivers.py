"""Sends deliveries to receivers that tenants chose, whatever their names may point to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpcore

from clientsphere_common.https_trust import trusting
from gateway.adapters.name_lookup import NameLookup
from gateway.webhooks.destinations import Destination, DestinationRules
from gateway.webhooks.model import Answer, FailureReason

_HEADERS: Mapping[str, str] = {
    "Content-Type": "application/json",
    "User-Agent": "ClientSphere-Webhooks/1",
    "Accept-Encoding": "identity",
}
_MAX_ANSWER_BYTES = 16 * 1024
_ADDRESSES_TRIED = 3
_PATIENCE_S = 2.0
"""With an address, when there is another one."""
_FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


class HttpReceivers:
    """A module. A connection for each attempt; no redirects, no proxies of the environment.

    The name is looked up once, every address that it has is checked, and the connection goes to
    one of these addresses: what the name server says later has no effect. The certificate must
    be that of the name.
    """

    name = "webhook receivers"

    def __init__(
        self,
        rules: DestinationRules,
        lookup: NameLookup,
        ca_file: Path | None,
        timeout_s: float,
    ) -> None:
        self._rules = rules
        self._lookup = lookup
        self._ca_file = ca_file
        self._timeout_s = timeout_s
        self._opening = asyncio.Lock()
        self._context: ssl.SSLContext | None = None

    async def start(self) -> None:
        """The first delivery reads the authorities: most installations never have one."""

    async def stop(self) -> None:
        """No connection outlives its attempt."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        status: int | None = None
        context = await self._trusted()
        try:
            async with asyncio.timeout(self._timeout_s):
                destination = self._rules.destination(url)
                addresses = self._rules.admit(
                    destination, await self._lookup(destination.lookup_name)
                )
                every = [*_HEADERS.items(), *headers.items()]
                async with (
                    _connection(destination, addresses, context) as connection,
                    connection.stream(
                        "POST", destination.url, headers=every, content=body
                    ) as response,
                ):
                    status = response.status
                    with suppress(*_FAILURES):
                        await _read_a_little(response)
        except (ValueError, OSError, *_FAILURES) as error:
            if status is None:
                return Answer(None, _reason_of(error))
        # What comes after the status, or does not come, changes nothing.
        return Answer.of_status(status)

    async def _trusted(self) -> ssl.SSLContext:
        async with self._opening:
            if self._context is None:
                self._context = await asyncio.to_thread(trusting, self._ca_file)
            return self._context


@asynccontextmanager
async def _connection(
    destination: Destination, addresses: Sequence[str], context: ssl.SSLContext
) -> AsyncIterator[httpcore.AsyncHTTPConnection]:
    network = _CheckedAddresses(addresses)
    connection = httpcore.AsyncHTTPConnection(
        httpcore.URL(destination.url).origin, ssl_context=context, network_backend=network
    )
    try:
        async with connection:
            yield connection
    finally:
        # The library forgets a connection when it is cancelled while it begins TLS.
        await network.close()


async def _read_a_little(response: httpcore.Response) -> None:
    """As much as a polite receiver says, so that it does not see its connection break."""
    received = 0
    async for piece in response.aiter_stream():
        received += len(piece)
        if received > _MAX_ANSWER_BYTES:
            return


def _reason_of(error: Exception) -> FailureReason:
    if isinstance(error, (TimeoutError, httpcore.TimeoutException)):
        return FailureReason.TIMED_OUT
    if isinstance(error, httpcore.ConnectError):
        is_tls = isinstance(error.__cause__, ssl.SSLError)
        return FailureReason.TLS_FAILED if is_tls else FailureReason.NOT_CONNECTED
    if isinstance(error, ssl.SSLError):
        return FailureReason.TLS_FAILED
    if isinstance(error, (httpcore.NetworkError, httpcore.ProtocolError)):
        return FailureReason.ANSWER_UNREADABLE
    # A URL that is no longer allowed, a name without addresses, an address that is refused.
    return FailureReason.ADDRESS_UNUSABLE


class _CheckedAddresses(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked, whatever name it is asked for."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses[:_ADDRESSES_TRIED]
        self._network = httpcore.AnyIOBackend()
        self._opened: httpcore.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self._opened = await self._connect(port, timeout)
        return self._opened

    async def close(self) -> None:
        """What is closed already stays so."""
        if self._opened is not None:
            await self._opened.aclose()

    async def _connect(self, port: int, timeout: float | None) -> httpcore.AsyncNetworkStream:
        *others, last = self._addresses
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._network.connect_tcp(address, port, _PATIENCE_S)
        return await self._network.connect_tcp(last, port, timeout)
