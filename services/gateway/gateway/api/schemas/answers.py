"""Questions, passages and answers on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.api.schemas.common import Example, Id, RequestBody, ResponseBody, examples

_QUESTION = "How many days of annual leave does a full-time employee get?"
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
EXAMPLE_ANSWER: Example = {
    "id": "ans_2f1e0d9c8b7a69584736251403f2e1d0",
    "answered": True,
    "answer": "Full-time employees get 25 days of paid annual leave. [1]",
    "citations": [
        {
            "number": 1,
            "document_id": "doc_9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d",
            "document_name": "employee-handbook.pdf",
            "page": 7,
            "heading_path": ["Time off", "Annual leave"],
            "quote": "Full-time employees get 25 days of paid annual leave.",
            "start": 11820,
            "end": 11873,
        }
    ],
    "groundedness": 1.0,
    "model": "extractive",
    "usage": {"input_tokens": 612, "output_tokens": 10},
    "request_id": "req_5f0c1d2e3b4a59687766554d",
}


class Asking(RequestBody):
    question: Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=r"\S")]
    knowledge_base_ids: Annotated[tuple[Id, ...], Field(max_length=100)] = ()
    """Where to look; empty: everywhere. Unknown ids match nothing."""


class SearchBody(Asking):
    model_config = examples({"question": _QUESTION, "top_k": 3})

    top_k: Annotated[int, Field(ge=1, le=50)] = 8


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


class ChatBody(Asking):
    model_config = examples(
        {"question": _QUESTION},
        {
            "question": _QUESTION,
            "knowledge_base_ids": ["kb_6d0f8a1c2b3e4d5f8a7b6c5d4e3f2a1b"],
            "stream": True,
        },
    )

    stream: bool | None = None
    """Stream the answer as server-sent events. Missing: when `Accept` is `text/event-stream`."""


class CitationBody(ResponseBody):
    number: int
    """The `n` of the markers `[n]` in the answer's text."""
    document_id: str
    document_name: str
    page: int | None
    heading_path: list[str]
    quote: str
    """Word for word what the document says."""
    start: int
    end: int
    """Where the quote stands in the document's extracted text."""


class UsageBody(ResponseBody):
    input_tokens: int
    output_tokens: int


class AnswerBody(ResponseBody):
    model_config = examples(EXAMPLE_ANSWER)

    id: str
    answered: bool
    """False: the documents do not contain the answer, and `answer` says so."""
    answer: str
    """With a marker `[n]` after each sentence that a citation supports."""
    citations: list[CitationBody]
    groundedness: float
    """0 to 1: the share of the answer's sentences that their citations support."""
    model: str
    """Empty when no model was asked."""
    usage: UsageBody
    request_id: str
