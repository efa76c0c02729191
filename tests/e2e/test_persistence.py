"""What the product knows survives a restart and a kill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.product import Product, upload, wait_until_settled

QUESTION = {"question": "When does the canteen open?"}


@pytest.mark.parametrize("end", [Product.stop, Product.kill], ids=["a restart", "a kill -9"])
def test_documents_keys_and_trail_are_there_after(
    end: Callable[[Product], int | None], tmp_path: Path
) -> None:
    product = Product(tmp_path / "data")
    product.start()
    tenant = product.create_tenant("lasting")
    with product.client(tenant.api_key) as client:
        document = upload(client, "canteen.txt", b"The canteen opens at noon every day.").json()
        wait_until_settled(client, {document["id"]})
        before = client.post("/v1/chat", json=QUESTION).json()
    end(product)

    product.start()
    with product.client(tenant.api_key) as client:
        after = client.post("/v1/chat", json=QUESTION).json()
        content = client.get(f"/v1/documents/{document['id']}/content")
        actions = {
            item["event"]["action"] for item in client.get("/v1/audit/events").json()["items"]
        }
    assert product.stop() == 0
    assert before["answered"]
    assert (after["answer"], after["citations"]) == (before["answer"], before["citations"])
    assert content.content == b"The canteen opens at noon every day."
    assert {"document.uploaded", "document.indexed", "question.asked"} <= actions


def test_a_second_process_on_the_same_data_is_told_so(tmp_path: Path) -> None:
    first = Product(tmp_path / "data")
    first.start()
    second = Product(tmp_path / "data")
    with pytest.raises(AssertionError, match="in use by process"):
        second.start()
    assert first.stop() == 0
