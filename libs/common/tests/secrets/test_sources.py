"""The environment, a folder, and which of several sources wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from clientsphere_common.errors import DependencyUnavailableError, NotFoundError
from clientsphere_common.secrets.environment import EnvironmentSource
from clientsphere_common.secrets.folder import FolderSource
from clientsphere_common.secrets.sources import FirstOfSources

ENVIRONMENT = EnvironmentSource({"CLIENTSPHERE_GATEWAY_OPERATOR_KEY": "from outside"})
NAME = "gateway-operator-key"


class TestEnvironmentSource:
    async def test_reads_the_variable_named_like_the_secret(self) -> None:
        assert (await ENVIRONMENT.fetch(NAME, None)).value == "from outside"

    @pytest.mark.parametrize("environment", [{}, {"CLIENTSPHERE_GATEWAY_OPERATOR_KEY": ""}])
    async def test_an_unset_or_empty_variable_is_not_found(
        self, environment: dict[str, str]
    ) -> None:
        with pytest.raises(NotFoundError):
            await EnvironmentSource(environment).fetch(NAME, None)

    async def test_refuses_what_is_no_name(self) -> None:
        with pytest.raises(ValueError, match="not the name of a secret"):
            await ENVIRONMENT.fetch("PATH", None)


class TestFolderSource:
    async def test_an_empty_file_is_not_found(self, tmp_path: Path) -> None:
        (tmp_path / NAME).write_text("\n")
        with pytest.raises(NotFoundError):
            await FolderSource(tmp_path).fetch(NAME, None)

    async def test_a_file_that_is_no_text_is_told(self, tmp_path: Path) -> None:
        (tmp_path / NAME).write_bytes(b"\xff\xfe")
        with pytest.raises(DependencyUnavailableError) as unreadable:
            await FolderSource(tmp_path).fetch(NAME, None)
        assert unreadable.value.code == "secret_unreadable"

    async def test_a_folder_in_place_of_the_file_is_told(self, tmp_path: Path) -> None:
        (tmp_path / NAME).mkdir()
        with pytest.raises(DependencyUnavailableError):
            await FolderSource(tmp_path).fetch(NAME, None)

    async def test_follows_the_links_that_kubernetes_turns(self, tmp_path: Path) -> None:
        for version in ("..1", "..2"):
            (tmp_path / version).mkdir()
            (tmp_path / version / NAME).write_text(f"of {version}")
        current = tmp_path / "..data"
        current.symlink_to("..1")
        (tmp_path / NAME).symlink_to(f"..data/{NAME}")
        source = FolderSource(tmp_path)
        assert (await source.fetch(NAME, None)).value == "of ..1"
        current.unlink()
        current.symlink_to("..2")
        assert (await source.fetch(NAME, None)).value == "of ..2"


class TestFirstOfSources:
    async def test_the_first_that_has_the_secret_wins(self, tmp_path: Path) -> None:
        (tmp_path / NAME).write_text("from the file")
        sources = FirstOfSources([ENVIRONMENT, FolderSource(tmp_path)])
        assert (await sources.fetch(NAME, None)).value == "from outside"

    async def test_a_later_one_has_what_an_earlier_one_lacks(self, tmp_path: Path) -> None:
        (tmp_path / "upstream-key").write_text("from the file")
        sources = FirstOfSources([ENVIRONMENT, FolderSource(tmp_path)])
        assert (await sources.fetch("upstream-key", None)).value == "from the file"

    async def test_one_that_cannot_say_is_not_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / NAME).mkdir()
        with pytest.raises(DependencyUnavailableError):
            await FirstOfSources([FolderSource(tmp_path), ENVIRONMENT]).fetch(NAME, None)
