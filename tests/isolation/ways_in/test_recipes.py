"""What the suite does not know fails it, with a sentence that says what to add."""

from __future__ import annotations

import pytest

from tests.isolation.ways_in.plans import (
    Operation,
    RecipeMissingError,
    Slot,
    operations_of,
    plans_of_method,
    plans_of_route,
)

NOTES = "POST /v1/knowledge-bases"
"""Has a recipe, which says nothing of notes."""


def operation(
    route: str, *parameters: tuple[str, str], fields: frozenset[str] | None = None
) -> Operation:
    has_body = fields is not None
    return Operation(route, parameters, has_body, fields or frozenset(), frozenset({200}))


class TestWhatIsMissing:
    @pytest.mark.parametrize(
        ("described", "sentence"),
        [
            (operation("GET /v1/notes/{note_id}", ("path", "note_id")), "add it to IDS"),
            (operation("GET /v1/notes", ("query", "colour")), "or to PLAIN"),
            (operation("GET /v1/notes", ("header", "X-Note")), "or to PLAIN"),
            (operation("POST /v1/notes", fields=frozenset({"name"})), "add a recipe to ROUTES"),
            (operation(NOTES, fields=frozenset({"name", "note_id"})), "'note_id', which no recipe"),
            (operation(NOTES, fields=frozenset({"name", "role_id"})), "'role_id', which no recipe"),
        ],
    )
    def test_of_a_route_is_said(self, described: Operation, sentence: str) -> None:
        with pytest.raises(RecipeMissingError, match=sentence):
            plans_of_route(described.route, described)

    def test_of_a_method_is_said(self) -> None:
        with pytest.raises(RecipeMissingError, match="add one to METHODS"):
            plans_of_method("/notes.v1.Notes/Get", frozenset())

    def test_of_a_field_of_a_method_is_said(self) -> None:
        method = "/clientsphere.ingestion.v1.IngestionService/CreateKnowledgeBase"
        with pytest.raises(RecipeMissingError, match="'owner_id', which no recipe fills"):
            plans_of_method(method, frozenset({"name", "owner_id"}))


class TestPlans:
    def test_of_a_route_of_known_ids_need_no_recipe(self) -> None:
        route = "GET /v1/knowledge-bases/{knowledge_base_id}/notes"
        (plan,) = plans_of_route(route, operation(route, ("path", "knowledge_base_id")))
        assert plan.slots == (Slot("path", "knowledge_base_id", "knowledge base"),)

    def test_know_the_fields_that_a_body_refers_to(self) -> None:
        schema = {"properties": {"filters": {"items": {"$ref": "#/components/schemas/Filter"}}}}
        filters = {"anyOf": [{"properties": {"note_id": {"type": "string"}}}, {"type": "null"}]}
        content = {"application/json": {"schema": schema}}
        document = {
            "components": {"schemas": {"Filter": filters}},
            "paths": {
                "/v1/notes": {
                    "post": {
                        "requestBody": {"content": content},
                        "responses": {"201": {}, "4XX": {}},
                    }
                }
            },
        }
        found = operations_of(document)["POST /v1/notes"]
        assert found.body_fields == {"filters", "note_id"}
        assert found.successes == {201}
