"""Public documents over HTTPS, from servers that may be slow, broken or hostile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from clientsphere_common.errors import DependencyUnavailableError
from gateway.adapters.https_trust import trusting

MAX_BYTES = 64 * 1024
_LAST_PORT = 65_535


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
        _require_https(url)
        client = await self._opened()
        try:
            async with asyncio.timeout(self._timeout_s), client.stream("GET", url) as response:
                return await _content(response)
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
            return self._client


def _require_https(url: str) -> None:
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
    if response.status_code != httpx.codes.OK:
        raise _unavailable(url, f"answered {response.status_code}")
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
