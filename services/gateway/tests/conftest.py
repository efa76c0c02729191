"""A gateway on fresh tables for each test, with one tenant and its owner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.model.tenancy import NewTenant
from tests.harness.databases import DatabaseUnderTest, sqlite_database
from tests.harness.gateway import Gateway, Tables, gateway_tables


@pytest.fixture
def gateway_database(tmp_path: Path) -> DatabaseUnderTest:
    """Modules about the tables themselves replace it by one of each kind."""
    return sqlite_database(tmp_path / "gateway.db")


@pytest.fixture
async def tables(gateway_database: DatabaseUnderTest) -> AsyncIterator[Tables]:
    async with gateway_tables(gateway_database) as tables:
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
