"""Answers a question from the caller's documents: search, ask a model, cite, record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import structlog

from clientsphere_common.answers import NO_ANSWER
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.ids import new_id
from clientsphere_common.request import Caller, current_trace
from gateway.citations import cite
from gateway.model.answers import Answer, Delta, Finish, Passage, Question, Usage
from gateway.ports import AnswerModel, AuditJournal, PassageSearch
from gateway.prompt import PromptWriter
from gateway.question_facts import question_asked

log = structlog.get_logger(__name__)

DECLINED = "The documents do not contain the answer to this question."
_LONGEST_ANSWER_CHARS = 32_000
_AROUND_NO_ANSWER = " \t\r\n.\"'`*"


class Answering:
    """Asks one model at most, and none when no passage was found."""

    def __init__(
        self,
        search: PassageSearch,
        model: AnswerModel,
        journal: AuditJournal,
        prompt: PromptWriter,
        passages_per_answer: int,
    ) -> None:
        self._search = search
        self._model = model
        self._journal = journal
        self._prompt = prompt
        self._passages_per_answer = passages_per_answer

    async def answer(self, caller: Caller, question: Question) -> Answer:
        """The whole answer at once."""
        async for part in self.ask(caller, question):
            if isinstance(part, Answer):
                answer = part
        return answer

    async def ask(self, caller: Caller, question: Question) -> AsyncGenerator[Delta | Answer, None]:
        """The answer as it is written, then once more, whole and with its citations, last.

        The whole one counts: markers that cite nothing are gone from it. Its audit event is stored
        before it comes; a question that failed or was given up is recorded too.
        """
        passages: Sequence[Passage] = ()
        draft = _Draft()
        try:
            passages = await self._search.search(question, self._passages_per_answer)
            async for delta in self._write(question, passages, draft):
                yield delta
            answer = draft.answer(passages)
        except BaseException:
            await self._journal.record(caller, question_asked(question, passages, None))
            raise
        await self._journal.record(caller, question_asked(question, passages, answer))
        log.info(
            "question_answered",
            passages=len(passages),
            answered=answer.answered,
            citations=len(answer.citations),
            groundedness=round(answer.groundedness, 2),
        )
        yield answer

    async def _write(
        self, question: Question, passages: Sequence[Passage], draft: _Draft
    ) -> AsyncIterator[Delta]:
        if passages:
            instructions = self._prompt.instructions(passages)
            async for part in self._model.answer(question, instructions, passages):
                if isinstance(part, Finish):
                    draft.finish = part
                elif piece := draft.add(part.text):
                    yield Delta(piece)
        if piece := draft.rest():
            yield Delta(piece)


class _Draft:
    """What the model has written so far."""

    def __init__(self) -> None:
        self.finish = Finish(declined=True, model="", usage=Usage())
        self._text = ""
        self._held_back = ""

    def add(self, piece: str) -> str:
        """Take `piece`, and return what may be shown.

        The beginning is held back for as long as it could become the word for "no answer".
        Raises DependencyUnavailableError when the model does not stop.
        """
        self._text += piece
        if len(self._text) > _LONGEST_ANSWER_CHARS:
            raise DependencyUnavailableError("answer_too_long", "The model did not stop writing.")
        self._held_back += piece
        if NO_ANSWER.startswith(self._text.strip(_AROUND_NO_ANSWER)):
            return ""
        shown, self._held_back = self._held_back, ""
        return shown

    def rest(self) -> str:
        """What is to be shown when the model has finished."""
        return DECLINED if self._is_declined() else self._held_back

    def answer(self, passages: Sequence[Passage]) -> Answer:
        declined = self._is_declined()
        cited = cite("" if declined else self._text, passages)
        return Answer(
            id=new_id("ans"),
            answered=not declined,
            answer=DECLINED if declined else cited.text,
            citations=cited.citations,
            groundedness=cited.groundedness,
            model=self.finish.model,
            usage=self.finish.usage,
            request_id=current_trace().request_id,
        )

    def _is_declined(self) -> bool:
        bare = self._text.strip(_AROUND_NO_ANSWER)
        return self.finish.declined or bare in ("", NO_ANSWER)
