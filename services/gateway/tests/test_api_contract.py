"""What holds for every operation: a declared permission, documentation, examples, problems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute, iter_route_contexts

from gateway.api.access import Entry, GuardedRoute, access_of
from gateway.permissions import Permission
from tests.harness.gateway import Gateway

UNDOCUMENTED = {"/docs", "/openapi.json", "/docs/files"}
ACCESS = {
    "POST /v1/tenants": Entry.OPERATOR,
    "POST /v1/tenants/{tenant_id}/token-issuers": Entry.OPERATOR,
    "GET /v1/tenants/{tenant_id}/token-issuers": Entry.OPERATOR,
    "DELETE /v1/tenants/{tenant_id}/token-issuers/{token_issuer_id}": Entry.OPERATOR,
    "POST /v1/tokens": Entry.PUBLIC,
    "GET /.well-known/jwks.json": Entry.PUBLIC,
    "GET /v1/me": Entry.SIGNED_IN,
    "POST /v1/api-keys": Permission.API_KEYS_MANAGE,
    "GET /v1/api-keys": Permission.API_KEYS_MANAGE,
    "DELETE /v1/api-keys/{api_key_id}": Permission.API_KEYS_MANAGE,
    "POST /v1/knowledge-bases": Permission.KNOWLEDGE_BASES_WRITE,
    "GET /v1/knowledge-bases": Permission.KNOWLEDGE_BASES_READ,
    "GET /v1/knowledge-bases/{knowledge_base_id}": Permission.KNOWLEDGE_BASES_READ,
    "DELETE /v1/knowledge-bases/{knowledge_base_id}": Permission.KNOWLEDGE_BASES_DELETE,
    "POST /v1/documents": Permission.DOCUMENTS_WRITE,
    "GET /v1/documents": Permission.DOCUMENTS_READ,
    "GET /v1/documents/{document_id}": Permission.DOCUMENTS_READ,
    "DELETE /v1/documents/{document_id}": Permission.DOCUMENTS_DELETE,
    "GET /v1/documents/{document_id}/content": Permission.DOCUMENTS_READ,
    "GET /v1/documents/{document_id}/text": Permission.DOCUMENTS_READ,
    "POST /v1/search": Permission.SEARCH,
    "POST /v1/chat": Permission.CHAT,
    "GET /v1/audit/events": Permission.AUDIT_READ,
    "GET /health/live": Entry.PUBLIC,
    "GET /health/ready": Entry.PUBLIC,
    "GET /metrics": Entry.PUBLIC,
}

Operation = dict[str, Any]


def operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def has_example(media: dict[str, Any], document: dict[str, Any]) -> bool:
    """Of its own, or of the schema that it refers to."""
    name = media.get("schema", {}).get("$ref", "").rpartition("/")[2]
    schema = document["components"]["schemas"].get(name, {})
    return "example" in media or bool(media.get("examples") or schema.get("examples"))


class TestEveryRoute:
    def test_declares_who_may_use_it_and_nobody_else_may(self, gateway: Gateway) -> None:
        declared = {}
        for context in iter_route_contexts(gateway.app.routes):
            if context.path in UNDOCUMENTED:
                continue
            route = context.original_route
            assert isinstance(route, GuardedRoute), f"{context.path} has no guard"
            for method in route.methods or ():
                declared[f"{method} {context.path}"] = access_of(route)
        assert declared == ACCESS

    def test_without_a_declaration_cannot_even_be_made(self) -> None:
        router = APIRouter(route_class=GuardedRoute)
        with pytest.raises(LookupError, match="/open"):
            router.get("/open")(lambda: None)

    def test_with_an_unknown_declaration_is_refused_too(self) -> None:
        route = APIRoute("/x", lambda: None, openapi_extra={"x-required-permission": "fly"})
        with pytest.raises(LookupError):
            access_of(route)


class TestEveryOperation:
    def test_is_documented(self, gateway: Gateway) -> None:
        for name, operation in operations(gateway.app.openapi()):
            assert operation["summary"], name
            assert operation["description"], name
            assert operation["tags"], name
            assert operation["x-required-permission"], name
            assert "_" not in operation["operationId"] or operation["operationId"].islower(), name

    def test_has_examples_of_what_goes_in_and_comes_out(self, gateway: Gateway) -> None:
        document = gateway.app.openapi()
        for name, operation in operations(document):
            bodies = [operation["requestBody"]] if "requestBody" in operation else []
            bodies += [one for one in operation["responses"].values() if "content" in one]
            for body in bodies:
                for media_type, media in body["content"].items():
                    assert has_example(media, document), f"{name}: {media_type}"

    def test_takes_a_body_when_it_posts(self, gateway: Gateway) -> None:
        for name, operation in operations(gateway.app.openapi()):
            assert ("requestBody" in operation) == name.startswith("POST"), name

    def test_names_its_problems(self, gateway: Gateway) -> None:
        for name, operation in operations(gateway.app.openapi()):
            statuses = set(operation["responses"])
            assert "422" not in statuses, name
            if operation["security"]:
                assert {"401", "503", "504"} <= statuses, name
            if operation["x-required-permission"] in list(Permission):
                assert {"403", "429"} <= statuses, name
            for status, response in operation["responses"].items():
                if status >= "400" and not name.endswith("/health/ready"):
                    (media_type,) = response["content"]
                    assert media_type == "application/problem+json", name

    def test_knows_how_to_sign_in(self, gateway: Gateway) -> None:
        document = gateway.app.openapi()
        assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
        for name, operation in operations(document):
            is_open = ACCESS[name] is Entry.PUBLIC
            assert operation["security"] == ([] if is_open else [{"bearer": []}]), name

    def test_refers_only_to_schemas_that_are_there(self, gateway: Gateway) -> None:
        document = gateway.app.openapi()
        names = set(document["components"]["schemas"])
        text = str(document)
        referred = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}
        assert referred <= names
