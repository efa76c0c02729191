"""Secrets that no setting names: made once, and kept in files that only their owner can read."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from clientsphere_common.keys import write_private_file
from gateway.key_format import random_text

_SECRET_CHARS = 43


def kept_secret(setting: SecretStr | None, path: Path) -> str:
    """The secret of `setting`; without one that of the file at `path`, made on first use.

    A secret that is made has 256 random bits.
    """
    if setting is not None:
        return setting.get_secret_value()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private_file(path, f"{random_text(_SECRET_CHARS)}\n".encode())
    return path.read_text().strip()
