"""The product in each of its shapes, with the three tenants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.product import Product
from tests.isolation.ways_in.rpc import Backstage, backstage_of
from tests.isolation.ways_in.world import World
from tests.stack.fixtures import SETTINGS


@pytest.fixture(scope="package", params=["embedded", "distributed"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    if request.param == "distributed":
        world = World(request.getfixturevalue("running_stack"))
        yield world
        world.close()
        return
    product = Product(tmp_path_factory.mktemp("ways-in") / "data", environment=SETTINGS)
    product.start()
    world = World(product)
    yield world
    world.close()
    product.stop()


@pytest.fixture(scope="package")
def backstage(world: World) -> Iterator[Backstage]:
    with backstage_of(world.product) as backstage:
        yield backstage
