"""Which server a command talks to, and as whom."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

import typer
from pydantic import SecretStr

from clientsphere_cli.data_folder import read_credentials, read_operator_key
from clientsphere_cli.failures import CliError
from clientsphere_cli.settings import CliSettings, load_settings
from clientsphere_cli.sign_in_file import SignInFile
from clientsphere_cli.signed_in import SignedIn
from clientsphere_common.settings import PlatformSettings

UrlOption = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Address of the server; or CLIENTSPHERE_URL."),
]
ApiKeyOption = Annotated[
    str | None,
    typer.Option("--api-key", metavar="KEY", help="API key; or CLIENTSPHERE_API_KEY."),
]
OperatorKeyOption = Annotated[
    str | None,
    typer.Option(
        "--operator-key",
        metavar="KEY",
        help="The operator's key; or CLIENTSPHERE_OPERATOR_KEY.",
    ),
]


@dataclass(frozen=True)
class Connection:
    url: str
    api_key: str = field(repr=False)
    request_timeout_s: float
    signed_in: SignedIn | None = field(default=None, repr=False)
    """Speaks for a person where there is no key."""

    @property
    def is_local(self) -> bool:
        return _is_loopback(urlsplit(self.url).hostname or "")


def connect(url: str | None, api_key: str | None) -> Connection:
    """With what was given, else what the environment says, else as who is signed in there, else
    with what the data folder holds.

    Raises CliError when something is missing, and rather than send what is stored to a server
    that it does not belong to.
    """
    settings = load_settings(CliSettings, url=url, api_key=api_key)
    file = SignInFile(settings.config_dir)
    stored = None if settings.api_key is not None else file.read()
    if stored is not None and _server(settings.url or stored.url) == _server(stored.url):
        signed_in = SignedIn(file, settings.issuer_ca_file)
        return Connection(stored.url, "", settings.request_timeout_s, signed_in)
    return _connect(settings, settings.api_key, lambda folder: read_credentials(folder).api_key)


def connect_as_operator(url: str | None, operator_key: str | None) -> Connection:
    """Like `connect`, with the key of whoever runs the platform."""
    settings = load_settings(CliSettings, url=url, operator_key=operator_key)
    return _connect(settings, settings.operator_key, read_operator_key)


def connect_as_nobody(url: str | None) -> Connection:
    """To sign in. Raises CliError for a server to which a token would travel in the clear."""
    settings = load_settings(CliSettings, url=url)
    found = settings.url
    if found is None:
        found = read_credentials(load_settings(PlatformSettings).data_dir).url
    connection = Connection(_checked_url(found), "", settings.request_timeout_s)
    if not (connection.is_local or connection.url.startswith("https:")):
        raise CliError(f"{found} is not an https address: who listens would be signed in, too.")
    return connection


def _connect(
    settings: CliSettings, key: SecretStr | None, stored_key: Callable[[Path], str]
) -> Connection:
    url = settings.url
    if url is None or key is None:
        folder = load_settings(PlatformSettings).data_dir
        stored_url = read_credentials(folder).url
        if key is None:
            _check_belongs(folder, stored_url, url or stored_url)
            key = SecretStr(stored_key(folder))
        url = url or stored_url
    return Connection(
        _checked_url(url), _checked_key(key.get_secret_value()), settings.request_timeout_s
    )


def _check_belongs(folder: Path, stored_url: str, url: str) -> None:
    if _server(url) != _server(stored_url):
        raise CliError(
            f"The key in {folder} belongs to {stored_url}. Give the key for {url} as an option."
        )


def _server(url: str) -> tuple[str, str, int | None]:
    """Loopback names are one server: the key does not leave the machine."""
    parts = _split(url)
    host = parts.hostname or ""
    return parts.scheme, "loopback" if _is_loopback(host) else host, parts.port


def _checked_url(url: str) -> str:
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CliError(f"{url!r} is not an address such as http://127.0.0.1:8080.")
    return url.rstrip("/")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        raise CliError(f"{url!r} is not an address such as http://127.0.0.1:8080.") from error
    return parts


def _checked_key(key: str) -> str:
    """A header holds visible ASCII; the key itself is never repeated."""
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise CliError("The key is empty or holds characters that no key has.")
    return key


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
