"""Finds passages for people who want to read rather than be answered."""

from __future__ import annotations

from collections.abc import Sequence

from clientsphere_common.request import Caller
from gateway.model.answers import Passage, Question
from gateway.ports import AuditJournal, PassageSearch
from gateway.question_facts import passages_searched


class Searching:
    def __init__(self, search: PassageSearch, journal: AuditJournal) -> None:
        self._search = search
        self._journal = journal

    async def search(self, caller: Caller, question: Question, top_k: int) -> Sequence[Passage]:
        """The best passages, recorded in the audit trail before they are handed out."""
        passages = await self._search.search(question, top_k)
        await self._journal.record(caller, passages_searched(question, passages))
        return passages
