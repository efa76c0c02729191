"""Settings alone choose where secrets and keys come from."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from pydantic import ValidationError

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.secrets.assembly import embedded_secrets, file_secrets, vault_secrets
from clientsphere_common.secrets.settings import SecretsSettings, VaultSettings


class TestEmbeddedSecrets:
    async def test_the_environment_comes_before_the_data_folder(self, tmp_path: Path) -> None:
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / "upstream-key").write_text("from the file")
        environment = {"CLIENTSPHERE_UPSTREAM_KEY": "from outside"}
        parts = embedded_secrets(SecretsSettings(), environment, tmp_path)
        assert (await parts.secrets.read("upstream-key")).value == "from outside"

    async def test_what_was_encrypted_can_be_read_after_a_restart(self, tmp_path: Path) -> None:
        before = embedded_secrets(SecretsSettings(), {}, tmp_path).envelope_keys
        encrypted = await before.encrypt("tnt_a", b"words")
        after = embedded_secrets(SecretsSettings(), {}, tmp_path).envelope_keys
        assert await after.decrypt("tnt_a", encrypted) == b"words"


class TestFileSecrets:
    async def test_secrets_and_the_root_of_the_keys_come_from_the_folder(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "upstream-key").write_text("from the file")
        (tmp_path / "envelope-root-key").write_bytes(base64.b64encode(bytes(32)))
        parts = file_secrets(SecretsSettings(source="files", folder=tmp_path))
        assert (await parts.secrets.read("upstream-key")).value == "from the file"
        assert (await parts.envelope_keys.new_data_key("tnt_a")).wrapped

    async def test_no_root_key_is_made_up(self, tmp_path: Path) -> None:
        parts = file_secrets(SecretsSettings(source="files", folder=tmp_path))
        with pytest.raises(DependencyUnavailableError):
            await parts.envelope_keys.encrypt("tnt_a", b"secret")
        assert list(tmp_path.iterdir()) == []


class TestVaultSecrets:
    async def test_files_of_an_agent_come_before_vault_itself(self, tmp_path: Path) -> None:
        (tmp_path / "upstream-key").write_text("from the agent")
        nowhere = VaultSettings(address="http://127.0.0.1:9", role="gateway")
        parts = vault_secrets(SecretsSettings(source="vault", folder=tmp_path), nowhere)
        assert (await parts.secrets.read("upstream-key")).value == "from the agent"
        assert [module.name for module in parts.modules] == ["vault", "secrets"]


class TestVaultSettings:
    def test_address_and_role_have_to_be_named(self) -> None:
        with pytest.raises(ValidationError, match="address"):
            VaultSettings.model_validate({})

    def test_an_address_without_a_scheme_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="address"):
            VaultSettings(address="vault:8200", role="gateway")
