"""When a process says that it is ready."""

from __future__ import annotations

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.process.state import ProcessState
from clientsphere_common.readiness import Check


async def fine() -> None:
    return None


async def away() -> None:
    raise DependencyUnavailableError("tables_unavailable", "The tables are away.")


async def obstacle(state: ProcessState) -> str | None:
    (finding,) = (await state.report()).findings
    return finding.error


class TestProcessState:
    async def test_is_not_ready_before_it_serves(self) -> None:
        state = ProcessState()
        assert (await state.report()).state == "failing"
        assert await obstacle(state) == "It is starting."

    async def test_says_what_it_waits_for(self) -> None:
        state = ProcessState()
        state.waits("It waits for its key.")
        assert await obstacle(state) == "It waits for its key."

    async def test_is_ready_when_everything_that_it_requires_answers(self) -> None:
        state = ProcessState()
        state.serves([Check("tables", fine)])
        assert (await state.report()).state == "ok"

    async def test_is_not_ready_while_something_that_it_requires_is_away(self) -> None:
        state = ProcessState()
        state.serves([Check("tables", away)])
        assert (await state.report()).state == "failing"
        assert await obstacle(state) == "The tables are away."

    async def test_works_on_without_the_rest(self) -> None:
        state = ProcessState()
        state.serves([Check("tables", fine), Check("cache", away, is_required=False)])
        assert (await state.report()).state == "degraded"

    async def test_is_not_ready_once_it_stops_whatever_answers(self) -> None:
        state = ProcessState()
        state.serves([Check("tables", fine)])
        state.stops()
        assert (await state.report()).state == "failing"
        assert await obstacle(state) == "It is stopping."
