"""A secret that is followed is the newest at every moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from clientsphere_common.errors import NotFoundError
from clientsphere_common.modules import Watched
from clientsphere_common.secrets.environment import EnvironmentSource
from clientsphere_common.secrets.following import FollowedSecret, optional_secret
from clientsphere_common.secrets.polled import PolledSecrets

VARIABLE = "CLIENTSPHERE_KAFKA_PASSWORD"


class Rotated:
    """A secret and the place that keeps it."""

    def __init__(self) -> None:
        self._environment = {VARIABLE: "first"}
        self.secrets = PolledSecrets(EnvironmentSource(self._environment), refresh_interval_s=3600)

    async def rotate(self, value: str) -> None:
        self._environment[VARIABLE] = value
        await self.secrets.refresh()
        await self.turn()

    async def turn(self) -> None:
        """One turn of the loop for the news to be heard, one for it to be acted upon."""
        await asyncio.sleep(0)
        await asyncio.sleep(0)


@asynccontextmanager
async def started(followed: FollowedSecret) -> AsyncIterator[FollowedSecret]:
    await followed.start()
    try:
        yield followed
    finally:
        await followed.stop()


class TestFollowedSecret:
    async def test_holds_the_value_from_its_start_on(self) -> None:
        async with started(FollowedSecret(Rotated().secrets, "kafka-password")) as followed:
            assert followed.value == "first"

    async def test_holds_the_newest_value_after_each_rotation(self) -> None:
        place = Rotated()
        async with started(FollowedSecret(place.secrets, "kafka-password")) as followed:
            await place.rotate("second")
            assert followed.value == "second"
            await place.rotate("third")
            assert followed.value == "third"

    async def test_tells_who_wants_to_know_about_later_values_only(self) -> None:
        place, told = Rotated(), list[str]()
        async with started(FollowedSecret(place.secrets, "kafka-password", [told.append])):
            await place.rotate("second")
            await place.rotate("second")
            assert told == ["second"]

    async def test_follows_no_longer_once_stopped(self) -> None:
        place, told = Rotated(), list[str]()
        async with started(FollowedSecret(place.secrets, "kafka-password", [told.append])):
            pass
        await place.rotate("second")
        assert told == []

    async def test_does_not_start_without_a_value(self) -> None:
        followed = FollowedSecret(Rotated().secrets, "no-such-secret")
        with pytest.raises(NotFoundError):
            await followed.start()
        await followed.stop()

    async def test_has_no_value_before_it_was_started(self) -> None:
        followed = FollowedSecret(Rotated().secrets, "kafka-password")
        with pytest.raises(RuntimeError, match="has not been read yet"):
            _ = followed.value

    async def test_goes_on_after_a_value_that_cannot_be_used(self) -> None:
        taken = list[str]()

        def take(value: str) -> None:
            if value == "second":
                raise ValueError("not a key: second")
            taken.append(value)

        place = Rotated()
        with capture_logs() as logs:
            async with started(FollowedSecret(place.secrets, "kafka-password", [take])):
                await place.rotate("second")
                await place.rotate("third")
        assert taken == ["third"]
        assert [log["event"] for log in logs if log["log_level"] == "error"] == ["secret_unusable"]
        assert "second" not in str(logs)

    async def test_does_not_read_again_what_is_known(self) -> None:
        place = Rotated()
        known = await place.secrets.read("kafka-password")
        await place.rotate("second")
        followed = FollowedSecret(place.secrets, "kafka-password", known=known)
        async with started(followed):
            assert followed.value == "first"
            await place.turn()
            assert followed.value == "second"

    async def test_is_watched_for_as_long_as_it_follows(self) -> None:
        async with started(FollowedSecret(Rotated().secrets, "kafka-password")) as followed:
            assert isinstance(followed, Watched)
            watch = asyncio.create_task(followed.watch())
            await asyncio.sleep(0)
            assert not watch.done()
            watch.cancel()


class TestOptionalSecret:
    async def test_is_the_secret_where_there_is_one(self) -> None:
        secret = await optional_secret(Rotated().secrets, "kafka-password")
        assert secret is not None
        assert secret.value == "first"

    async def test_is_none_where_there_is_none(self) -> None:
        assert await optional_secret(Rotated().secrets, "no-such-secret") is None
