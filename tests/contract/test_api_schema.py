"""What the API does is what its OpenAPI document says, for requests that nobody thought of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.limit_rules import LimitName
from tests.harness.product import Product, Tenant

FULL = os.environ.get("CLIENTSPHERE_TEST_PROFILE") == "full"
EXAMPLES = 500 if FULL else 15
TIMEOUT_S = 3000.0 if FULL else 300.0
UNLIMITED = {"per_minute": 10**9, "burst": 10**9}
_CONFIGURATION = Path(__file__).parent / "api" / "schemathesis.toml"
_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    limits = json.dumps(dict.fromkeys(LimitName, UNLIMITED))
    environment = {"CLIENTSPHERE_GATEWAY_LIMITS": limits}
    product = Product(tmp_path_factory.mktemp("schema") / "data", environment=environment)
    product.start()
    yield product
    product.stop()


@pytest.fixture
def tenant(product: Product) -> Tenant:
    return product.create_tenant("schema")


def check(product: Product, tenant: Tenant, api_key: str, operator_key: str) -> None:
    """Every operation, from its examples, at its bounds, at random, and one after the other."""
    with product.client(tenant.api_key) as client:
        own_key_id = client.get("/v1/me").json()["principal"]["id"]
    options = ["--max-examples", str(EXAMPLES), "--seed", "20261123", "--no-color"]
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(_CONFIGURATION)),
            *("run", f"{product.url}/openapi.json", *options),
        ],
        cwd=_ROOT,
        env={
            **os.environ,
            "API_AUTHORIZATION": f"Bearer {api_key}",
            "OPERATOR_AUTHORIZATION": f"Bearer {operator_key}",
            "OWN_KEY_ID": own_key_id,
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-20000:] + run.stderr[-2000:]


@pytest.mark.timeout(TIMEOUT_S + 60)
class TestTheApiKeepsToItsDocument:
    def test_for_those_who_may_do_everything(self, product: Product, tenant: Tenant) -> None:
        check(product, tenant, tenant.api_key, product.operator_key)

    def test_for_those_who_are_nobody(self, product: Product, tenant: Tenant) -> None:
        check(product, tenant, "nobody", "nobody")

    def test_and_nothing_of_it_was_our_fault(self, product: Product) -> None:
        """After the two above: what was not answered at all would be in the log."""
        assert [line for line in product.log_lines() if line["level"] == "error"] == []
