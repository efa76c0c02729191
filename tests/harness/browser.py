"""A browser: goes where it is sent, and keeps each site's cookies as browsers do.

Requests to `origin` go to the gateway's application, all others over the network.
"""

from __future__ import annotations

from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import httpx

from gateway.app import GatewayApi

ORIGIN = "https://gateway.test"


class Browser:
    def __init__(self, app: GatewayApi, outside: httpx.AsyncClient) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._gateway = httpx.AsyncClient(transport=transport, base_url=ORIGIN)
        self._outside = outside
        self.cookies: dict[str, str] = {}
        """Of the gateway. It keeps only those that a page of another host cannot set."""

    async def get(self, url: str, **headers: str) -> httpx.Response:
        """One step: where the answer sends it, it goes with `follow`."""
        return await self.send("GET", url, **headers)

    async def send(self, method: str, url: str, **headers: str) -> httpx.Response:
        """`headers` with underscores for hyphens."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if not url.startswith(("/", ORIGIN)):
            return await self._outside.request(method, url, headers=given)
        pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Cookie": pairs, **given} if pairs else given
        response = await self._gateway.request(method, url.removeprefix(ORIGIN), headers=sent)
        for header in response.headers.get_list("set-cookie"):
            self._keep(header)
        return response

    async def follow(self, response: httpx.Response, until: str = "") -> httpx.Response:
        """Go on for as long as it is sent somewhere, but not to where `until` is in the path."""
        while response.status_code == 303:
            url = response.headers["location"]
            if until and until in urlsplit(url).path:
                return response
            response = await self.get(url)
        return response

    def _keep(self, header: str) -> None:
        for name, morsel in SimpleCookie(header).items():
            assert name.startswith("__Host-")
            assert morsel["secure"]
            assert morsel["httponly"]
            assert morsel["path"] == "/"
            assert not morsel["domain"]
            assert morsel["samesite"].lower() == "lax"
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value

    async def close(self) -> None:
        await self._gateway.aclose()
