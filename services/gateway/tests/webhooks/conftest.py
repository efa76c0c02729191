"""Webhooks of two tenants, on each kind of tables."""

from __future__ import annotations

import pytest

from gateway.model.tenancy import NewTenant
from tests.harness.databases import DatabaseUnderTest
from tests.harness.gateway import Tables
from tests.harness.webhook_world import World


@pytest.fixture
def gateway_database(database_under_test: DatabaseUnderTest) -> DatabaseUnderTest:
    return database_under_test


@pytest.fixture
def world(tables: Tables) -> World:
    return World(tables)


@pytest.fixture
async def tenant(world: World) -> NewTenant:
    return await world.gateway.new_tenant()


@pytest.fixture
async def other(world: World) -> NewTenant:
    return await world.gateway.new_tenant("Quaymere")
