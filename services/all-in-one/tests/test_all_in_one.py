from __future__ import annotations

import os
from pathlib import Path

import pytest

from all_in_one.data_dir import DataDir, DataDirInUseError
from all_in_one.identities import Identities
from all_in_one.socket import PrivateSocket
from clientsphere_common.caller_context import CallerSigner
from clientsphere_common.errors import UnauthenticatedError
from clientsphere_common.keys import load_or_create_key
from clientsphere_common.request import Caller


class TestDataDir:
    async def test_has_one_owner_at_a_time(self, tmp_path: Path) -> None:
        first, second = DataDir(tmp_path / "data"), DataDir(tmp_path / "data")
        await first.start()
        with pytest.raises(DataDirInUseError, match=f"process {os.getpid()}"):
            await second.start()
        await first.stop()
        await second.start()
        await second.stop()

    async def test_is_closed_to_others(self, tmp_path: Path) -> None:
        data_dir = DataDir(tmp_path / "data")
        await data_dir.start()
        await data_dir.stop()
        assert (tmp_path / "data").stat().st_mode & 0o077 == 0


class TestIdentities:
    def test_each_service_signs_with_a_key_of_its_own(self, tmp_path: Path) -> None:
        identities = Identities(tmp_path)
        stolen = load_or_create_key(tmp_path / "ingestion-context.pem")
        forged = CallerSigner("gateway", stolen).sign(Caller("tnt_a", "usr_a"))
        genuine = CallerSigner("ingestion", stolen).sign(Caller("tnt_a", "usr_a"))

        assert identities.verifier().verify(genuine) == Caller("tnt_a", "usr_a")
        with pytest.raises(UnauthenticatedError):
            identities.verifier().verify(forged)


class TestPrivateSocket:
    async def test_lies_in_the_data_directory(self) -> None:
        assert PrivateSocket(Path("/data")).address == "unix:/data/grpc.sock"

    async def test_moves_where_the_path_is_too_long_and_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        socket = PrivateSocket(Path("/data") / ("x" * 120))
        await socket.start()
        assert len(list(tmp_path.iterdir())) == 1
        await socket.stop()
        assert list(tmp_path.iterdir()) == []

    async def test_refuses_a_folder_that_others_can_enter(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        socket = PrivateSocket(Path("/data") / ("x" * 120))
        await socket.start()
        next(tmp_path.iterdir()).chmod(0o755)
        with pytest.raises(PermissionError):
            await socket.start()
