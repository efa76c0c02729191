"""An OpenID Connect provider at which people and programs sign in: codes, devices, refreshing.

async with authorization_server(authority) as server:
    server.clients["console"] = Client("secret", {"https://gateway.test/..."})
    server.person = {"sub": "ada", "roles": ["kb-editors"]}

It is as strict as the standards allow: PKCE with S256 for everybody, redirect URIs to the letter,
each code and each refresh token once.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.harness.certificates import CertificateAuthority
from tests.harness.oidc_issuer import AUDIENCE, OidcIssuer, serving, signed
from tests.harness.token_forge import MISSING

KEY_ID = "k1"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True)
class Client:
    secret: str | None = None
    redirect_uris: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Grant:
    """What somebody agreed to."""

    client_id: str
    person: dict[str, Any]
    scope: str = ""
    redirect_uri: str = ""
    challenge: str = ""
    nonce: str = ""


class OAuthError(Exception):
    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


@dataclass
class AuthorizationServer(OidcIssuer):
    clients: dict[str, Client] = field(default_factory=dict)
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "ada"})
    """Who sits at the browser, and what the tokens say about them."""
    names_itself: bool = True
    """RFC 9207."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Members of the discovery document that are not as they should be."""
    refuses: str = ""
    """The error with which it sends browsers back."""
    id_token_claims: dict[str, Any] = field(default_factory=dict)
    """Claims of the next ID tokens that are not as they should be."""
    id_token_header: dict[str, Any] = field(default_factory=dict)
    token_answer: Response | None = None
    """Instead of what the token endpoint would say."""
    device_answers: list[str] = field(default_factory=list)
    """Errors for the next polls of devices, before the person has agreed."""
    interval_s: int | None = None
    access_token_lifetime_s: int = 60
    forms: list[dict[str, str]] = field(default_factory=list)
    """What was sent to the token endpoint."""
    clock: Callable[[], float] = time.time
    codes: dict[str, Grant] = field(default_factory=dict)
    devices: dict[str, Grant] = field(default_factory=dict)
    refresh_tokens: dict[str, Grant] = field(default_factory=dict)

    def more_routes(self) -> list[Route]:
        return [
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/device", self._device, methods=["POST"]),
            Route("/revoke", self._revoke, methods=["POST"]),
        ]

    def more_discovery(self) -> dict[str, Any]:
        members = {
            "authorization_endpoint": f"{self.url}/authorize?tenant=1",
            "token_endpoint": f"{self.url}/token",
            "device_authorization_endpoint": f"{self.url}/device",
            "revocation_endpoint": f"{self.url}/revoke",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": self.names_itself,
            **self.changes,
        }
        return {name: one for name, one in members.items() if one is not MISSING}

    async def _authorize(self, request: Request) -> Response:
        """The person agrees at once."""
        asked = dict(request.query_params)
        client = self.clients[asked["client_id"]]
        assert asked["redirect_uri"] in client.redirect_uris, asked["redirect_uri"]
        answer = {"state": asked["state"], **({"iss": self.url} if self.names_itself else {})}
        if asked["response_type"] != "code" or asked.get("code_challenge_method") != "S256":
            answer["error"] = "invalid_request"
        elif self.refuses:
            answer["error"] = self.refuses
        else:
            answer["code"] = f"code-{len(self.codes)}-{time.monotonic_ns()}"
            self.codes[answer["code"]] = Grant(
                client_id=asked["client_id"],
                person=self.person,
                scope=asked["scope"],
                redirect_uri=asked["redirect_uri"],
                challenge=asked["code_challenge"],
                nonce=asked["nonce"],
            )
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 303)

    async def _token(self, request: Request) -> Response:
        form = await _form(request)
        self.forms.append(form)
        if self.token_answer is not None:
            return self.token_answer
        grants = {
            "authorization_code": self._from_code,
            DEVICE_GRANT: self._from_device,
            "refresh_token": self._from_refresh_token,
        }
        try:
            self._check_client(request, form)
            return JSONResponse(self._tokens(grants[form["grant_type"]](form)))
        except OAuthError as error:
            return JSONResponse({"error": error.code}, error.status)

    def _check_client(self, request: Request, form: dict[str, str]) -> None:
        client = self.clients.get(form["client_id"])
        scheme, _, pair = request.headers.get("authorization", "").partition(" ")
        if client is None or (client.secret is None) != (scheme == ""):
            raise OAuthError("invalid_client", 401)
        if client.secret is not None:
            presented = [unquote_plus(part) for part in base64.b64decode(pair).decode().split(":")]
            if presented != [form["client_id"], client.secret]:
                raise OAuthError("invalid_client", 401)

    def _from_code(self, form: dict[str, str]) -> Grant:
        grant = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        expected = (form["client_id"], form["redirect_uri"], challenge)
        if grant is None or expected != (grant.client_id, grant.redirect_uri, grant.challenge):
            raise OAuthError("invalid_grant")
        return grant

    def _from_device(self, form: dict[str, str]) -> Grant:
        if self.device_answers:
            raise OAuthError(self.device_answers.pop(0))
        return self._once(self.devices, form["device_code"])

    def _from_refresh_token(self, form: dict[str, str]) -> Grant:
        return self._once(self.refresh_tokens, form["refresh_token"])

    def _once(self, grants: dict[str, Grant], secret: str) -> Grant:
        if secret not in grants:
            raise OAuthError("invalid_grant")
        return grants.pop(secret)

    def _tokens(self, grant: Grant) -> dict[str, Any]:
        now_s = int(time.time())
        lifetime_s = self.access_token_lifetime_s
        access_token = self.token(KEY_ID, aud=AUDIENCE, exp=now_s + lifetime_s, **grant.person)
        tokens: dict[str, Any] = {
            "token_type": "Bearer",
            "expires_in": lifetime_s,
        }
        if "offline_access" in grant.scope.split():
            refresh_token = f"refresh-{time.monotonic_ns()}"
            self.refresh_tokens[refresh_token] = grant
            tokens["refresh_token"] = refresh_token
        if "openid" in grant.scope.split():
            tokens["id_token"] = self.id_token(grant)
        return {**tokens, "access_token": access_token}

    def id_token(self, grant: Grant) -> str:
        algorithm, key = self.keys[KEY_ID]
        now_s = int(self.clock())
        claims = {
            "iss": self.url,
            "aud": grant.client_id,
            "iat": now_s,
            "exp": now_s + 60,
            "nonce": grant.nonce,
            **grant.person,
            **self.id_token_claims,
        }
        header = {"alg": algorithm, "kid": KEY_ID, "typ": "JWT", **self.id_token_header}
        return signed(
            key,
            {name: one for name, one in header.items() if one is not MISSING},
            {name: one for name, one in claims.items() if one is not MISSING},
        )

    async def _device(self, request: Request) -> Response:
        form = await _form(request)
        if form["client_id"] not in self.clients:
            return JSONResponse({"error": "invalid_client"}, 401)
        device_code = f"device-{time.monotonic_ns()}"
        self.devices[device_code] = Grant(form["client_id"], self.person, form.get("scope", ""))
        answer = {
            "device_code": device_code,
            "user_code": "WDJB-MJHT",
            "verification_uri": f"{self.url}/activate",
            "expires_in": 600,
        }
        return JSONResponse(
            answer | ({} if self.interval_s is None else {"interval": self.interval_s})
        )

    async def _revoke(self, request: Request) -> Response:
        self.refresh_tokens.pop((await _form(request))["token"], None)
        return Response(b"", 200)


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(), strict_parsing=True))


@asynccontextmanager
async def authorization_server(
    authority: CertificateAuthority,
) -> AsyncIterator[AuthorizationServer]:
    server = AuthorizationServer()
    server.add_key(KEY_ID, "ES256")
    async with serving(server, authority):
        yield server
