"""A fake gateway with one tenant, and the command talking to it as that tenant's owner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.gateway_server import FakeGateway
from tests.fakes.gateway_tenant import FakeTenant
from tests.harness.command_line import CommandLine


@pytest.fixture(scope="session")
def running_gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as gateway:
        yield gateway


@pytest.fixture
def gateway(running_gateway: FakeGateway) -> FakeGateway:
    running_gateway.forget()
    running_gateway.add_tenant("Acme")
    return running_gateway


@pytest.fixture
def tenant(gateway: FakeGateway) -> FakeTenant:
    return next(iter(gateway.tenants.values()))


@pytest.fixture
def command(gateway: FakeGateway, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "data", gateway.url, next(iter(gateway.tenants)))
