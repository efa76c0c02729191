"""When a written answer says only that there is none."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from clientsphere_common.answers import NO_ANSWER
from clientsphere_common.errors import DependencyUnavailableError
from llm_proxy.declining import spot_declining
from llm_proxy.model import Finish, FinishReason, Usage


def finish(reason: FinishReason = FinishReason.STOP) -> Finish:
    return Finish(reason, "fake", Usage(10, 2))


async def spot(*parts: str | Finish) -> list[str | Finish]:
    async def generate() -> AsyncGenerator[str | Finish, None]:
        for part in parts:
            yield part

    return [part async for part in spot_declining(generate())]


class TestMarker:
    @pytest.mark.parametrize(
        "pieces", [(NO_ANSWER,), ("NO", "_ANS", "WER"), (" ", NO_ANSWER, "\n"), ("", NO_ANSWER)]
    )
    async def test_alone_declines_without_text(self, pieces: tuple[str, ...]) -> None:
        assert await spot(*pieces, finish()) == [finish(FinishReason.DECLINED)]

    async def test_with_more_text_is_an_answer(self) -> None:
        parts = await spot(NO_ANSWER, " is what I write when", finish())
        assert "".join(map(str, parts[:-1])) == f"{NO_ANSWER} is what I write when"
        assert parts[-1] == finish()

    async def test_begun_but_not_completed_is_an_answer(self) -> None:
        assert await spot("NO", finish()) == ["NO", finish()]


class TestAnswer:
    async def test_passes_piece_by_piece(self) -> None:
        assert await spot("28", " days", ".", finish()) == ["28", " days", ".", finish()]

    async def test_is_not_held_back_once_it_cannot_be_the_marker(self) -> None:
        async def endless() -> AsyncGenerator[str | Finish, None]:
            yield "N"
            yield "obody"
            raise AssertionError("read on without need")

        assert await anext(spot_declining(endless())) == "Nobody"

    async def test_of_nothing_is_an_error(self) -> None:
        with pytest.raises(DependencyUnavailableError) as failed:
            await spot(" ", finish())
        assert failed.value.code == "answer_empty"

    @pytest.mark.parametrize("reason", [FinishReason.LENGTH, FinishReason.DECLINED])
    async def test_of_nothing_for_a_reason_passes(self, reason: FinishReason) -> None:
        assert await spot(finish(reason)) == [finish(reason)]

    async def test_without_finish_ends_without_finish(self) -> None:
        assert await spot("28") == ["28"]


class TestClosing:
    async def test_closes_the_model(self) -> None:
        closed = []

        async def generate() -> AsyncGenerator[str | Finish, None]:
            try:
                yield "first"
                yield "second"
            finally:
                closed.append(True)

        parts = spot_declining(generate())
        await anext(parts)
        await parts.aclose()
        assert closed == [True]
