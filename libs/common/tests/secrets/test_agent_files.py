"""Files that a real agent renders: read as they are, and read again when it renders them anew."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from clientsphere_common.errors import NotFoundError
from clientsphere_common.secrets.folder import FolderSource
from clientsphere_common.secrets.polled import PolledSecrets
from tests.harness.modules import running
from tests.harness.openbao import ROLE_ID, OpenBao, eventually, running_openbao

NAME = "upstream-key"
AGENT = """
vault {{ address = "{address}" }}
auto_auth {{ method "approle" {{ config = {{
  role_id_file_path = "{folder}/role-id"
  secret_id_file_path = "{folder}/secret-id"
  remove_secret_id_file_after_reading = false
}} }} }}
template_config {{ static_secret_render_interval = "1s" }}
template {{
  destination = "{folder}/secrets/{name}"
  contents = <<EOT
{{{{ with secret "secret/data/clientsphere/{name}" }}}}{{{{ .Data.data.value }}}}{{{{ end }}}}
EOT
}}
"""


@pytest.fixture
def openbao(tmp_path: Path) -> Iterator[OpenBao]:
    with running_openbao(tmp_path) as server:
        server.write(NAME, "sk-first")
        yield server


@pytest.fixture
def agent_files(openbao: OpenBao, tmp_path: Path) -> Iterator[Path]:
    """The folder into which an agent writes for as long as the test runs."""
    (tmp_path / "role-id").write_text(ROLE_ID)
    config = tmp_path / "agent.hcl"
    config.write_text(AGENT.format(address=openbao.address, folder=tmp_path, name=NAME))
    with (tmp_path / "agent.log").open("wb") as output:
        agent = subprocess.Popen(
            [openbao.binary, "agent", f"-config={config}"],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"HOME": str(tmp_path)},
        )
    try:
        yield tmp_path / "secrets"
    finally:
        agent.kill()
        agent.wait()


class TestFilesOfAnAgent:
    async def test_a_rotated_secret_is_seen_without_a_restart(
        self, openbao: OpenBao, agent_files: Path
    ) -> None:
        secrets = PolledSecrets(FolderSource(agent_files), 0.05)

        async def is_rendered() -> bool:
            try:
                await secrets.read(NAME)
            except NotFoundError:
                return False
            return True

        async with running(secrets):
            await eventually(is_rendered)
            first = await secrets.read(NAME)
            assert first.value == "sk-first"
            openbao.write(NAME, "sk-second")
            assert (await anext(secrets.changes(first))).value == "sk-second"
