"""What is remembered of the tables, and for how long it is believed."""

from __future__ import annotations

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from gateway.remembered import LIFETIME_S, Remembered
from tests.harness.gateway import Clock


class Table:
    """One value; looking it up takes `takes_s` seconds."""

    def __init__(self, clock: Clock, value: str | None = "old") -> None:
        self._clock = clock
        self.value = value
        self.takes_s = 0.0
        self.asked = 0

    async def look_up(self) -> str | None:
        self.asked += 1
        found = self.value
        self._clock.now_s += self.takes_s
        return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(clock: Clock) -> Table:
    return Table(clock)


@pytest.fixture
def remembered(clock: Clock) -> Remembered[str]:
    return Remembered(clock)


class TestRemembered:
    async def test_asks_once_while_it_remembers(
        self, remembered: Remembered[str], table: Table
    ) -> None:
        for _ in range(3):
            assert await remembered.find("a", table.look_up) == "old"
        assert table.asked == 1

    async def test_believes_an_answer_for_four_seconds(
        self, remembered: Remembered[str], table: Table, clock: Clock
    ) -> None:
        await remembered.find("a", table.look_up)
        table.value = "new"
        clock.now_s += 3.75
        assert await remembered.find("a", table.look_up) == "old"
        clock.now_s += 0.25
        assert await remembered.find("a", table.look_up) == "new"

    async def test_counts_from_the_question_and_not_from_the_answer(
        self, remembered: Remembered[str], table: Table, clock: Clock
    ) -> None:
        table.takes_s = LIFETIME_S - 1
        await remembered.find("a", table.look_up)
        table.value, table.takes_s = "new", 0.0
        clock.now_s += 1
        assert await remembered.find("a", table.look_up) == "new"

    async def test_does_not_believe_an_answer_that_came_late(
        self, remembered: Remembered[str], table: Table
    ) -> None:
        table.takes_s = LIFETIME_S
        with pytest.raises(DependencyUnavailableError):
            await remembered.find("a", table.look_up)

    async def test_knows_at_once_what_was_written_here(
        self, remembered: Remembered[str], table: Table
    ) -> None:
        await remembered.find("a", table.look_up)
        remembered.replace("a", "new")
        assert await remembered.find("a", table.look_up) == "new"

    async def test_prefers_what_was_written_here_to_an_older_answer(
        self, remembered: Remembered[str]
    ) -> None:
        async def look_up_while_it_is_written() -> str:
            remembered.replace("a", "new")
            return "old"

        assert await remembered.find("a", look_up_while_it_is_written) == "new"
        assert remembered.recall("a") == "new"

    async def test_does_not_remember_that_there_is_nothing(
        self, remembered: Remembered[str], table: Table
    ) -> None:
        table.value = None
        assert await remembered.find("a", table.look_up) is None
        table.value = "new"
        assert await remembered.find("a", table.look_up) == "new"

    async def test_has_room_for_4096_and_forgets_what_came_first(
        self, remembered: Remembered[str], table: Table
    ) -> None:
        for number in range(4096):
            await remembered.find(str(number), table.look_up)
        remembered.replace("0", "new")
        await remembered.find("one more", table.look_up)
        assert remembered.recall("0") == "new"
        assert remembered.recall("1") is None
        assert remembered.recall("2") == "old"

    async def test_loses_nothing_to_those_who_ask_for_what_there_is_not(
        self, remembered: Remembered[str], table: Table
    ) -> None:
        await remembered.find("a", table.look_up)
        table.value = None
        for number in range(5000):
            assert await remembered.find(str(number), table.look_up) is None
        assert remembered.recall("a") == "old"
