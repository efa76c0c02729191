"""Requests that cannot be served as they are, each with its sender's words in another place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from tests.isolation.tenants import Tenant

Malformed = Callable[[Tenant], tuple[str, str, dict[str, Any]]]


def _json(method: str, path: str, body: Callable[[Tenant], object]) -> Malformed:
    return lambda tenant: (method, path, {"json": body(tenant)})


def _path(path: str) -> Malformed:
    return lambda tenant: ("GET", path.format(quote(tenant.canary.text)), {})


MALFORMED: Mapping[str, Malformed] = {
    "a body that is no JSON": lambda tenant: (
        "POST",
        "/v1/chat",
        {
            "content": f'{{"question": "{tenant.canary.text}'.encode(),
            "headers": {"Content-Type": "application/json"},
        },
    ),
    "bytes that are no UTF-8": lambda tenant: (
        "POST",
        "/v1/search",
        {
            "content": b'{"question": "\xff ' + tenant.canary.plain.encode() + b'"}',
            "headers": {"Content-Type": "application/json"},
        },
    ),
    "half of a character": lambda tenant: (
        "POST",
        "/v1/knowledge-bases",
        {
            "content": b'{"name": "\\ud800 ' + tenant.canary.plain.encode() + b'"}',
            "headers": {"Content-Type": "application/json"},
        },
    ),
    "a zero character": _json(
        "POST", "/v1/roles", lambda t: {"name": f"\0{t.canary.text}", "permissions": ["search"]}
    ),
    "words for a number": _json(
        "POST", "/v1/search", lambda t: {"question": "x", "top_k": t.canary.text}
    ),
    "an unknown field": _json(
        "POST", "/v1/chat", lambda t: {"question": "x", t.canary.plain: t.canary.text}
    ),
    "an overlong name": _json(
        "POST", "/v1/knowledge-bases", lambda t: {"name": t.canary.text * 200}
    ),
    "an overlong question": _json("POST", "/v1/chat", lambda t: {"question": t.canary.text * 400}),
    "a permission that is none": _json(
        "POST", "/v1/roles", lambda t: {"name": "x", "permissions": [t.canary.plain]}
    ),
    "a role that is none": _json(
        "POST", "/v1/api-keys", lambda t: {"name": "x", "role": t.canary.plain}
    ),
    "a network that is none": _json(
        "POST",
        "/v1/api-keys",
        lambda t: {"name": "x", "role": "viewer", "networks": [t.canary.plain]},
    ),
    "an id that is none": _json(
        "POST", "/v1/search", lambda t: {"question": "x", "knowledge_base_ids": [t.canary.text]}
    ),
    "a key that is none": _json(
        "POST", "/v1/tokens", lambda t: {"grant_type": "api_key", "api_key": t.canary.text}
    ),
    "a document that is none": _path("/v1/documents/{}"),
    "a path that is none": _path("/v1/{}"),
    "a path outside": _path("/{}/v1/documents"),
    "a query that is none": _path("/v1/documents?page_token={0}&{0}={0}&page_size={0}"),
    "a method that is none": lambda tenant: (tenant.canary.plain.upper(), "/v1/documents", {}),
    "a token that is none": lambda tenant: (
        "GET",
        "/v1/me",
        {"headers": {"Authorization": f"Bearer {tenant.canary.plain}"}},
    ),
    "headers of its own": lambda tenant: (
        "GET",
        "/v1/me",
        {
            "headers": {
                "User-Agent": tenant.canary.plain,
                "Referer": f"https://{tenant.canary.plain}.example/",
                "Cookie": f"session={tenant.canary.plain}",
                "X-Forwarded-For": tenant.canary.plain,
                "X-Tenant-Id": tenant.canary.plain,
                "X-Request-Id": f"{tenant.canary.plain} {'too long' * 20}",
                "Accept-Language": tenant.canary.plain,
            }
        },
    ),
    "a form without a file": lambda tenant: (
        "POST",
        "/v1/documents",
        {"files": {tenant.canary.plain: (tenant.canary.text, b"x")}},
    ),
    "a file without bytes": lambda tenant: (
        "POST",
        "/v1/documents",
        {"files": {"file": (f"{tenant.canary.text}.txt", b"")}},
    ),
    "a form that stops": lambda tenant: (
        "POST",
        "/v1/documents",
        {
            "content": b'--x\r\nContent-Disposition: form-data; name="file"; filename="'
            + tenant.canary.text.encode(),
            "headers": {"Content-Type": "multipart/form-data; boundary=x"},
        },
    ),
}
