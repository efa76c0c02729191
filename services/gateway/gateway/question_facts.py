"""What the audit trail keeps of a question: what was returned for it, and a hash of its text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from clientsphere_common.audit_events import AuditFact
from gateway.model.answers import Answer, Passage, Question


def question_asked(
    question: Question, passages: Sequence[Passage], answer: Answer | None
) -> AuditFact:
    """`answer` is None when there was none: the question failed, or its asker left."""
    if answer is None:
        return AuditFact("question.asked", outcome="failed", details=_details(question, passages))
    details = {
        **_details(question, passages),
        "answered": str(answer.answered).lower(),
        "model": answer.model,
    }
    return AuditFact("question.asked", "answer", answer.id, details=details)


def passages_searched(question: Question, passages: Sequence[Passage]) -> AuditFact:
    return AuditFact("passages.searched", details=_details(question, passages))


def _details(question: Question, passages: Sequence[Passage]) -> dict[str, str]:
    documents = dict.fromkeys(passage.document_id for passage in passages)
    return {
        "question_sha256": hashlib.sha256(question.text.encode()).hexdigest(),
        "documents": ",".join(documents),
    }
