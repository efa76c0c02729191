"""Both shapes answer the same questions with the same words and the same citations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import pytest

from clientsphere_cli.samples.catalog import DEMO_QUESTIONS, SAMPLE_TENANTS, SampleTenant
from tests.harness.product import Product, Served, upload, wait_until_settled
from tests.stack.stack import Stack

CITED = ("number", "document_name", "page", "section", "quote", "start", "end")


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Product]:
    product = Product(tmp_path / "data")
    product.start()
    yield product
    product.stop()


def answers(product: Served, tenant: SampleTenant) -> dict[str, Any]:
    """By question: the whole answer, as far as it does not name ids."""
    created = product.create_tenant(tenant.name)
    with product.client(created.api_key) as client, ExitStack() as unpacked:
        files = [unpacked.enter_context(as_file(file)) for file in tenant.documents()]
        ids = {upload(client, file.name, file.read_bytes()).json()["id"] for file in files}
        assert {one["state"] for one in wait_until_settled(client, ids).values()} == {"ready"}
        return {
            one.question: comparable(
                client.post("/v1/chat", json={"question": one.question}).json()
            )
            for one in DEMO_QUESTIONS
        }


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    cited = [
        {name: citation[name] for name in CITED if name in citation}
        for citation in answer["citations"]
    ]
    kept = {name: answer[name] for name in ("answered", "answer", "groundedness", "model", "usage")}
    return {**kept, "citations": cited}


@pytest.mark.parametrize("tenant", SAMPLE_TENANTS, ids=lambda tenant: tenant.name)
def test_the_whole_catalogue(embedded: Product, stack: Stack, tenant: SampleTenant) -> None:
    expected = answers(embedded, tenant)
    assert sum(one["answered"] for one in expected.values()) >= 4
    assert answers(stack, tenant) == expected
