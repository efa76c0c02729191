"""Sends requests and turns whatever can go wrong on the way into sentences."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from clientsphere_cli.failures import ApiError, CliError, Problem

T = TypeVar("T")

_MAX_WAITS = 5
_MAX_WAIT_S = 60.0


class Transport:
    """Requests to one server. Where a rate limit says when to come back, it comes back then."""

    def __init__(
        self, http: httpx.AsyncClient, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._http = http
        self._sleep = sleep

    def request(self, method: str, path: str, **content: Any) -> httpx.Request:
        """Takes what `httpx.AsyncClient.build_request` takes.

        A write has an idempotency key: sent again, here or by a proxy, it is still done once.
        """
        headers = {} if method == "GET" else {"Idempotency-Key": f'"{uuid.uuid4()}"'}
        return self._http.build_request(method, path, headers=headers, **content)

    async def send(self, request: httpx.Request) -> httpx.Response:
        """A response that says success. Raises ApiError for any other, CliError for none."""
        waits_left = _MAX_WAITS
        with self._readable_failures():
            response = await self._http.send(request)
            while response.status_code == httpx.codes.TOO_MANY_REQUESTS and waits_left:
                await self._sleep(_retry_after_s(response))
                waits_left -= 1
                response = await self._http.send(request)
        return _successful(response)

    async def fetch(self, request: httpx.Request, expected: type[T]) -> T:
        response = await self.send(request)
        return self.parse(response.content, expected)

    @asynccontextmanager
    async def stream(self, request: httpx.Request) -> AsyncIterator[AsyncIterator[str]]:
        """The response's text as it arrives."""
        with self._readable_failures():
            response = await self._http.send(request, stream=True)
            try:
                if not response.is_success:
                    await response.aread()
                yield _successful(response).aiter_text()
            finally:
                await response.aclose()

    def parse(self, content: bytes | str, expected: type[T]) -> T:
        """Raises CliError when the content is something else."""
        try:
            return TypeAdapter(expected).validate_json(content)
        except ValidationError as error:
            raise CliError(
                f"{self._http.base_url} answered something that this command does not understand."
                " Is it the address of a ClientSphere server?"
            ) from error

    @contextmanager
    def _readable_failures(self) -> Iterator[None]:
        server = str(self._http.base_url).rstrip("/")
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise CliError(
                f"No ClientSphere server answers at {server}. Start one with `clientsphere run`,"
                " or name another with --url."
            ) from error
        except httpx.TimeoutException as error:
            raise CliError(
                f"{server} was silent for too long; CLIENTSPHERE_REQUEST_TIMEOUT_S allows more."
            ) from error
        except httpx.HTTPError as error:
            raise CliError(f"The connection to {server} broke off: {error}") from error


def _successful(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    raise ApiError(problem_of(response.status_code, response.text))


def problem_of(status: int, body: str) -> Problem:
    """What an error response says; proxies between us and the server may say it in HTML."""
    try:
        members = json.loads(body)
        return Problem(status, members["code"], members["detail"], members.get("request_id"))
    except (ValueError, TypeError, KeyError):
        phrase = httpx.codes.get_reason_phrase(status) or "an unknown status"
        return Problem(status, f"http_{status}", f"The server answered {phrase}.")


def _retry_after_s(response: httpx.Response) -> float:
    wanted = response.headers.get("Retry-After", "")
    return min(float(wanted), _MAX_WAIT_S) if wanted.isdecimal() else 1.0
