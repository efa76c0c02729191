"""The request in hand: its caller, its ids and its deadline."""

from __future__ import annotations

import asyncio
import re

import pytest

from clientsphere_common.errors import DeadlineExceededError, UnauthenticatedError
from clientsphere_common.request import (
    Caller,
    Trace,
    current_caller,
    current_trace,
    new_trace,
    remaining_s,
    set_caller,
    set_timeout,
    set_trace,
)


class TestCurrentCaller:
    async def test_outside_a_request_there_is_none(self) -> None:
        with pytest.raises(UnauthenticatedError) as refused:
            current_caller()
        assert refused.value.code == "caller_missing"

    async def test_is_the_one_that_was_set(self) -> None:
        caller = Caller("tnt_a", "usr_1", ("viewer",))
        set_caller(caller)
        assert current_caller() is caller

    async def test_goes_along_into_tasks_but_does_not_come_back_from_them(self) -> None:
        set_caller(Caller("tnt_a", "usr_1"))

        async def act_for_another_tenant() -> str:
            inherited = current_caller().tenant_id
            set_caller(Caller("tnt_b", "usr_2"))
            return inherited

        assert await asyncio.create_task(act_for_another_tenant()) == "tnt_a"
        assert current_caller().tenant_id == "tnt_a"


class TestTrace:
    async def test_keeps_what_the_caller_sent(self) -> None:
        assert new_trace("req_1", "00-a-b-01") == Trace("req_1", "00-a-b-01")

    async def test_makes_up_what_is_missing(self) -> None:
        trace = new_trace()
        assert re.fullmatch(r"req_[0-9a-f]{24}", trace.request_id)
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", trace.traceparent)

    async def test_stays_the_same_once_begun(self) -> None:
        assert current_trace() is current_trace()

    async def test_is_the_one_that_was_set(self) -> None:
        trace = new_trace()
        set_trace(trace)
        assert current_trace() is trace


class TestRemaining:
    async def test_without_a_deadline_a_step_may_take_all_it_asks_for(self) -> None:
        assert remaining_s(5) == 5

    async def test_a_near_deadline_shortens_the_step(self) -> None:
        set_timeout(2)
        assert 1 < remaining_s(5) <= 2

    async def test_a_far_deadline_leaves_the_step_alone(self) -> None:
        set_timeout(60)
        assert remaining_s(5) == 5

    async def test_after_the_deadline_no_step_begins(self) -> None:
        set_timeout(0)
        with pytest.raises(DeadlineExceededError):
            remaining_s(5)
