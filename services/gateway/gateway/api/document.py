"""What the OpenAPI document says about all operations at once, beside what each route declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.api.access import BEARER, SESSION
from gateway.api.problem_docs import PROBLEM_SCHEMA
from gateway.api.route_classes import ROUTE_CLASSES
from gateway.api.session_cookies import SESSION_COOKIE
from gateway.api.shared_problems import shared_responses
from gateway.limit_rules import RouteClass
from gateway.problems import PROBLEM_MEDIA_TYPE

TAGS: Mapping[str, str] = {
    "Credentials": "Keys and tokens, the roles that they have, and who you are.",
    "Knowledge bases": "Named sets of documents that are searched together.",
    "Documents": "Files on their way into the index, and what was read from them.",
    "Access": "Who may read and edit knowledge bases and documents.",
    "Questions": "Passages and answers from the documents that you may read.",
    "Audit": "What happened in the tenant, as a chain that can be verified.",
    "Webhooks": "Which of your systems are told of events, and what was delivered.",
    "Tenants": "For the operator of the platform.",
    "Operations": "For those who watch the process.",
}
_SERVER = {"url": "/", "description": "The server that this document comes from."}
_HEADERS: Mapping[str, tuple[str, str]] = {
    "X-Request-Id": (
        "Quote it when asking for help: every log line about the request has it.",
        "req_5f0c1d2e3b4a59687766554d",
    ),
    "RateLimit": (
        "Of each limit: `r` is left now, and all of it again after `t` seconds.",
        '"tenant";r=599;t=0, "principal";r=299;t=0',
    ),
    "RateLimit-Policy": (
        "Of each limit: `q` in `w` seconds.",
        '"tenant";q=6000;w=60, "principal";q=3000;w=60',
    ),
    "Retry-After": ("After how many seconds it makes sense to try again.", "10"),
    "ETag": (
        "The version of what is shown, for `If-None-Match` and `If-Match`.",
        '"3f0d9a6c1b7e4258a9d0c3e5f7182b64"',
    ),
    "Location": ("The path of what was made.", "/v1/roles/role_1c5d8e7f60594a3b8c2d1e0f98765432"),
    "WWW-Authenticate": ("How to sign in.", "Bearer"),
}
_OF_STATUS: Mapping[str, tuple[str, ...]] = {
    "304": ("ETag",),
    "401": ("WWW-Authenticate",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}
_LIMITS = ("RateLimit", "RateLimit-Policy")

Document = dict[str, Any]


def complete(document: Document) -> Document:
    """Add what all operations share."""
    document["servers"] = [_SERVER]
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    components = document["components"]
    components["schemas"]["Problem"] = dict(PROBLEM_SCHEMA)
    components["headers"] = {name: _header(*told) for name, told in _HEADERS.items()}
    components["responses"] = shared_responses()
    components["securitySchemes"] = {
        BEARER: {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key (`cs_live_...`) or an access token.",
        },
        SESSION: {
            "type": "apiKey",
            "in": "cookie",
            "name": SESSION_COOKIE,
            "description": "The session of somebody who signed in with a browser.",
        },
    }
    _remove_default_validation_errors(document)
    for name, operation in _operations(document):
        for status, response in operation["responses"].items():
            names = _headers_of(name, operation, status)
            response["headers"] = {one: {"$ref": f"#/components/headers/{one}"} for one in names}
    return document


def _header(description: str, example: str) -> Document:
    return {"description": description, "schema": {"type": "string"}, "example": example}


def _headers_of(name: str, operation: Document, status: str) -> Iterator[str]:
    yield "X-Request-Id"
    if ROUTE_CLASSES.get(name, RouteClass.OPEN) is not RouteClass.OPEN:
        yield from _LIMITS
    yield from _OF_STATUS.get(status, ())
    if status == "200" and ("304" in operation["responses"] or "412" in operation["responses"]):
        yield "ETag"
    if status in ("201", "202") and "GET " + name.partition(" ")[2] in ROUTE_CLASSES:
        yield "Location"


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _remove_default_validation_errors(document: Document) -> None:
    """The framework would document failures that our error handlers never let out."""
    for _, operation in _operations(document):
        told = operation["responses"].get("422", {"content": {}})
        if PROBLEM_MEDIA_TYPE not in told["content"]:
            operation["responses"].pop("422", None)
    for schema in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(schema, None)
