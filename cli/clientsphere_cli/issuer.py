"""Signs in at an issuer without a browser of one's own (RFC 8628), and stays signed in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from clientsphere_cli.failures import CliError
from clientsphere_cli.model.sign_in import DeviceCode, IssuedTokens
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.https_documents import FormAnswer, HttpsDocuments, require_https

T = TypeVar("T")

_TIMEOUT_S = 10.0
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_MORE_PATIENCE_S = 5
_LONGEST_INTERVAL_S = 60
_REFUSALS = {
    "access_denied": "You, or your identity provider, refused the sign-in.",
    "expired_token": "The code has expired before it was entered. Sign in again.",
}


@dataclass(frozen=True)
class Discovery:
    """Of OpenID Connect, as far as a command line needs it."""

    issuer: str
    token_endpoint: str
    device_authorization_endpoint: str | None = None
    revocation_endpoint: str | None = None


@dataclass(frozen=True)
class OAuthRefusal:
    error: str


class Forms(Protocol):
    async def post_form(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> FormAnswer:
        """Raises DependencyUnavailableError."""
        ...


class Issuer:
    """One whose discovery document was read. Every call raises CliError when it does not work."""

    def __init__(
        self,
        http: Forms,
        discovery: Discovery,
        client_id: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._discovery = discovery
        self._client_id = client_id
        self._sleep = sleep
        self._monotonic = monotonic

    async def begin(self, scopes: tuple[str, ...]) -> DeviceCode:
        """A code for the person to enter elsewhere."""
        endpoint = self._discovery.device_authorization_endpoint
        if endpoint is None:
            raise CliError(
                f"{self._discovery.issuer} does not sign in command lines (it has no device"
                " authorization endpoint). Use an API key."
            )
        answer = await self._post(endpoint, {"scope": " ".join(scopes)} if scopes else {})
        if not answer.is_accepted:
            raise CliError(f"{self._discovery.issuer} gave no code: {_refusal(answer)}.")
        code = _parse(answer.content, DeviceCode, self._discovery.issuer)
        _require_https(code.verification_uri)
        return code

    async def wait_for(self, code: DeviceCode) -> IssuedTokens:
        """Ask until the person has entered the code, as often as the issuer likes to be asked."""
        form = {"grant_type": _DEVICE_GRANT, "device_code": code.device_code}
        ends_at = self._monotonic() + code.expires_in
        interval_s = min(max(code.interval, 1), _LONGEST_INTERVAL_S)
        while self._monotonic() + interval_s < ends_at:
            await self._sleep(interval_s)
            try:
                answer = await self._http.post_form(
                    self._discovery.token_endpoint, self._form(form), {}
                )
            except DependencyUnavailableError:
                interval_s = min(interval_s * 2, _LONGEST_INTERVAL_S)
                continue
            if answer.is_accepted:
                return self._tokens(answer)
            error = _refusal(answer)
            if error == "slow_down":
                interval_s += _MORE_PATIENCE_S
            elif error != "authorization_pending":
                raise CliError(_REFUSALS.get(error, f"The sign-in failed: {error}."))
        raise CliError(_REFUSALS["expired_token"])

    async def refresh(self, refresh_token: str) -> IssuedTokens | None:
        """None when the sign-in is over."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        answer = await self._post(self._discovery.token_endpoint, form)
        return self._tokens(answer) if answer.is_accepted else None

    async def revoke(self, refresh_token: str) -> None:
        """Where it is offered (RFC 7009)."""
        if self._discovery.revocation_endpoint is not None:
            await self._post(self._discovery.revocation_endpoint, {"token": refresh_token})

    def _tokens(self, answer: FormAnswer) -> IssuedTokens:
        tokens = _parse(answer.content, IssuedTokens, self._discovery.issuer)
        is_usable = tokens.access_token.isascii() and tokens.access_token.isprintable()
        if tokens.token_type.lower() != "bearer" or not is_usable:
            raise CliError(f"{self._discovery.issuer} gave tokens of a kind that is not known.")
        return tokens

    async def _post(self, endpoint: str, form: Mapping[str, str]) -> FormAnswer:
        try:
            return await self._http.post_form(endpoint, self._form(form), {})
        except DependencyUnavailableError as error:
            raise CliError(error.message) from error

    def _form(self, form: Mapping[str, str]) -> Mapping[str, str]:
        return {"client_id": self._client_id, **form}


@asynccontextmanager
async def open_issuer(url: str, client_id: str, ca_file: Path | None) -> AsyncIterator[Issuer]:
    """Raises CliError for one that cannot be reached, or is another than it says."""
    http = HttpsDocuments(ca_file, _TIMEOUT_S)
    try:
        content = await http.read(f"{url.rstrip('/')}/.well-known/openid-configuration")
        discovery = _parse(content, Discovery, url)
        if discovery.issuer != url:
            raise CliError(f"{url} says that it is {discovery.issuer}.")
        yield Issuer(http, discovery, client_id)
    except DependencyUnavailableError as error:
        raise CliError(error.message) from error
    finally:
        await http.stop()


def _require_https(url: str) -> None:
    try:
        require_https(url)
    except DependencyUnavailableError as error:
        raise CliError(error.message) from error


def _refusal(answer: FormAnswer) -> str:
    try:
        return TypeAdapter(OAuthRefusal).validate_json(answer.content).error
    except ValidationError:
        return "it did not say why"


def _parse(content: bytes, expected: type[T], issuer: str) -> T:
    try:
        return TypeAdapter(expected).validate_json(content)
    except ValidationError as error:
        raise CliError(f"{issuer} answered something that is not understood.") from error
