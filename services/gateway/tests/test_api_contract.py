"""What holds for every operation: a declared permission, documentation, examples, problems."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from starlette.responses import Response
from starlette.routing import Route

from clientsphere_common.access.model import Entry, Permission
from clientsphere_common.access.table import ROUTE_ACCESS
from gateway.api.access import GuardedRoute, check_access, routes_of
from gateway.api.route_classes import ROUTE_CLASSES
from gateway.limit_rules import RouteClass
from tests.harness.gateway import Gateway

PUT_OR_POST = ("POST", "PUT")
NOTHING_TO_SAY = (
    "POST /v1/webhooks/{webhook_id}/test",
    "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
)

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


def may_be_repeated(name: str) -> bool:
    """Every write, except those that anybody may ask for: nobody's key could come with them."""
    return not name.startswith("GET") and ROUTE_ACCESS[name] is not Entry.PUBLIC


ERROR_ROW = re.compile(r"^\| `(\w+)` \| (\d{3}) \|", re.MULTILINE)
BETWEEN_SERVICES = "the gateway checks what it sends, so a client is never told"
AT_START = "keeps a process from starting; the client is told `service_unavailable`"
NEVER_TOLD = {
    **dict.fromkeys(
        (
            *("caller_context_expired", "caller_context_invalid", "caller_missing"),
            *("caller_unknown", "event_too_large", "invalid_knowledge_base_name"),
            *("invalid_knowledge_base_id", "invalid_upload_id"),
            *("invalid_filter", "invalid_page_size", "invalid_sequence"),
            *("invalid_question", "invalid_top_k"),
            *("max_output_tokens_invalid", "model_not_found", "passage_number_invalid"),
            *("question_empty", "question_missing", "role_unknown", "text_count_invalid"),
            *("text_empty", "texts_too_large", "upload_header_missing"),
        ),
        BETWEEN_SERVICES,
    ),
    **dict.fromkeys(("certificates_unusable", "event_log_in_use", "secret_not_found"), AT_START),
    **dict.fromkeys(("invalid_audit_event", "invalid_event"), "goes to the dead letters"),
    "issuer_document_unavailable": "becomes `issuer_unavailable`",
}
"""Codes that no answer to a request has, with the reason."""


def errors_page() -> dict[str, int]:
    """The status of each code of requests."""
    page = (Path(__file__).parents[3] / "docs" / "errors.md").read_text()
    return {code: int(status) for code, status in ERROR_ROW.findall(page)}


def problem_examples(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of all operations, then of the responses that they share."""
    responses = [
        (status, response)
        for _, operation in operations(document)
        for status, response in operation["responses"].items()
    ]
    responses += [("", one) for one in document["components"]["responses"].values()]
    for status, response in responses:
        content = response.get("content", {}).get("application/problem+json", {})
        for code, example in content.get("examples", {}).items():
            assert status in ("", str(example["value"]["status"]))
            yield code, example["value"]


class TestEveryRoute:
    def test_has_a_row_in_the_access_table_and_every_row_a_route(self, gateway: Gateway) -> None:
        assert set(routes_of(gateway.app.routes)) == set(ROUTE_ACCESS)

    def test_has_a_class_and_every_class_a_route(self, gateway: Gateway) -> None:
        guarded = {
            name
            for name, route in routes_of(gateway.app.routes).items()
            if isinstance(route, GuardedRoute)
        }
        assert set(ROUTE_CLASSES) == guarded
        assert set(ROUTE_CLASSES.values()) == set(RouteClass)

    def test_without_a_class_cannot_even_be_made(self) -> None:
        with pytest.raises(LookupError, match="GET /docs has no class"):
            GuardedRoute("/docs", lambda: None, methods=["GET"])

    def test_without_a_row_cannot_even_be_made(self) -> None:
        router = APIRouter(route_class=GuardedRoute)
        with pytest.raises(LookupError, match="GET /open is not in the access table"):
            router.get("/open")(lambda: None)

    def test_without_a_row_keeps_the_gateway_from_starting(self, gateway: Gateway) -> None:
        gateway.app.add_route("/open", lambda _request: Response())
        with pytest.raises(LookupError, match="GET /open is not in the access table"):
            check_access(gateway.app.routes)

    def test_without_a_guard_keeps_the_gateway_from_starting(self) -> None:
        unguarded = Route("/v1/documents", lambda _request: Response())
        with pytest.raises(LookupError, match="GET /v1/documents is not a GuardedRoute"):
            check_access([unguarded])


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

    def test_takes_a_body_when_it_posts_or_puts(self, gateway: Gateway) -> None:
        for name, operation in operations(gateway.app.openapi()):
            takes_one = name.startswith(PUT_OR_POST) and name not in NOTHING_TO_SAY
            assert ("requestBody" in operation) == takes_one, name

    def test_names_its_problems(self, gateway: Gateway) -> None:
        for name, operation in operations(gateway.app.openapi()):
            statuses = set(operation["responses"])
            assert ("422" in statuses) == may_be_repeated(name), name
            if operation["security"]:
                assert {"401", "503", "504"} <= statuses, name
            if operation["x-required-permission"] in list(Permission):
                assert {"403", "429"} <= statuses, name
            for status, response in operation["responses"].items():
                if status >= "400" and not name.endswith("/health/ready"):
                    (media_type,) = response["content"]
                    assert media_type == "application/problem+json", name

    def test_takes_an_idempotency_key_when_it_writes(self, gateway: Gateway) -> None:
        for name, operation in operations(gateway.app.openapi()):
            headers = [
                one["name"] for one in operation.get("parameters", []) if one["in"] == "header"
            ]
            assert ("Idempotency-Key" in headers) == may_be_repeated(name), name
            if may_be_repeated(name):
                assert {"400", "409", "422"} <= set(operation["responses"]), name

    def test_knows_how_to_sign_in(self, gateway: Gateway) -> None:
        document = gateway.app.openapi()
        schemes = document["components"]["securitySchemes"]
        assert schemes["bearer"]["scheme"] == "bearer"
        assert schemes["session"]["name"] == "__Host-clientsphere_session"
        for name, operation in operations(document):
            is_open = ROUTE_ACCESS[name] is Entry.PUBLIC
            is_operators = ROUTE_ACCESS[name] is Entry.OPERATOR
            names = [] if is_open else ["bearer"] if is_operators else ["bearer", "session"]
            assert operation["security"] == [{one: []} for one in names], name

    def test_refers_only_to_schemas_that_are_there(self, gateway: Gateway) -> None:
        document = gateway.app.openapi()
        names = set(document["components"]["schemas"])
        text = str(document)
        referred = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}
        assert referred <= names

    def test_belongs_to_a_part_of_the_api_that_is_described(self, gateway: Gateway) -> None:
        document = gateway.app.openapi()
        described = {tag["name"] for tag in document["tags"] if tag["description"]}
        used = {tag for _, operation in operations(document) for tag in operation["tags"]}
        assert described == used

    def test_names_the_headers_of_its_answers(self, gateway: Gateway) -> None:
        document = gateway.app.openapi()
        known = document["components"]["headers"]
        for name, operation in operations(document):
            for status, response in operation["responses"].items():
                told = set(response["headers"])
                assert "X-Request-Id" in told <= set(known), name
                assert ("Retry-After" in told) == (status in ("429", "503")), name
                assert ("WWW-Authenticate" in told) == (status == "401"), name
                assert "ETag" in told or status != "304", name

    def test_shows_versions_where_it_asks_for_them(self, gateway: Gateway) -> None:
        for name, operation in operations(gateway.app.openapi()):
            asks = {one["name"] for one in operation.get("parameters", ())}
            statuses = set(operation["responses"])
            assert ("if-none-match" in asks) == ("304" in statuses), name
            assert ("if-match" in asks) == ("412" in statuses), name


class TestEveryProblem:
    def test_that_a_request_can_meet_has_an_example(self, gateway: Gateway) -> None:
        shown = {code for code, _ in problem_examples(gateway.app.openapi())}
        assert shown | set(NEVER_TOLD) == set(errors_page())
        assert shown & set(NEVER_TOLD) == set()

    def test_is_shown_with_the_status_that_it_has(self, gateway: Gateway) -> None:
        statuses = errors_page()
        for code, example in problem_examples(gateway.app.openapi()):
            assert (example["code"], example["status"]) == (code, statuses[code])
            assert example["type"].endswith(f":{code}")
