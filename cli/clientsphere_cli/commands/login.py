"""`clientsphere login` and `logout`: act as a person, without an API key."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Annotated

import typer

from clientsphere_cli.client import open_client
from clientsphere_cli.connection import Connection, UrlOption, connect_as_nobody
from clientsphere_cli.failures import CliError
from clientsphere_cli.model.sign_in import DeviceCode, IssuedTokens, SignInParameters
from clientsphere_cli.output.terminal import one_line, plain, show
from clientsphere_cli.settings import CliSettings, load_settings
from clientsphere_cli.sign_in_file import SignInFile, StoredSignIn
from clientsphere_cli.signed_in import with_tokens


def login(
    sign_in: Annotated[
        str,
        typer.Option(
            "--sign-in", metavar="ID", help="Which sign-in; your admin knows.", show_default=False
        ),
    ],
    url: UrlOption = None,
) -> None:
    """Sign in at your identity provider; later commands act as you."""
    settings = load_settings(CliSettings, url=url)
    asyncio.run(_login(settings, connect_as_nobody(url), sign_in))


async def _login(settings: CliSettings, nobody: Connection, sign_in_id: str) -> None:
    async with open_client(nobody) as client:
        parameters = await client.sign_in_parameters(sign_in_id)
    client_id = parameters.client_id
    if client_id is None:
        raise CliError("With this sign-in, one signs in with a browser only. Use an API key.")
    tokens = await _tokens(settings, parameters, client_id)
    async with open_client(replace(nobody, api_key=tokens.access_token)) as client:
        me = await client.me()
    stored = StoredSignIn(nobody.url, parameters.issuer, client_id, "", 0.0)
    SignInFile(settings.config_dir).write(with_tokens(stored, tokens, time.time()))
    roles = ", ".join(me.roles) or "no role"
    show(plain(f"Signed in to {one_line(me.tenant.name)} as {me.principal.id} ({roles})."))


async def _tokens(
    settings: CliSettings, parameters: SignInParameters, client_id: str
) -> IssuedTokens:
    # Here, because it loads gRPC, which other commands need not wait for.
    from clientsphere_cli.issuer import open_issuer

    async with open_issuer(parameters.issuer, client_id, settings.issuer_ca_file) as issuer:
        code = await issuer.begin(parameters.scopes)
        _ask_for(code, parameters.issuer)
        return await issuer.wait_for(code)


def _ask_for(code: DeviceCode, issuer: str) -> None:
    """Only the code itself tells the person that this is what they began."""
    show(plain(f"Sign in at {one_line(issuer)}: open"))
    show(plain(f"  {one_line(code.verification_uri)}"))
    show(plain(f"and enter the code {one_line(code.user_code)}"))


def logout() -> None:
    """Forget who is signed in, here and, where it can, at the identity provider."""
    settings = load_settings(CliSettings)
    file = SignInFile(settings.config_dir)
    stored = file.read()
    if stored is None:
        raise CliError("Nobody is signed in.")
    file.remove()
    if stored.refresh_token is not None:
        try:
            asyncio.run(_revoke(settings, stored, stored.refresh_token))
        except CliError as error:
            raise CliError(f"Signed out here, but not at the identity provider: {error}") from error
    show(plain(f"Signed out of {stored.url}."))


async def _revoke(settings: CliSettings, stored: StoredSignIn, refresh_token: str) -> None:
    from clientsphere_cli.issuer import open_issuer  # As above.

    async with open_issuer(stored.issuer, stored.client_id, settings.issuer_ca_file) as issuer:
        await issuer.revoke(refresh_token)
