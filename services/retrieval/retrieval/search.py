"""Finds the passages of a tenant that fit a question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from clientsphere_common.errors import InvalidInputError
from clientsphere_common.request import Caller
from clientsphere_common.vectors.model import FoundPassage, HybridQuery
from clientsphere_common.vectors.ports import PassageIndex
from retrieval.ports import QuestionEmbedder

MAX_QUESTION_CHARS = 4000
MAX_TOP_K = 50
_DEFAULT_TOP_K = 8


class PassageSearch:
    """Searches in words and in meaning at once; copies of a passage are given once."""

    def __init__(
        self, index: PassageIndex, embedder: QuestionEmbedder, spare_passages: int
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._spare_passages = spare_passages

    async def search(
        self, caller: Caller, question: str, knowledge_base_ids: Sequence[str], top_k: int
    ) -> list[FoundPassage]:
        """At most `top_k` passages, best first; 0 means 8.

        Raises InvalidInputError for an empty or overlong question or a `top_k` out of range.
        """
        question, top_k = _checked(question, top_k)
        query = HybridQuery(
            text=question,
            vector=await self._embedder.embed(question),
            limit=top_k + self._spare_passages,
            knowledge_base_ids=tuple(knowledge_base_ids),
        )
        found = await self._index.search(caller.tenant_id, query)
        return list(_without_copies(found))[:top_k]


def _checked(question: str, top_k: int) -> tuple[str, int]:
    question = question.strip()
    if not 1 <= len(question) <= MAX_QUESTION_CHARS:
        raise InvalidInputError(
            "invalid_question", f"A question has 1 to {MAX_QUESTION_CHARS} characters."
        )
    if not 0 <= top_k <= MAX_TOP_K:
        raise InvalidInputError("invalid_top_k", f"top_k is a number from 1 to {MAX_TOP_K}.")
    return question, top_k or _DEFAULT_TOP_K


def _without_copies(passages: Iterable[FoundPassage]) -> Iterator[FoundPassage]:
    """The same text in two documents would crowd out other passages; the best one stays."""
    seen: set[str] = set()
    for passage in passages:
        words = " ".join(passage.text.split())
        if words not in seen:
            seen.add(words)
            yield passage
