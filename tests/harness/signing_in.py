"""A gateway, an issuer at which its tenant's people sign in, and their browsers."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from clientsphere_common.https_documents import HttpsDocuments
from gateway.model.tenancy import NewTenant
from gateway.settings import GatewaySettings
from tests.fakes.unchanging_secrets import FakeSecrets
from tests.harness.authorization_server import AuthorizationServer, Client, authorization_server
from tests.harness.browser import ORIGIN, Browser
from tests.harness.certificates import CertificateAuthority
from tests.harness.gateway import OPERATOR_KEY, Clock, Gateway, Tables
from tests.harness.modules import running
from tests.harness.oidc_issuer import AUDIENCE

SECRET = "s3cret of the client: 100% + more"
CONSOLE = "console"


@dataclass
class SigningIn:
    gateway: Gateway
    server: AuthorizationServer
    outside: httpx.AsyncClient
    tenant: NewTenant
    browsers: list[Browser] = field(default_factory=list)

    async def offer(self, tenant: NewTenant | None = None, **wish: Any) -> str:
        """The id of a new sign-in at the server."""
        sign_in = {"client_id": CONSOLE, "client_secret_name": "sign-in-console"}
        body = {
            "url": self.server.url,
            "audience": AUDIENCE,
            "algorithms": ["ES256"],
            "roles": {"kb-editors": "editor", "kb-admins": "admin"},
            "default_role": "viewer",
            **wish,
            "sign_in": {**sign_in, **wish.get("sign_in", {})},
        }
        of = (tenant or self.tenant).tenant.id
        async with self.gateway.client(OPERATOR_KEY) as operator:
            response = await operator.post(f"/v1/tenants/{of}/token-issuers", json=body)
        assert response.status_code == 201, response.text
        sign_in_id: str = response.json()["id"]
        before = self.server.clients.get(CONSOLE, Client(SECRET)).redirect_uris
        uri = f"{ORIGIN}/v1/sign-in/{sign_in_id}/callback"
        self.server.clients[CONSOLE] = Client(SECRET, before | {uri})
        return sign_in_id

    def browser(self, gateway: Gateway | None = None) -> Browser:
        browser = Browser((gateway or self.gateway).app, self.outside)
        self.browsers.append(browser)
        return browser

    async def sign_in(self, sign_in_id: str, **claims: Any) -> Browser:
        """A browser with a session."""
        self.server.person = {"sub": "ada", **claims}
        browser = self.browser()
        callback = await self.callback_url(browser, sign_in_id)
        assert (await browser.get(callback)).status_code == 303
        return browser

    async def callback_url(self, browser: Browser, sign_in_id: str, return_to: str = "/") -> str:
        """Where the issuer sends the browser that was sent to it."""
        path = httpx.URL(f"/v1/sign-in/{sign_in_id}/start", params={"return_to": return_to})
        started = await browser.get(str(path))
        response = await browser.follow(started, until="/callback")
        assert response.status_code == 303, response.text
        url: str = response.headers["location"]
        return url


@asynccontextmanager
async def signing_in(tables: Tables, authority: CertificateAuthority) -> AsyncIterator[SigningIn]:
    documents = HttpsDocuments(authority.file, timeout_s=5.0)
    context = ssl.create_default_context(cafile=authority.file)
    async with (
        running(documents),
        authorization_server(authority) as server,
        httpx.AsyncClient(verify=context) as outside,
    ):
        gateway = Gateway(
            tables,
            settings=GatewaySettings(public_url=ORIGIN),
            issuer_documents=documents,
            clock=Clock.now(),
            secrets=FakeSecrets(sign_in_console=SECRET),
        )
        server.clock = gateway.clock
        async with running(gateway.issuers.keys):
            signing = SigningIn(gateway, server, outside, await gateway.new_tenant())
            yield signing
            for browser in signing.browsers:
                await browser.close()
