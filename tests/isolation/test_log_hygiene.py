"""Logs hold ids, never what people wrote or the secrets they use."""

from __future__ import annotations

from pathlib import Path

from tests.harness.product import Product, upload, wait_until_settled

WORDS = "the-nightingale-clause-4711"


def test_no_question_text_or_credential_reaches_the_log(tmp_path: Path) -> None:
    product = Product(tmp_path / "data", environment={"CLIENTSPHERE_LOG_LEVEL": "debug"})
    product.start()
    tenant = product.create_tenant("hygiene")
    with product.client(tenant.api_key) as client:
        document = upload(client, "clause.txt", f"This is {WORDS}, in full.".encode()).json()
        wait_until_settled(client, {document["id"]})
        token = client.post(
            "/v1/tokens", json={"grant_type": "api_key", "api_key": tenant.api_key}
        ).json()["access_token"]
        client.post("/v1/chat", json={"question": f"What does {WORDS} say?"})
        client.post("/v1/search", json={"question": WORDS, "top_k": "not a number"})
    with product.client(token + "x") as client:
        assert client.get("/v1/me").status_code == 401
    product.stop()

    log = product.log_path.read_text()
    assert document["id"] in log
    for secret in (WORDS, tenant.api_key, token):
        assert secret not in log
