"""Ends a call when the request on whose behalf it is made has no more time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clientsphere_common.errors import DeadlineExceededError
from clientsphere_common.request import remaining_s


@asynccontextmanager
async def within_request_time() -> AsyncIterator[None]:
    """Cancel what runs inside at the request's deadline, and raise DeadlineExceededError.

    Around a breaker, so that what a hurried caller cuts short is no failure of the dependency.
    """
    left_s = remaining_s(math.inf)
    deadline = asyncio.timeout(None if math.isinf(left_s) else left_s)
    try:
        async with deadline:
            yield
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise DeadlineExceededError("deadline_exceeded", "The request took too long.") from error
