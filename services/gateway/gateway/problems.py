"""Every failure as application/problem+json (RFC 9457), with a stable code."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from clientsphere_common.errors import ServiceError, UnauthenticatedError
from clientsphere_common.request import current_trace
from gateway.allowed_methods import AllowedMethods

PROBLEM_MEDIA_TYPE = "application/problem+json"
_OF_STATUS: Mapping[int, tuple[str, str]] = {
    400: ("invalid_json", "The body is not valid JSON."),
    404: ("not_found", "There is nothing at this path."),
    405: ("method_not_allowed", "This path does not know this method."),
    408: ("request_timeout", "The request did not arrive in time."),
    413: ("request_too_large", "The request is larger than this path accepts."),
}
_NOT_JSON = "json_invalid"
_MAX_NAME_CHARS = 40
"""None of our fields is longer: a longer one is the client's, and may be a key in a wrong place."""
_NO_OBJECT = "Send a JSON object with Content-Type: application/json."

FieldError = Mapping[str, str]


def plain_problems() -> dict[str, tuple[int, str]]:
    """By code, status and detail: the problems that no ServiceError stands behind."""
    plain = {code: (status, detail) for status, (code, detail) in _OF_STATUS.items()}
    return plain | {
        "invalid_request": (400, "Some fields cannot be used as they are."),
        "invalid_http": (400, "This is not a valid HTTP request."),
        "uri_too_long": (414, "Path and query are longer than 8 KiB."),
        "headers_too_large": (431, "The headers are larger than 32 KiB, or more than 100."),
        "too_many_connections": (503, "There are too many connections."),
    }


def problem(
    status: int, code: str, detail: str, errors: Sequence[FieldError] = ()
) -> dict[str, object]:
    """The members of a problem document about the request in hand."""
    members: dict[str, object] = {
        "type": f"urn:clientsphere:error:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": current_trace().request_id,
    }
    return {**members, "errors": list(errors)} if errors else members


def problem_of(error: ServiceError) -> dict[str, object]:
    return problem(error.http_status, error.code, error.message)


def error_response(error: ServiceError) -> Response:
    headers = {}
    if error.retry_after_s:
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    return _response(problem_of(error), headers)


def install_error_handlers(app: FastAPI, allowed: AllowedMethods) -> None:
    app.add_exception_handler(ServiceError, _on_failure)
    app.add_exception_handler(RequestValidationError, _on_failure)
    app.add_exception_handler(HTTPException, partial(_on_http_exception, allowed))


def failure_response(error: Exception) -> Response:
    """The problem document of an expected failure."""
    if isinstance(error, ServiceError):
        return error_response(error)
    if isinstance(error, RequestValidationError):
        return _invalid_request(error)
    assert isinstance(error, HTTPException)  # noqa: S101 - what handlers are registered for
    return _http_exception(error, {})


async def _on_failure(_request: Request, error: Exception) -> Response:
    return failure_response(error)


def _invalid_request(error: RequestValidationError) -> Response:
    errors = [_field_error(one) for one in error.errors()]
    is_json = all(one["type"] != _NOT_JSON for one in error.errors())
    code = "invalid_request" if is_json else "invalid_json"
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors)
    return _response(problem(400, code, detail, errors), {})


async def _on_http_exception(
    allowed: AllowedMethods, request: Request, error: Exception
) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    is_method = error.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    return _http_exception(error, {"Allow": allowed.of(request.url.path)} if is_method else {})


def _http_exception(error: HTTPException, headers: Mapping[str, str]) -> Response:
    code, detail = _OF_STATUS[error.status_code]
    return _response(problem(error.status_code, code, detail), {**(error.headers or {}), **headers})


def _field_error(error: Mapping[str, Any]) -> FieldError:
    """Names the field as the client knows it, and never repeats what was sent."""
    source, *path = error["loc"]
    if error["type"] == _NOT_JSON:
        reason = f"not valid JSON at character {path[0]}: {error['ctx']['error']}"
        return {"field": "body", "message": reason}
    if not path:
        return {"field": str(source), "message": _NO_OBJECT}
    names = [name if len(name) <= _MAX_NAME_CHARS else "..." for name in map(str, path)]
    return {"field": ".".join(names), "message": error["msg"]}


def _response(members: Mapping[str, object], headers: Mapping[str, str]) -> Response:
    return Response(
        json.dumps(members, ensure_ascii=False),
        status_code=int(str(members["status"])),
        headers=dict(headers),
        media_type=PROBLEM_MEDIA_TYPE,
    )
