"""Questions, the passages found for them, and answers with their citations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    text: str
    knowledge_base_ids: tuple[str, ...] = ()
    """Empty: all of the tenant."""


@dataclass(frozen=True)
class Passage:
    rank: int
    """From 1; the number under which an answer cites it."""
    document_id: str
    document_name: str
    knowledge_base_id: str
    page: int | None
    heading_path: tuple[str, ...]
    start: int
    end: int
    """Code points of the document's extracted text: [start, end)."""
    text: str


@dataclass(frozen=True)
class Citation:
    """What one sentence of an answer rests on, word for word."""

    number: int
    """Of the passage; the answer's text names it as [number]."""
    document_id: str
    document_name: str
    page: int | None
    heading_path: tuple[str, ...]
    quote: str
    start: int
    end: int
    """Where the quote stands in the document's extracted text: [start, end) in code points."""


@dataclass(frozen=True)
class Usage:
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True)
class Answer:
    id: str
    answered: bool
    answer: str
    citations: tuple[Citation, ...]
    groundedness: float
    """0 to 1: the share of the answer's sentences that their citations support."""
    model: str
    """Empty when no model was asked."""
    usage: Usage
    request_id: str


@dataclass(frozen=True)
class Delta:
    """The next piece of an answer that is being written."""

    text: str


@dataclass(frozen=True)
class Finish:
    """How a model ended its answer."""

    declined: bool
    model: str
    usage: Usage
