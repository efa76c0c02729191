"""A receiver hears of its tenant's documents, signed, also when the product is killed meanwhile."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.harness.product import Product, upload, wait_until_settled

LAPTOP = {"CLIENTSPHERE_WEBHOOK_PLAIN_HTTP_TO_LOOPBACK": "true"}
TYPES = ["document.uploaded", "document.ready", "document.failed", "document.deleted"]


class Receiver:
    """Verifies what it gets; refuses everything while `status` is no 2xx."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.secret = ""
        self.status = 204
        self.told: dict[str, dict[str, Any]] = {}
        self.bodies = b""
        self.refused = 0

    def take(self, headers: dict[str, str], body: bytes) -> int:
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{signature}"
        self.bodies += body
        if self.status >= 300:
            self.refused += 1
        else:
            self.told[headers["webhook-id"]] = json.loads(body)
        return self.status

    def wait_for(self, count: int) -> set[tuple[str, str]]:
        """What it was told, by type and document."""
        deadline = time.monotonic() + 120
        while len(self.told) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return {(one["type"], one["data"]["document_id"]) for one in self.told.values()}


@contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(made.take(headers, body))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """What it got is kept elsewhere."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Receiver(f"http://127.0.0.1:{server.server_address[1]}/in")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_receiver_is_told_although_the_product_is_killed(tmp_path: Path) -> None:
    product = Product(tmp_path / "data", LAPTOP)
    product.start()
    tenant, other = product.create_tenant("told"), product.create_tenant("other")
    with receiver() as told, product.client(tenant.api_key) as client:
        wish = {"url": told.url, "event_types": TYPES}
        created = client.post("/v1/webhooks", json=wish).json()
        told.secret = created["secret"]
        with product.client(other.api_key) as foreign:
            unheard = upload(foreign, "other.txt", b"Nobody hears of this document.").json()
            wait_until_settled(foreign, {unheard["id"]})
        told.status = 503
        ours = upload(client, "canteen.txt", b"The CANTEEN opens at noon every day.").json()
        wait_until_settled(client, {ours["id"]})
        deadline = time.monotonic() + 30
        while not told.refused and time.monotonic() < deadline:
            time.sleep(0.02)
        product.kill()

        told.status = 204
        product.start()
        assert client.delete(f"/v1/documents/{ours['id']}").status_code == 204
        kinds = ("document.uploaded", "document.ready", "document.deleted")
        assert told.wait_for(3) == {(kind, ours["id"]) for kind in kinds}
        assert b"CANTEEN" not in told.bodies
        assert b"canteen.txt" not in told.bodies
        listed = client.get(f"/v1/webhooks/{created['id']}/deliveries").json()["items"]
    assert product.stop() == 0
    assert told.refused >= 1
    assert {one["state"] for one in listed} <= {"delivered", "pending"}
    assert told.secret not in product.log_path.read_text()
    assert created["url"] not in product.log_path.read_text()
