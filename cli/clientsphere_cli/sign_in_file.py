"""Who is signed in: one server and its tokens, in a file that only its owner can read."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from clientsphere_cli.failures import CliError
from clientsphere_common.keys import write_private_file


@dataclass(frozen=True)
class StoredSignIn:
    url: str
    """The server that the tokens are for; they are sent to no other."""
    issuer: str
    client_id: str
    access_token: str = field(repr=False)
    expires_at_s: float
    """By the clock of this machine."""
    refresh_token: str | None = field(default=None, repr=False)


_STORED = TypeAdapter(StoredSignIn)


class SignInFile:
    def __init__(self, config_dir: Path) -> None:
        self.path = config_dir / "sign-in.json"

    def read(self) -> StoredSignIn | None:
        """None when nobody is signed in. Raises CliError."""
        try:
            return _STORED.validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CliError(f"{self.path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            raise CliError(
                f"{self.path} holds no sign-in. Remove it, or run `clientsphere login` again."
            ) from error

    def write(self, sign_in: StoredSignIn) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private_file(self.path, _STORED.dump_json(sign_in, indent=2))
        except OSError as error:
            raise CliError(f"{self.path} cannot be written: {error.strerror}.") from error

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Wait for other commands: a refresh token that two of them use ends the sign-in."""
        lock = os.open(self.path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
