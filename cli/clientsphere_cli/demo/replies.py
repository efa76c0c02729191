"""Which questions are asked as one company and which as several, and what came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from clientsphere_cli.model.answers import Answer
from clientsphere_cli.samples.catalog import DemoQuestion, SampleTenant


@dataclass(frozen=True)
class Reply:
    question: DemoQuestion
    answer: Answer
    complaint: str | None
    """What is wrong with the answer; None when it is what the catalogue expects."""


def asked_by_one(questions: Sequence[DemoQuestion], tenant: SampleTenant) -> list[DemoQuestion]:
    """The questions of `tenant` that nobody else asks."""
    shared = {same[0].question for same in asked_by_several(questions)}
    return [one for one in questions if one.tenant == tenant and one.question not in shared]


def asked_by_several(questions: Sequence[DemoQuestion]) -> list[list[DemoQuestion]]:
    """The questions that more than one tenant asks, those with the same words together."""
    times_asked = Counter(one.question for one in questions)
    return [
        [one for one in questions if one.question == words]
        for words, times in times_asked.items()
        if times > 1
    ]
