"""What a server leaves in its data folder for commands of the same user on the same machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from clientsphere_cli.failures import CliError

CREDENTIALS_FILE = "credentials.json"
OPERATOR_KEY_FILE = "secrets/gateway-operator-key"


@dataclass(frozen=True)
class StoredCredentials:
    """Where the server answers, and the key of the default tenant's owner."""

    url: str
    api_key: str = field(repr=False)


def read_credentials(folder: Path) -> StoredCredentials:
    """Raises CliError when no server was started in `folder`."""
    path = folder / CREDENTIALS_FILE
    try:
        return TypeAdapter(StoredCredentials).validate_json(_read(path))
    except ValidationError as error:
        raise CliError(f"{path} does not hold credentials.") from error


def read_operator_key(folder: Path) -> str:
    """Raises CliError when no server was started in `folder`."""
    return _read(folder / OPERATOR_KEY_FILE).decode(errors="replace").strip()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CliError(
            f"There is no {path}: no server was started with that data folder. Start one with"
            " `clientsphere run`, or name a server and a key as options."
        ) from error
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}.") from error
