"""Has a write with an idempotency key done once, and answered the same way each time it comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from clientsphere_common.access.model import Access, Entry
from clientsphere_common.errors import NotFoundError, ServiceError
from clientsphere_common.request import current_caller
from gateway.api.answer_stream import AnswerStream
from gateway.api.dependencies import services_of
from gateway.api.fingerprints import whole_fingerprint
from gateway.api.kept_access import require_access
from gateway.api.kept_stream import KeptStream, kept_headers
from gateway.api.upload_request import UPLOAD, upload_fingerprint
from gateway.idempotency.attempt import Attempt, acting
from gateway.idempotency.key import HEADER, REPLAYED_HEADER, idempotency_key
from gateway.idempotency.model import Reply, Scope
from gateway.problems import failure_response

_OPERATOR = Scope("operator", "operator")
"""No tenant has that id: theirs begin with a prefix."""
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

Handle = Callable[[Request], Awaitable[Response]]


def takes_keys(method: str, access: Access) -> bool:
    """Not an operation that is open to anybody: there is nobody yet whose key it could be."""
    return method in _WRITES and access is not Entry.PUBLIC


async def once(request: Request, access: Access, handle: Handle) -> Response:
    """The response of `handle`, or the one that the key has got before.

    Raises ServiceError for a key that cannot be used, or cannot be used yet.
    """
    key = idempotency_key(request.headers.getlist(HEADER))
    if key is None:
        return await handle(request)
    requests = services_of(request).idempotent_requests
    is_upload = (request.method, request.scope["path"]) == UPLOAD
    fingerprint = None if is_upload else await whole_fingerprint(request)
    attempt = await requests.begin(_scope(access), key, fingerprint)
    if attempt.claim.is_ours:
        return await _act(request, attempt, handle)
    reply = requests.reply(attempt, fingerprint or await upload_fingerprint(request))
    await require_access(request, reply)
    return _replayed(reply)


async def _act(request: Request, attempt: Attempt, handle: Handle) -> Response:
    requests = services_of(request).idempotent_requests
    async with requests.held(attempt):
        with acting(attempt):
            response = await _answer(request, attempt, handle)
        if isinstance(response, AnswerStream):
            return KeptStream(response, requests, attempt)
        await requests.settle(attempt, _reply(response))
    return response


async def _answer(request: Request, attempt: Attempt, handle: Handle) -> Response:
    try:
        return await handle(request)
    except (ServiceError, RequestValidationError, HTTPException) as error:
        is_gone = isinstance(error, NotFoundError) and request.method == "DELETE"
        # An attempt before this one may have removed it, and nobody has said so to the client.
        if is_gone and attempt.is_repeated:
            return Response(status_code=204)
        return failure_response(error)


def _scope(access: Access) -> Scope:
    if access is Entry.OPERATOR:
        return _OPERATOR
    caller = current_caller()
    return Scope(caller.tenant_id, caller.principal_id)


def _reply(response: Response) -> Reply:
    return Reply(response.status_code, kept_headers(response.raw_headers), bytes(response.body))


def _replayed(reply: Reply) -> Response:
    response = Response(reply.body, reply.status)
    for name, value in (*reply.headers, (REPLAYED_HEADER, "true")):
        response.raw_headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))
    return response
