"""Finds the passages that fit a question, of those that its caller may read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from clientsphere_common.access.audience import reader_of
from clientsphere_common.errors import InvalidInputError
from clientsphere_common.request import Caller
from clientsphere_common.vectors.model import FoundPassage, HybridQuery
from clientsphere_common.vectors.ports import PassageSource
from retrieval.ports import QuestionEmbedder

MAX_QUESTION_CHARS = 4000
MAX_TOP_K = 50
_DEFAULT_TOP_K = 8


@dataclass(frozen=True)
class Selection:
    """How passages are chosen from those that the index found."""

    candidates: int
    """Asked of the index, so that enough are left when some are passed over."""
    per_document: int | None = None
    """Most passages of one document; None: as many as fit."""


class PassageSearch:
    """Searches in words and in meaning at once; copies of a passage are given once."""

    def __init__(
        self, index: PassageSource, embedder: QuestionEmbedder, selection: Selection
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._selection = selection

    async def search(
        self, caller: Caller, question: str, knowledge_base_ids: Sequence[str], top_k: int
    ) -> list[FoundPassage]:
        """At most `top_k` passages, best first; 0 means 8.

        Raises InvalidInputError for an empty or overlong question or a `top_k` out of range.
        """
        question, top_k = _checked(question, top_k)
        query = HybridQuery(
            text=question,
            vector=await self._embedder.embed(caller.tenant_id, question),
            limit=max(top_k, self._selection.candidates),
            reader=reader_of(caller),
            knowledge_base_ids=tuple(knowledge_base_ids),
        )
        found = await self._index.search(caller.tenant_id, query)
        return list(islice(_selected(found, self._selection.per_document), top_k))


def _checked(question: str, top_k: int) -> tuple[str, int]:
    question = question.strip()
    if not 1 <= len(question) <= MAX_QUESTION_CHARS:
        raise InvalidInputError(
            "invalid_question", f"A question has 1 to {MAX_QUESTION_CHARS} characters."
        )
    if not 0 <= top_k <= MAX_TOP_K:
        raise InvalidInputError("invalid_top_k", f"top_k is a number from 1 to {MAX_TOP_K}.")
    return question, top_k or _DEFAULT_TOP_K


def _selected(passages: Iterable[FoundPassage], per_document: int | None) -> Iterator[FoundPassage]:
    """`passages` without copies of a better one and without more of a document than allowed.

    A copy has the same headings too: under another one the same words state another fact.
    """
    seen: set[tuple[tuple[str, ...], str]] = set()
    count_of = Counter[str]()
    for passage in passages:
        content = (passage.heading_path, " ".join(passage.text.split()))
        is_used_up = per_document is not None and count_of[passage.document_id] >= per_document
        if content not in seen and not is_used_up:
            seen.add(content)
            count_of[passage.document_id] += 1
            yield passage
