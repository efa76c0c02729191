"""The product in each of its shapes, for the modules whose tests only need its API."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.harness.product import Product, Served, Tenant
from tests.stack.fixtures import SETTINGS


@pytest.fixture(scope="module", params=["embedded", "distributed"])
def product(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    if request.param == "distributed":
        yield request.getfixturevalue("running_stack")
        return
    product = Product(tmp_path_factory.mktemp("e2e") / "data", environment=SETTINGS)
    product.start()
    yield product
    product.stop()


@pytest.fixture(scope="module")
def tenant(product: Served) -> Tenant:
    return product.create_tenant("e2e")


@pytest.fixture
def client(product: Served, tenant: Tenant) -> Iterator[httpx.Client]:
    with product.client(tenant.api_key) as client:
        yield client
