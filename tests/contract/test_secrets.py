"""What every place for secrets does, whichever technology keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from clientsphere_common.errors import NotFoundError
from clientsphere_common.keys import write_private_file
from clientsphere_common.secrets.assembly import SecretParts, embedded_secrets, vault_secrets
from clientsphere_common.secrets.folder import FolderSource
from clientsphere_common.secrets.polled import PolledSecrets
from clientsphere_common.secrets.ports import Secrets
from clientsphere_common.secrets.settings import SecretsSettings
from tests.harness.modules import running
from tests.harness.openbao import OpenBao, running_openbao

INTERVAL_S = 0.05


class Place(Protocol):
    @property
    def secrets(self) -> Secrets: ...

    def write(self, name: str, value: str) -> None: ...

    def remove(self, name: str) -> None: ...


class FolderPlace:
    def __init__(self, folder: Path, secrets: Secrets) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self.secrets = secrets

    def write(self, name: str, value: str) -> None:
        write_private_file(self._folder / name, f"{value}\n".encode())

    def remove(self, name: str) -> None:
        (self._folder / name).unlink()


class VaultPlace:
    def __init__(self, server: OpenBao, secrets: Secrets) -> None:
        self._server = server
        self.secrets = secrets

    def write(self, name: str, value: str) -> None:
        self._server.write(name, value)

    def remove(self, name: str) -> None:
        self._server.admin.secrets.kv.v2.delete_latest_version_of_secret(f"clientsphere/{name}")


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running_openbao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


def of_vault(openbao: OpenBao, folder: Path) -> tuple[Place, SecretParts]:
    openbao.admin.secrets.kv.v2.delete_metadata_and_all_versions("clientsphere/upstream-key")
    settings = SecretsSettings(folder=folder, refresh_interval_s=INTERVAL_S)
    parts = vault_secrets(settings, openbao.settings())
    return VaultPlace(openbao, parts.secrets), parts


@pytest.fixture(params=["embedded", "files", "vault"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    settings = SecretsSettings(refresh_interval_s=INTERVAL_S)
    if request.param == "vault":
        vault, parts = of_vault(request.getfixturevalue("openbao"), tmp_path)
        async with running(*parts.modules):
            yield vault
        return
    if request.param == "embedded":
        secrets = embedded_secrets(settings, {}, tmp_path).secrets
    else:
        secrets = PolledSecrets(FolderSource(tmp_path / "secrets"), INTERVAL_S)
    async with running(secrets):
        yield FolderPlace(tmp_path / "secrets", secrets)


class TestRead:
    async def test_gives_the_secret_of_the_name(self, place: Place) -> None:
        place.write("upstream-key", "sk-first")
        secret = await place.secrets.read("upstream-key")
        assert (secret.name, secret.value) == ("upstream-key", "sk-first")

    async def test_leaves_out_the_line_break_at_the_end_of_a_file(self, place: Place) -> None:
        place.write("upstream-key", "sk-first\n")
        assert (await place.secrets.read("upstream-key")).value == "sk-first"

    async def test_gives_the_newest_value_at_once(self, place: Place) -> None:
        place.write("upstream-key", "sk-first")
        first = await place.secrets.read("upstream-key")
        place.write("upstream-key", "sk-second")
        second = await place.secrets.read("upstream-key")
        assert second.value == "sk-second"
        assert second.version != first.version

    async def test_keeps_the_lines_of_a_pem_file(self, place: Place) -> None:
        pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----"
        place.write("upstream-key", pem)
        assert (await place.secrets.read("upstream-key")).value == pem

    async def test_a_missing_secret_is_not_found(self, place: Place) -> None:
        with pytest.raises(NotFoundError) as missing:
            await place.secrets.read("no-such-secret")
        assert missing.value.code == "secret_not_found"

    async def test_a_removed_secret_is_not_found(self, place: Place) -> None:
        place.write("upstream-key", "sk-first")
        await place.secrets.read("upstream-key")
        place.remove("upstream-key")
        with pytest.raises(NotFoundError):
            await place.secrets.read("upstream-key")

    async def test_a_secret_that_was_removed_can_be_made_again(self, place: Place) -> None:
        place.write("upstream-key", "sk-first")
        await place.secrets.read("upstream-key")
        place.remove("upstream-key")
        place.write("upstream-key", "sk-again")
        assert (await place.secrets.read("upstream-key")).value == "sk-again"

    @pytest.mark.parametrize("name", ["", "../root", "a/b", "A", "a_b", "-a", "a--b", "a\n"])
    async def test_a_name_that_is_no_name_is_refused(self, place: Place, name: str) -> None:
        with pytest.raises(ValueError, match="not the name of a secret"):
            await place.secrets.read(name)

    async def test_does_not_show_the_value_by_accident(self, place: Place) -> None:
        place.write("upstream-key", "sk-first")
        assert "sk-first" not in repr(await place.secrets.read("upstream-key"))


class TestChanges:
    async def test_tells_a_new_value_without_being_asked(self, place: Place) -> None:
        place.write("upstream-key", "sk-first")
        changes = place.secrets.changes(await place.secrets.read("upstream-key"))
        place.write("upstream-key", "sk-second")
        async with asyncio.timeout(10):
            assert (await anext(changes)).value == "sk-second"

    async def test_tells_each_who_waits(self, place: Place) -> None:
        place.write("upstream-key", "sk-first")
        first = await place.secrets.read("upstream-key")
        waiting = [asyncio.ensure_future(anext(place.secrets.changes(first))) for _ in range(3)]
        place.write("upstream-key", "sk-second")
        async with asyncio.timeout(10):
            told = await asyncio.gather(*waiting)
        assert {secret.value for secret in told} == {"sk-second"}

    async def test_tells_a_change_that_came_before_the_wait(self, place: Place) -> None:
        place.write("upstream-key", "sk-first")
        first = await place.secrets.read("upstream-key")
        place.write("upstream-key", "sk-second")
        await place.secrets.read("upstream-key")
        async with asyncio.timeout(10):
            assert (await anext(place.secrets.changes(first))).value == "sk-second"

    async def test_goes_on_after_the_first_change(self, place: Place) -> None:
        place.write("upstream-key", "sk-first")
        changes = place.secrets.changes(await place.secrets.read("upstream-key"))
        async with asyncio.timeout(10):
            for value in ("sk-second", "sk-third"):
                place.write("upstream-key", value)
                assert (await anext(changes)).value == value
