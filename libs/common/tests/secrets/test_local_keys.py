"""The root of the tenants' keys is made once and stays private."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.secrets.local_keys import (
    LocalEnvelopeKeys,
    load_or_create_root_key,
    load_root_key,
)


class TestLoadOrCreateRootKey:
    def test_makes_a_key_once_and_finds_it_again(self, tmp_path: Path) -> None:
        path = tmp_path / "keys" / "envelope-root-key"
        made = load_or_create_root_key(path)
        assert len(made) == 32
        assert load_or_create_root_key(path) == made

    def test_only_the_owner_may_read_it(self, tmp_path: Path) -> None:
        path = tmp_path / "keys" / "envelope-root-key"
        load_or_create_root_key(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    @pytest.mark.parametrize("content", ["", "c2hvcnQ=", "not Base64!"])
    def test_refuses_a_file_that_holds_something_else(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "envelope-root-key"
        path.write_text(content)
        with pytest.raises(ValueError, match="envelope-root-key"):
            load_or_create_root_key(path)


class TestLocalEnvelopeKeys:
    async def test_a_root_key_that_is_missing_is_waited_for(self, tmp_path: Path) -> None:
        path = tmp_path / "envelope-root-key"
        keys = LocalEnvelopeKeys(lambda: load_root_key(path))
        with pytest.raises(DependencyUnavailableError, match="cannot be read"):
            await keys.encrypt("tnt_a", b"secret")
        load_or_create_root_key(path)
        assert await keys.decrypt("tnt_a", await keys.encrypt("tnt_a", b"secret")) == b"secret"
