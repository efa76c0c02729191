"""A secret that nobody has given is made once, and is the same from then on."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clientsphere_common.errors import NotFoundError
from clientsphere_common.keys import new_private_key, read_private_key
from clientsphere_common.secrets.assembly import embedded_secrets
from clientsphere_common.secrets.kept import KeptSource, random_text
from clientsphere_common.secrets.settings import SecretsSettings

MAKERS = {"upstream-key": random_text, "signing-key": new_private_key}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "secrets"


async def value(source: KeptSource, name: str = "upstream-key") -> str:
    return (await source.fetch(name, None)).value


class TestKeptSource:
    async def test_gives_the_same_secret_ever_after(self, folder: Path) -> None:
        first = await value(KeptSource(folder, MAKERS))
        assert await value(KeptSource(folder, MAKERS)) == first

    async def test_makes_another_one_in_another_folder(self, tmp_path: Path) -> None:
        first = await value(KeptSource(tmp_path / "one", MAKERS))
        assert await value(KeptSource(tmp_path / "other", MAKERS)) != first

    async def test_makes_one_for_all_who_ask_at_once(self, folder: Path) -> None:
        sources = [KeptSource(folder, MAKERS) for _ in range(8)]
        assert len(set(await asyncio.gather(*map(value, sources)))) == 1

    async def test_keeps_it_for_its_owner_only(self, folder: Path) -> None:
        await value(KeptSource(folder, MAKERS))
        assert [file.name for file in folder.iterdir()] == ["upstream-key"]
        assert stat.S_IMODE((folder / "upstream-key").stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    async def test_keeps_a_key_as_a_key(self, folder: Path) -> None:
        pem = await value(KeptSource(folder, MAKERS), "signing-key")
        assert isinstance(read_private_key(pem), Ed25519PrivateKey)

    async def test_makes_no_others(self, folder: Path) -> None:
        with pytest.raises(NotFoundError):
            await value(KeptSource(folder, MAKERS), "other-key")
        assert not folder.exists()


class TestRandomText:
    def test_has_256_bits(self) -> None:
        assert len(bytes.fromhex(random_text())) == 32
        assert random_text() != random_text()


class TestEmbeddedSecrets:
    async def test_make_only_what_nobody_gave(self, tmp_path: Path) -> None:
        given = {"CLIENTSPHERE_UPSTREAM_KEY": "sk-given"}
        secrets = embedded_secrets(SecretsSettings(), given, tmp_path, MAKERS).secrets
        assert (await secrets.read("upstream-key")).value == "sk-given"
        pem = (await secrets.read("signing-key")).value
        assert isinstance(read_private_key(pem), Ed25519PrivateKey)
        assert [file.name for file in (tmp_path / "secrets").iterdir()] == ["signing-key"]
