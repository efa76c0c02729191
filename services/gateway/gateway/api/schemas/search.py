"""Questions and the passages found for them, on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.api.schemas.common import WHOLE, Example, Id, RequestBody, ResponseBody, examples

EXAMPLE_QUESTION = "How many days of annual leave does a full-time employee get?"
_PASSAGE: Example = {
    "rank": 1,
    "document_id": "doc_9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d",
    "document_name": "employee-handbook.pdf",
    "knowledge_base_id": "kb_6d0f8a1c2b3e4d5f8a7b6c5d4e3f2a1b",
    "page": 7,
    "heading_path": ["Time off", "Annual leave"],
    "start": 11820,
    "end": 12404,
    "text": "Full-time employees get 25 days of paid annual leave. ...",
}


class Asking(RequestBody):
    question: Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=r"\S")]
    knowledge_base_ids: Annotated[tuple[Id, ...], Field(max_length=100)] = ()
    """Where to look; empty: everywhere. Unknown ids match nothing."""


class SearchBody(Asking):
    model_config = examples({"question": EXAMPLE_QUESTION, "top_k": 3})

    top_k: Annotated[int, Field(ge=1, le=50), WHOLE] = 8


class PassageBody(ResponseBody):
    rank: int
    """From 1, best first."""
    document_id: str
    document_name: str
    knowledge_base_id: str
    page: int | None
    """From 1; null when the format has no pages."""
    heading_path: list[str]
    start: int
    end: int
    """Characters of the document's extracted text: from `start` up to but not including `end`."""
    text: str


class PassageList(ResponseBody):
    model_config = examples({"passages": [_PASSAGE]})

    passages: list[PassageBody]
