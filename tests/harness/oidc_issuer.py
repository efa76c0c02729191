"""An OpenID Connect provider: keys that rotate, tokens, and documents that tests may spoil.

async with oidc_issuer(authority) as issuer:
    issuer.add_key("k1", "RS256")
    issuer.token("k1", sub="ada")
    issuer.key_set = Spoilt.SLOW
"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeVar

import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.harness.certificates import CertificateAuthority
from tests.harness.token_forge import MISSING, b64

AUDIENCE = "clientsphere"
PrivateKey = RSAKey | ECKey | OKPKey


class Spoilt(Enum):
    """What becomes of a document."""

    SLOW = auto()
    """Its first byte comes, and then nothing for a long time."""
    HUGE = auto()
    ENDLESS = auto()
    REDIRECTING = auto()
    COMPRESSED = auto()
    GARBAGE = auto()
    FAILING = auto()
    OF_ANOTHER = auto()
    """It names another issuer; as a key set: no keys at all."""


def new_key(algorithm: str) -> PrivateKey:
    if algorithm.startswith(("RS", "PS")):
        return RSAKey.import_key(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    if algorithm == "ES256":
        return ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
    return OKPKey.import_key(ed25519.Ed25519PrivateKey.generate())


def signed(key: PrivateKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    body = f"{b64(json.dumps(header))}.{b64(json.dumps(claims))}"
    return f"{body}.{b64(JWSRegistry.algorithms[header['alg']].sign(body.encode(), key))}"


@dataclass
class OidcIssuer:
    url: str = ""
    discovery: Spoilt | None = None
    key_set: Spoilt | None = None
    key_set_url: str = ""
    """What its discovery document says."""
    keys: dict[str, tuple[str, PrivateKey]] = field(default_factory=dict)
    """What it signs with: algorithm and key, by key id."""
    withheld: set[str] = field(default_factory=set)
    """Ids of keys that it does not publish."""
    asked: list[str] = field(default_factory=list)
    """The paths of all requests."""
    sets_cookie: bool = False
    cookies: list[str] = field(default_factory=list)
    """What came with requests for its keys."""

    def add_key(self, key_id: str, algorithm: str) -> None:
        self.keys[key_id] = (algorithm, new_key(algorithm))

    def token(self, key_id: str, **claims: object) -> str:
        """For a minute, of `sub` "ada" and for AUDIENCE unless `claims` say otherwise."""
        algorithm, key = self.keys[key_id]
        now_s = int(time.time())
        every = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "iat": now_s, "exp": now_s + 60}
        kept = {name: one for name, one in {**every, **claims}.items() if one is not MISSING}
        return signed(key, {"alg": algorithm, "kid": key_id, "typ": "at+jwt"}, kept)

    def published(self) -> dict[str, Any]:
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": key_id, "use": "sig", "alg": algorithm}
                for key_id, (algorithm, key) in self.keys.items()
                if key_id not in self.withheld
            ]
        }

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/keys", self._key_set),
                Route("/elsewhere", self._key_set),
                *self.more_routes(),
            ]
        )

    def more_routes(self) -> list[Route]:
        """Of an issuer that does more than publish."""
        return []

    def more_discovery(self) -> dict[str, Any]:
        return {}

    async def _discovery(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        issuer = "https://another.example" if self.discovery is Spoilt.OF_ANOTHER else self.url
        document = {"issuer": issuer, "jwks_uri": self.key_set_url, **self.more_discovery()}
        return _answer(self.discovery, document)

    async def _key_set(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        published = {"keys": []} if self.key_set is Spoilt.OF_ANOTHER else self.published()
        self.cookies.append(request.headers.get("cookie", ""))
        response = _answer(self.key_set, published)
        if self.sets_cookie:
            response.set_cookie("seen", "before")
        return response


AnyIssuer = TypeVar("AnyIssuer", bound=OidcIssuer)


def _answer(spoilt: Spoilt | None, content: dict[str, Any]) -> Response:
    spoil = _SPOILT.get(spoilt) if spoilt is not None else None
    return JSONResponse(content) if spoil is None else spoil(json.dumps(content).encode())


async def _slowly(content: bytes) -> AsyncIterator[bytes]:
    yield content[:1]
    await asyncio.sleep(30)


async def _endlessly() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 16384
        # Or the server would never hear that nobody listens.
        await asyncio.sleep(0)


_SPOILT: dict[Spoilt, Callable[[bytes], Response]] = {
    Spoilt.SLOW: lambda content: StreamingResponse(_slowly(content)),
    Spoilt.HUGE: lambda content: Response(content + b" " * 65536),
    Spoilt.ENDLESS: lambda _: StreamingResponse(_endlessly()),
    Spoilt.REDIRECTING: lambda _: RedirectResponse("/elsewhere"),
    Spoilt.COMPRESSED: lambda content: Response(
        gzip.compress(content), headers={"Content-Encoding": "gzip"}
    ),
    Spoilt.GARBAGE: lambda _: Response(b"<html>"),
    Spoilt.FAILING: lambda content: Response(content, status_code=500),
}


@asynccontextmanager
async def oidc_issuer(authority: CertificateAuthority) -> AsyncIterator[OidcIssuer]:
    async with serving(OidcIssuer(), authority) as issuer:
        yield issuer


@asynccontextmanager
async def serving(issuer: AnyIssuer, authority: CertificateAuthority) -> AsyncIterator[AnyIssuer]:
    """On a free port of 127.0.0.1, with a certificate of `authority`."""
    files = authority.issue("oidc-issuer")
    config = uvicorn.Config(
        issuer.app(),
        port=0,
        lifespan="off",
        ws="none",
        log_config=None,
        ssl_certfile=files.certificate,
        ssl_keyfile=str(files.key),
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    issuer.url = f"https://localhost:{port}"
    issuer.key_set_url = f"{issuer.url}/keys"
    running = asyncio.create_task(server.main_loop())
    try:
        yield issuer
    finally:
        # At once: clients keep their connections for the next time.
        server.should_exit = server.force_exit = True
        await running
        await server.shutdown()
