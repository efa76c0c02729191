"""What clients send wrong gets a clear problem with a stable code, and leaves nothing behind."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import httpx
import pypdf
import pytest
from reportlab.pdfgen import canvas

from tests.harness.product import Served, Tenant, upload, wait_until_settled

MIB = 1024 * 1024


def pdf(text: str, password: str = "") -> bytes:
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer)
    page.drawString(72, 720, text)
    page.save()
    if not password:
        return buffer.getvalue()
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(buffer.getvalue()))
    writer.encrypt(password, algorithm="RC4-128")
    locked = io.BytesIO()
    writer.write(locked)
    return locked.getvalue()


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document, after checking that it is one and says what it must."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["code"]) == (status, code), body
    assert response.headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text
    return body


def zeros(size_bytes: int) -> Iterator[bytes]:
    yield b"A perfectly ordinary beginning of a text file.\n"
    for _ in range(size_bytes // MIB):
        yield b"0123456789abcdef" * (MIB // 16)


class TestFilesThatAreRefused:
    @pytest.mark.parametrize(
        ("name", "content", "status", "code"),
        [
            ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(64), 415, "unsupported_type"),
            ("program.exe", b"MZ\x90\x00" + bytes(200), 415, "unsupported_type"),
            ("empty.txt", b"", 400, "empty_file"),
        ],
    )
    def test_at_the_door(
        self, client: httpx.Client, name: str, content: bytes, status: int, code: str
    ) -> None:
        problem(upload(client, name, content), status, code)
        names = {one["name"] for one in client.get("/v1/documents").json()["items"]}
        assert name not in names

    def test_200_mib_while_they_stream(self, product: Served, tenant: Tenant) -> None:
        stored = product.objects_folder
        before = sum(path.stat().st_size for path in stored.rglob("*") if path.is_file())
        with product.client(tenant.api_key) as client:
            response = client.post(
                "/v1/documents",
                content=multipart("huge.txt", zeros(200 * MIB)),
                headers={"content-type": "multipart/form-data; boundary=frontier"},
            )
        problem(response, 413, "file_too_large")
        after = sum(path.stat().st_size for path in stored.rglob("*") if path.is_file())
        assert after == before

    @pytest.mark.parametrize(
        ("name", "content", "code"),
        [
            ("locked.pdf", pdf("Hidden words", password="secret"), "pdf_encrypted"),
            ("broken.pdf", pdf("Lost words")[:300], "pdf_broken"),
            ("scan.pdf", pdf(""), "pdf_without_text"),
        ],
    )
    def test_after_a_look_inside(
        self, client: httpx.Client, name: str, content: bytes, code: str
    ) -> None:
        accepted = upload(client, name, content)
        assert accepted.status_code == 202
        document_id = accepted.json()["id"]
        settled = wait_until_settled(client, {document_id})[document_id]
        assert settled["state"] == "failed"
        assert settled["failure"]["code"] == code
        assert len(settled["failure"]["message"]) > 20

    def test_without_holding_up_the_others(self, client: httpx.Client) -> None:
        broken = upload(client, "broken-too.pdf", pdf("Lost")[:200]).json()["id"]
        sound = upload(client, "sound.txt", b"The canteen opens at noon every day.").json()["id"]
        settled = wait_until_settled(client, {broken, sound})
        assert settled[broken]["state"] == "failed"
        assert settled[sound]["state"] == "ready"


def multipart(name: str, content: Iterator[bytes]) -> Iterator[bytes]:
    yield (
        "--frontier\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: text/plain\r\n\r\n"
    ).encode()
    yield from content
    yield b"\r\n--frontier--\r\n"


class TestRequestsThatAreRefused:
    def test_broken_json(self, client: httpx.Client) -> None:
        headers = {"content-type": "application/json"}
        response = client.post("/v1/search", content=b'{"question": ', headers=headers)
        problem(response, 400, "invalid_json")

    def test_fields_of_the_wrong_kind(self, client: httpx.Client) -> None:
        body = problem(client.post("/v1/search", json={"question": 7}), 400, "invalid_request")
        assert body["errors"][0]["field"] == "question"

    def test_unknown_paths_and_methods(self, client: httpx.Client) -> None:
        problem(client.get("/v1/nothing"), 404, "not_found")
        problem(client.put("/v1/search"), 405, "method_not_allowed")

    @pytest.mark.parametrize(
        "credential",
        ["", "Bearer", "Bearer nonsense", "Basic dXNlcjpwYXNz", "Bearer a.b.c", "Bearer cs_live_x"],
    )
    def test_bad_credentials(self, product: Served, credential: str) -> None:
        headers = {"Authorization": credential} if credential else {}
        with product.client() as client:
            response = client.get("/v1/me", headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")

    def test_a_missing_permission(self, product: Served, client: httpx.Client) -> None:
        body = {"name": "reader", "role": "viewer"}
        viewer_key = client.post("/v1/api-keys", json=body).json()["key"]
        with product.client(viewer_key) as viewer:
            assert viewer.get("/v1/documents").status_code == 200
            problem(upload(viewer, "note.txt", b"Hello there."), 403, "permission_denied")

    def test_a_revoked_key_at_once(self, product: Served, client: httpx.Client) -> None:
        created = client.post("/v1/api-keys", json={"name": "brief", "role": "viewer"}).json()
        with product.client(created["key"]) as brief:
            assert brief.get("/v1/me").status_code == 200
            assert client.delete(f"/v1/api-keys/{created['id']}").status_code == 204
            assert brief.get("/v1/me").status_code == 401
