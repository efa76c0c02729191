"""Calls end when the request in hand has no more time."""

from __future__ import annotations

import asyncio

import pytest

from clientsphere_common.errors import DeadlineExceededError
from clientsphere_common.request import set_timeout
from clientsphere_common.resilience.timeouts import within_request_time


class TestWithinRequestTime:
    async def test_a_call_that_goes_on_is_cancelled_at_the_deadline(self) -> None:
        set_timeout(0.02)
        with pytest.raises(DeadlineExceededError) as failed:
            async with within_request_time():
                await asyncio.Event().wait()
        assert failed.value.code == "deadline_exceeded"

    async def test_nothing_is_begun_after_the_deadline(self) -> None:
        set_timeout(0)
        with pytest.raises(DeadlineExceededError):
            async with within_request_time():
                pytest.fail("it was begun")

    async def test_without_a_deadline_there_is_none(self) -> None:
        async with within_request_time():
            await asyncio.sleep(0)

    async def test_a_timeout_of_the_call_itself_stays_one(self) -> None:
        set_timeout(60)
        with pytest.raises(TimeoutError):
            async with within_request_time():
                raise TimeoutError
