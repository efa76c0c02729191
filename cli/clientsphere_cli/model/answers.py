"""Answers with their citations, and passages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    rank: int
    document_id: str
    document_name: str
    knowledge_base_id: str
    page: int | None
    heading_path: tuple[str, ...]
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Citation:
    """`start` and `end` count code points of the document's extracted text."""

    number: int
    document_id: str
    document_name: str
    page: int | None
    heading_path: tuple[str, ...]
    quote: str
    start: int
    end: int


@dataclass(frozen=True)
class Usage:
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Answer:
    id: str
    answered: bool
    answer: str
    citations: tuple[Citation, ...]
    groundedness: float
    model: str
    usage: Usage
    request_id: str


@dataclass(frozen=True)
class Delta:
    """The next piece of an answer that is being written."""

    text: str
