"""What was accepted is never lost, whenever the process is killed."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from clientsphere_common.vectors.qdrant_edge import QdrantEdgeIndex
from llm_proxy.adapters.wordllama import WordllamaModel
from tests.harness.modules import running
from tests.harness.product import Product, Tenant, upload, wait_until_settled

DOCUMENTS = 20
SEED = int(os.environ.get("CLIENTSPHERE_TEST_SEED", "20261122"))
KILLS = 30 if os.environ.get("CLIENTSPHERE_TEST_PROFILE") == "full" else 10


def text_of(number: int) -> str:
    """About 6,000 characters that name the document in every section."""
    sections = (
        f"# Part {part} of manual {number}\n\n"
        f"The valve of machine {number} in part {part} opens at {number * 100 + part} kilopascal. "
        + f"Its seal is replaced after {part + 2} months of service. "
        * 8
        for part in range(1, 9)
    )
    return "\n\n".join(sections)


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    product = Product(tmp_path / "data")
    product.start()
    yield product
    if product.process is not None:
        product.stop()


class Uploader(threading.Thread):
    """Uploads all documents over and over until each was accepted, across the kills."""

    def __init__(self, product: Product, api_key: str) -> None:
        super().__init__(daemon=True)
        self._product = product
        self._api_key = api_key
        self.accepted: dict[int, str] = {}

    def run(self) -> None:
        deadline = time.monotonic() + 300
        while len(self.accepted) < DOCUMENTS and time.monotonic() < deadline:
            for number in range(DOCUMENTS):
                if number not in self.accepted:
                    self._try(number)

    def _try(self, number: int) -> None:
        try:
            with self._product.client(self._api_key) as client:
                response = upload(client, f"manual-{number}.md", text_of(number).encode())
        except httpx.TransportError:
            time.sleep(0.05)
            return
        if response.status_code in {200, 202}:
            self.accepted[number] = response.json()["id"]


def test_every_accepted_document_ends_settled_and_once_in_the_index(product: Product) -> None:
    tenant = product.create_tenant("chaos")
    moments = random.Random(SEED)
    uploader = Uploader(product, tenant.api_key)
    uploader.start()

    for _ in range(KILLS):
        time.sleep(moments.uniform(0.0, 1.2))
        product.kill()
        product.start()
    uploader.join(timeout=320)

    assert sorted(uploader.accepted) == list(range(DOCUMENTS))
    with product.client(tenant.api_key) as client:
        settled = wait_until_settled(client, set(uploader.accepted.values()))
        listed = client.get("/v1/documents", params={"page_size": 200}).json()["items"]
        assert {one["id"] for one in listed} == set(uploader.accepted.values())
        for number, document_id in uploader.accepted.items():
            check_found(client, number, settled[document_id])
    assert product.stop() == 0
    asyncio.run(check_index(product, tenant, settled))


def check_found(client: httpx.Client, number: int, document: dict[str, Any]) -> None:
    """Searchable, or failed with a reason a person can read."""
    if document["state"] == "failed":
        assert document["failure"]["message"]
        return
    question = f"At which pressure does the valve of machine {number} open?"
    body = {"question": question, "top_k": 50}
    passages = client.post("/v1/search", json=body).json()["passages"]
    assert document["id"] in {one["document_id"] for one in passages}


async def check_index(
    product: Product, tenant: Tenant, documents: dict[str, dict[str, Any]]
) -> None:
    """The index holds each chunk of each ready document once, visible, and nothing else."""
    index = QdrantEdgeIndex(product.data_dir / "vectors", WordllamaModel.dimension)
    async with running(index):
        for document_id, document in documents.items():
            expected = document["chunk_count"] if document["state"] == "ready" else 0
            assert await index.count(tenant.id, document_id) == expected
            assert await index.count(tenant.id, document_id, active_only=True) == expected
        total = sum(one["chunk_count"] for one in documents.values())
        assert await index.count(tenant.id) == total
