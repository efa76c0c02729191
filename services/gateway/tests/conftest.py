"""A gateway on fresh tables for each test, with one tenant and its owner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.model.tenancy import NewTenant
from tests.harness.gateway import Gateway, Tables, gateway_tables


@pytest.fixture
async def tables(tmp_path: Path) -> AsyncIterator[Tables]:
    async with gateway_tables(tmp_path) as tables:
        yield tables


@pytest.fixture
def gateway(tables: Tables) -> Gateway:
    return Gateway(tables)


@pytest.fixture
async def tenant(gateway: Gateway) -> NewTenant:
    return await gateway.new_tenant()


@pytest.fixture
async def owner(gateway: Gateway, tenant: NewTenant) -> AsyncIterator[httpx.AsyncClient]:
    """A client that holds the key of the tenant's owner."""
    async with gateway.client(tenant.owner_key.key) as client:
        yield client


@pytest.fixture
async def nobody(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a credential."""
    async with gateway.client() as client:
        yield client
