"""Keys survive restarts and stay private."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from clientsphere_common.keys import load_or_create_key, write_private_file


class TestLoadOrCreateKey:
    def test_makes_a_key_once_and_finds_it_again(self, tmp_path: Path) -> None:
        path = tmp_path / "keys" / "gateway.pem"
        made = load_or_create_key(path)
        assert load_or_create_key(path).private_bytes_raw() == made.private_bytes_raw()

    def test_only_the_owner_may_read_the_key_and_its_folder(self, tmp_path: Path) -> None:
        path = tmp_path / "keys" / "gateway.pem"
        load_or_create_key(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_refuses_a_file_that_holds_no_key(self, tmp_path: Path) -> None:
        path = tmp_path / "gateway.pem"
        path.write_text("not a key")
        with pytest.raises(ValueError, match=r"."):
            load_or_create_key(path)

    def test_refuses_a_key_of_another_kind(self, tmp_path: Path) -> None:
        path = tmp_path / "gateway.pem"
        key = generate_private_key(public_exponent=65537, key_size=2048)
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        with pytest.raises(ValueError, match="does not hold an Ed25519 private key"):
            load_or_create_key(path)


class TestWritePrivateFile:
    def test_replaces_the_whole_content(self, tmp_path: Path) -> None:
        path = tmp_path / "credentials.json"
        write_private_file(path, b"a long first version")
        write_private_file(path, b"second")
        assert path.read_bytes() == b"second"

    def test_leaves_nothing_else_behind(self, tmp_path: Path) -> None:
        path = tmp_path / "credentials.json"
        write_private_file(path, b"content")
        assert list(tmp_path.iterdir()) == [path]

    def test_makes_a_readable_file_private(self, tmp_path: Path) -> None:
        path = tmp_path / "credentials.json"
        path.write_bytes(b"everybody could read this")
        write_private_file(path, b"only the owner can")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
