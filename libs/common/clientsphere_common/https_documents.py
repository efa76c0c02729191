"""Documents and forms over HTTPS, with servers that may be slow, broken or hostile."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import httpx

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.https_trust import trusting

MAX_BYTES = 64 * 1024
_LAST_PORT = 65_535
_REFUSED = (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


@dataclass(frozen=True)
class FormAnswer:
    is_accepted: bool
    content: bytes


class HttpsDocuments:
    """A module. No redirects, no proxies of the environment, no compression, no patience."""

    name = "documents over HTTPS"

    def __init__(self, ca_file: Path | None, timeout_s: float) -> None:
        self._ca_file = ca_file
        self._timeout_s = timeout_s
        self._opening = asyncio.Lock()
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """The first document opens it: most installations never read one."""

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def read(self, url: str) -> bytes:
        """Raises DependencyUnavailableError."""
        require_https(url)
        client = await self._opened()
        return (await self._answer(url, client.stream("GET", url), (httpx.codes.OK,))).content

    async def post_form(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> FormAnswer:
        """As the endpoints of OAuth take forms: a refusal has a content that says why.

        Raises DependencyUnavailableError for every other answer.
        """
        require_https(url)
        client = await self._opened()
        exchange = client.stream("POST", url, data=form, headers=headers)
        return await self._answer(url, exchange, (httpx.codes.OK, *_REFUSED))

    async def _answer(
        self,
        url: str,
        exchange: AbstractAsyncContextManager[httpx.Response],
        expected: Container[int],
    ) -> FormAnswer:
        try:
            async with asyncio.timeout(self._timeout_s), exchange as response:
                if response.status_code not in expected:
                    raise _unavailable(url, f"answered {response.status_code}")
                is_accepted = response.status_code == httpx.codes.OK
                return FormAnswer(is_accepted, await _content(response))
        except TimeoutError as error:
            raise _unavailable(url, f"took longer than {self._timeout_s} s") from error
        except (httpx.HTTPError, ValueError) as error:
            # ValueError: a name that cannot be looked up.
            raise _unavailable(url, type(error).__name__) from error

    async def _opened(self) -> httpx.AsyncClient:
        async with self._opening:
            if self._client is None:
                context = await asyncio.to_thread(trusting, self._ca_file)
                self._client = httpx.AsyncClient(
                    verify=context,
                    follow_redirects=False,
                    trust_env=False,
                    timeout=self._timeout_s,
                    headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                )
                # One client acts for everybody: a cookie would tell servers that they are one.
                self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
            return self._client


def require_https(url: str) -> None:
    """Raises DependencyUnavailableError."""
    try:
        is_https = _is_https(httpx.URL(url))
    except (httpx.InvalidURL, ValueError) as error:
        # ValueError: a host that is no name.
        raise _unavailable(url, "is no URL") from error
    if not is_https:
        raise _unavailable(url, "is not an https URL of a document")


def _is_https(url: httpx.URL) -> bool:
    is_plain = not url.userinfo and not url.fragment and (url.port or 443) <= _LAST_PORT
    return url.scheme == "https" and bool(url.host) and is_plain


async def _content(response: httpx.Response) -> bytes:
    url = str(response.url)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _unavailable(url, "is compressed, though that was not asked for")
    content = b""
    async for piece in response.aiter_raw(MAX_BYTES):
        content += piece
        if len(content) > MAX_BYTES:
            raise _unavailable(url, f"is larger than {MAX_BYTES // 1024} KiB")
    return content


def _unavailable(url: str, reason: str) -> DependencyUnavailableError:
    return DependencyUnavailableError("issuer_document_unavailable", f"{url} {reason}.")
