"""Answers and their citations on the wire."""

from __future__ import annotations

from pydantic import StrictBool

from gateway.api.schemas.common import Example, ResponseBody, examples
from gateway.api.schemas.search import EXAMPLE_QUESTION, Asking

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


class ChatBody(Asking):
    model_config = examples(
        {"question": EXAMPLE_QUESTION},
        {
            "question": EXAMPLE_QUESTION,
            "knowledge_base_ids": ["kb_6d0f8a1c2b3e4d5f8a7b6c5d4e3f2a1b"],
            "stream": True,
        },
    )

    stream: StrictBool | None = None
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
