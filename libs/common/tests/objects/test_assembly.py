"""Settings alone choose the object store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from clientsphere_common.modules import Opened
from clientsphere_common.objects.assembly import open_objects
from clientsphere_common.objects.ports import ObjectStore
from clientsphere_common.objects.settings import S3Settings
from clientsphere_common.readiness import ask_all
from clientsphere_common.secrets.assembly import embedded_secrets
from clientsphere_common.secrets.settings import SecretsSettings
from tests.harness.modules import running
from tests.harness.s3_server import S3Server

KEY = "tnt_a/doc_1/v1/original"
KEYS = {
    "CLIENTSPHERE_S3_ACCESS_KEY_ID": "tester",
    "CLIENTSPHERE_S3_SECRET_ACCESS_KEY": "secret",
}


async def words() -> AsyncIterator[bytes]:
    yield b"words of a tenant"


async def opened(settings: S3Settings, data_dir: Path) -> Opened[ObjectStore]:
    parts = embedded_secrets(SecretsSettings(), KEYS, data_dir)
    return await open_objects(settings, data_dir, parts.secrets, parts.envelope_keys)


async def content(store: ObjectStore) -> bytes:
    return b"".join([piece async for piece in store.read(KEY)])


def in_bucket(server: S3Server, *, is_encrypted: bool = False) -> S3Settings:
    name = server.new_bucket().name
    return S3Settings(bucket=name, endpoint_url=server.url, encrypt_per_tenant=is_encrypted)


def stored_bytes(server: S3Server, settings: S3Settings) -> bytes:
    found = server.client.get_object(Bucket=settings.bucket, Key=KEY)
    body: bytes = found["Body"].read()
    return body


class TestOpenObjects:
    async def test_without_a_bucket_they_are_in_the_data_folder(self, tmp_path: Path) -> None:
        objects = await opened(S3Settings(), tmp_path)
        async with running(*objects.modules):
            await objects.use.put(KEY, words())
            assert (await ask_all(objects.checks)).state == "ok"
        assert (tmp_path / "objects" / KEY).read_bytes() == b"words of a tenant"

    async def test_with_a_bucket_they_are_in_it(self, s3_server: S3Server, tmp_path: Path) -> None:
        settings = in_bucket(s3_server)
        objects = await opened(settings, tmp_path)
        async with running(*objects.modules):
            await objects.use.put(KEY, words())
            assert (await ask_all(objects.checks)).state == "ok"
        assert stored_bytes(s3_server, settings) == b"words of a tenant"
        assert not (tmp_path / "objects").exists()

    async def test_they_can_be_encrypted_for_their_tenant_in_the_folder(
        self, tmp_path: Path
    ) -> None:
        objects = await opened(S3Settings(encrypt_per_tenant=True), tmp_path)
        async with running(*objects.modules):
            await objects.use.put(KEY, words())
            assert await content(objects.use) == b"words of a tenant"
        assert b"words" not in (tmp_path / "objects" / KEY).read_bytes()

    async def test_they_can_be_encrypted_for_their_tenant_in_the_bucket(
        self, s3_server: S3Server, tmp_path: Path
    ) -> None:
        settings = in_bucket(s3_server, is_encrypted=True)
        objects = await opened(settings, tmp_path)
        async with running(*objects.modules):
            await objects.use.put(KEY, words())
            assert await content(objects.use) == b"words of a tenant"
        assert b"words" not in stored_bytes(s3_server, settings)

    async def test_a_bucket_that_is_missing_is_told_by_readiness(
        self, s3_server: S3Server, tmp_path: Path
    ) -> None:
        settings = S3Settings(bucket="missing", endpoint_url=s3_server.url)
        objects = await opened(settings, tmp_path)
        async with running(*objects.modules):
            report = await ask_all(objects.checks)
        assert report.state == "failing"
        assert [finding.name for finding in report.findings] == ["objects"]

    async def test_without_keys_the_credentials_are_the_machines(
        self, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "machine")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        parts = embedded_secrets(SecretsSettings(), {}, tmp_path)
        settings = in_bucket(s3_server)
        objects = await open_objects(settings, tmp_path, parts.secrets, parts.envelope_keys)
        async with running(*objects.modules):
            await objects.use.put(KEY, words())
        assert stored_bytes(s3_server, settings) == b"words of a tenant"


class TestS3Settings:
    def test_an_address_with_a_password_is_refused_and_not_shown(self) -> None:
        with pytest.raises(ValidationError) as refused:
            S3Settings(endpoint_url="https://me:secret@s3.example.com")
        assert "me:secret" not in str(refused.value)
