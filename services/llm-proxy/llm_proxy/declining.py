"""Recognises a written answer that says nothing but that there is none."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from clientsphere_common.answers import NO_ANSWER
from clientsphere_common.errors import DependencyUnavailableError
from llm_proxy.model import Finish, FinishReason


async def spot_declining(
    parts: AsyncGenerator[str | Finish, None],
) -> AsyncGenerator[str | Finish, None]:
    """`parts`, but an answer of exactly NO_ANSWER becomes a finish with reason DECLINED.

    Text is held back only as long as it may still turn out to be that marker. Closing this closes
    `parts`. Raises DependencyUnavailableError when the model stops without having said anything.
    """
    held: str | None = ""
    async with aclosing(parts):
        async for part in parts:
            if held is None:
                yield part
            elif isinstance(part, str):
                held += part
                if not NO_ANSWER.startswith(held.strip()):
                    yield held
                    held = None
            else:
                for judged in _judge(held, part):
                    yield judged


def _judge(answer: str, finish: Finish) -> tuple[str | Finish, ...]:
    """What to pass on for a whole answer that was held back until its end."""
    if answer.strip() == NO_ANSWER:
        return (replace(finish, reason=FinishReason.DECLINED),)
    if answer.strip():
        return (answer, finish)
    if finish.reason is FinishReason.STOP:
        raise DependencyUnavailableError("answer_empty", "The model answered nothing.")
    return (finish,)
