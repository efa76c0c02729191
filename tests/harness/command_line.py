"""Runs the `clientsphere` command inside the test, against a server of the test's choice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner, Result

from clientsphere_cli.main import app


@dataclass(frozen=True)
class CommandLine:
    """Finds its server and its key in the environment, as long as these are not None."""

    data_dir: Path
    url: str | None = None
    api_key: str | None = None
    issuer_ca_file: Path | None = None

    @property
    def config_dir(self) -> Path:
        return self.data_dir / "config"

    def run(self, *arguments: str, columns: int = 80, typed: str = "") -> Result:
        ca_file = self.issuer_ca_file
        environment: dict[str, str | None] = {
            "CLIENTSPHERE_DATA_DIR": str(self.data_dir),
            "CLIENTSPHERE_URL": self.url,
            "CLIENTSPHERE_API_KEY": self.api_key,
            "CLIENTSPHERE_OPERATOR_KEY": None,
            "CLIENTSPHERE_CONFIG_DIR": str(self.config_dir),
            "CLIENTSPHERE_ISSUER_CA_FILE": None if ca_file is None else str(ca_file),
            "COLUMNS": str(columns),
        }
        return CliRunner(env=environment).invoke(
            app, arguments, input=typed, catch_exceptions=False
        )
