"""One running product for each module whose tests only need its API."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.harness.product import Product, Tenant


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(
        tmp_path_factory.mktemp("e2e") / "data",
        environment={"CLIENTSPHERE_INGESTION_MAX_FILE_MIB": "20"},
    )
    product.start()
    yield product
    product.stop()


@pytest.fixture(scope="module")
def tenant(product: Product) -> Tenant:
    return product.create_tenant("e2e")


@pytest.fixture
def client(product: Product, tenant: Tenant) -> Iterator[httpx.Client]:
    with product.client(tenant.api_key) as client:
        yield client
