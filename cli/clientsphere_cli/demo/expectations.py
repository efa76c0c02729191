"""What makes an answer of the demo a right one; a demo that only looks right is none."""

from __future__ import annotations

from collections.abc import Set

from clientsphere_cli.model.answers import Answer, Citation
from clientsphere_cli.samples.catalog import DemoQuestion


def complaint(question: DemoQuestion, answer: Answer, own_document_ids: Set[str]) -> str | None:
    """What is wrong with `answer`, in words; None when it is what the catalogue expects."""
    if any(citation.document_id not in own_document_ids for citation in answer.citations):
        return "it cites a document of somebody else"
    if question.document is None:
        return "it should have been declined" if answer.answered else None
    if not answer.answered:
        return f"it was declined, but {question.document} has the answer"
    cited = [citation for citation in answer.citations if _is_where_expected(citation, question)]
    if not cited:
        return f"it does not cite {_expected_place(question)}"
    quoted = " ".join(" ".join(citation.quote.split()) for citation in cited)
    missing = [words for words in question.expect if words not in quoted]
    return f"what it quotes does not say {missing[0]!r}" if missing else None


def _is_where_expected(citation: Citation, question: DemoQuestion) -> bool:
    if citation.document_name != question.document:
        return False
    return question.page in (0, citation.page)


def _expected_place(question: DemoQuestion) -> str:
    return f"{question.document}, page {question.page}" if question.page else f"{question.document}"
