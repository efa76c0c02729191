"""Nothing that a tenant can see tells whether another one has something."""

from __future__ import annotations

import os
import random
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.isolation.tenants import Tenant
from tests.isolation.world import World, running_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.alone]

QUERIES = 1000 if os.environ.get("CLIENTSPHERE_TEST_PROFILE") == "full" else 60
SYLLABLES = ("ba", "ke", "li", "mo", "nu", "ra", "so", "ti", "vu", "ze")
SHARED = "The valve of the north pump opens at 40 kilopascal. The seal is replaced each year."


class Words:
    """Sentences of words that stand nowhere else."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def sentence(self) -> str:
        words = ["".join(self._random.choices(SYLLABLES, k=4)) for _ in range(8)]
        return " ".join(words)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running_world(tmp_path_factory.mktemp("tenants") / "world") as world:
        await world.renew(2)
        await write(world, world.tenants[0], "pump.txt", SHARED)
        await write(world, world.tenants[0], "canteen.txt", "The canteen opens at noon.")
        await world.settle()
        yield world


async def write(world: World, tenant: Tenant, name: str, text: str) -> None:
    files = {"file": (name, text.encode())}
    response = await world.request(tenant, "owner", "POST", "/v1/documents", files=files)
    response.raise_for_status()


async def ask(world: World, tenant: Tenant, question: str, route: str = "search") -> httpx.Response:
    body = {"question": question}
    return await world.request(tenant, "viewer", "POST", f"/v1/{route}", json=body)


def shape(value: Any) -> Any:
    """What is left of an answer when its values are taken out, and its lists' lengths kept."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return type(value).__name__


def comparable(response: httpx.Response) -> tuple[int, Any, list[str]]:
    return response.status_code, shape(response.json()), sorted(response.headers)


class TestATextOfAnotherTenant:
    @pytest.mark.timeout(1800)
    async def test_is_answered_like_one_that_nobody_has(self, world: World) -> None:
        a, b = world.tenants
        theirs, nobodys = Words(1), Words(2)
        secrets = [theirs.sentence() for _ in range(QUERIES)]
        await write(world, b, "secrets.txt", "\n\n".join(f"# {one}\n\n{one}." for one in secrets))
        await world.settle()
        for route in ("search", "chat"):
            of_b = [comparable(await ask(world, a, one, route)) for one in secrets]
            of_nobody = [
                comparable(await ask(world, a, nobodys.sentence(), route)) for _ in secrets
            ]
            assert of_b == of_nobody
        assert (await ask(world, b, secrets[0])).json()["passages"][0]["text"].count(secrets[0])

    async def test_is_not_scored(self, world: World) -> None:
        """A score would tell how rare a word is, and to whom."""
        found = (await ask(world, world.tenants[0], SHARED)).text
        assert "score" not in found
        assert "distance" not in found

    async def test_does_not_move_the_ranking(self, world: World) -> None:
        """A word that is common among others stays as rare as it is here."""
        a, b = world.tenants
        for number in range(12):
            await write(
                world, a, f"{number}.txt", f"{SHARED} Machine {number} rests in hall {number % 3}."
            )
        await world.settle()
        questions = ["seal of the pump", "machine 7", "hall 2", "valve kilopascal", "canteen noon"]
        before = [(await ask(world, a, one)).json() for one in questions]
        for number in range(12):
            text = f"canteen noon seal machine 7 hall 2 valve {SHARED} " * 5
            await write(world, b, f"{number}.txt", f"{text} {number}")
        await world.settle()
        assert [(await ask(world, a, one)).json() for one in questions] == before


class TestANameOfAnotherTenant:
    @pytest.mark.parametrize(
        ("route", "more"),
        [
            ("knowledge-bases", {}),
            ("roles", {"permissions": ["search"]}),
            ("api-keys", {"role": "viewer"}),
        ],
    )
    async def test_is_free(self, world: World, route: str, more: dict[str, Any]) -> None:
        a, b = world.tenants
        wish = {"name": "merger", **more}
        await world.request(b, "owner", "POST", f"/v1/{route}", json=wish)
        taken = await world.request(a, "owner", "POST", f"/v1/{route}", json=wish)
        free = await world.request(
            a, "owner", "POST", f"/v1/{route}", json={**wish, "name": "unheard of"}
        )
        assert comparable(taken) == comparable(free)
        assert taken.status_code == 201

    async def test_and_the_same_bytes_make_a_new_document(self, world: World) -> None:
        """Nothing is stored once for two tenants: an upload would tell that it was there."""
        a, b = world.tenants
        await write(world, b, "merger.txt", "We buy them in May.")
        files = {"file": ("merger.txt", b"We buy them in May.")}
        mine = await world.request(a, "owner", "POST", "/v1/documents", files=files)
        unheard = {"file": ("unheard.txt", b"We sell them in June.")}
        other = await world.request(a, "owner", "POST", "/v1/documents", files=unheard)
        assert comparable(mine) == comparable(other)
        assert mine.status_code == 202
        assert mine.headers["location"] == f"/v1/documents/{mine.json()['id']}"


class TestWhatAnotherTenantDoes:
    async def test_does_not_use_up_ones_limits(self, world: World) -> None:
        a, b = world.tenants
        before = await world.request(a, "owner", "GET", "/v1/me")
        for _ in range(30):
            await world.request(b, "owner", "GET", "/v1/me")
        after = await world.request(a, "owner", "GET", "/v1/me")
        assert remaining(before) - remaining(after) <= 1

    async def test_does_not_show_in_numbers_that_count_on(self, world: World) -> None:
        """Sequence numbers of the trail are each tenant's own."""
        a, b = world.tenants
        for _ in range(5):
            await ask(world, b, "anything")
        events = await world.request(
            a, "auditor", "GET", "/v1/audit/events", params={"page_size": 1000}
        )
        numbers = [one["sequence"] for one in events.json()["items"]]
        assert numbers == list(range(1, len(numbers) + 1))

    async def test_cannot_be_paged_through(self, world: World) -> None:
        a, b = world.tenants
        for number in range(3):
            await write(world, b, f"{number}.txt", "Words of B.")
        page = await world.request(b, "owner", "GET", "/v1/documents", params={"page_size": 1})
        token = page.json()["next_page_token"]
        taken = await world.request(
            a, "owner", "GET", "/v1/documents", params={"page_token": token}
        )
        assert world.canaries.owners_in(taken.content) <= {a.id}
        assert (taken.status_code, taken.json()["code"]) == (400, "invalid_page_token")


def remaining(response: httpx.Response) -> int:
    (left,) = re.findall(r'"tenant";r=(\d+)', response.headers["ratelimit"])
    return int(left)
