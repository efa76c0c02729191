"""Where an issuer signs people in, as its discovery document says."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.https_documents import require_https
from gateway.browser_sign_in.failures import identity_provider_unavailable
from gateway.ports import IssuerDocuments
from gateway.strict_json import parse_object
from gateway.token_issuers.documents import discovery_url

log = structlog.get_logger(__name__)

FRESH_S = 600.0
PAUSE_S = 5.0
"""After a failure, before the issuer is asked again."""


@dataclass(frozen=True)
class IssuerEndpoints:
    authorization: str
    token: str
    names_itself: bool
    """Whether its answers through the browser say whose they are (RFC 9207)."""


def read_endpoints(discovery: bytes, issuer_url: str) -> IssuerEndpoints:
    """Raises ValueError for a document that is not that issuer's, or of one without PKCE."""
    document = parse_object(discovery)
    if document.get("issuer") != issuer_url:
        raise ValueError("the discovery document is another issuer's")
    methods = document.get("code_challenge_methods_supported", ["S256"])
    if not isinstance(methods, list) or "S256" not in methods:
        raise ValueError("the issuer does not know the S256 of PKCE")
    return IssuerEndpoints(
        authorization=_text(document, "authorization_endpoint"),
        token=_text(document, "token_endpoint"),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _text(document: dict[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise ValueError(f"the discovery document has no {name}")
    return value


class EndpointsOfIssuers:
    """Asks for a document at most every ten minutes, and once for all who wait."""

    def __init__(self, documents: IssuerDocuments, monotonic: Callable[[], float]) -> None:
        self._documents = documents
        self._monotonic = monotonic
        self._known: dict[str, IssuerEndpoints] = {}
        self._ask_again_at: defaultdict[str, float] = defaultdict(lambda: -math.inf)
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def find(self, issuer_url: str) -> IssuerEndpoints:
        """To be asked for registered issuers only. Raises DependencyUnavailableError."""
        async with self._asking[issuer_url]:
            if self._monotonic() >= self._ask_again_at[issuer_url]:
                await self._ask(issuer_url)
        if issuer_url not in self._known:
            raise identity_provider_unavailable()
        return self._known[issuer_url]

    async def _ask(self, issuer_url: str) -> None:
        self._known.pop(issuer_url, None)
        self._ask_again_at[issuer_url] = self._monotonic() + PAUSE_S
        try:
            document = await self._documents.read(discovery_url(issuer_url))
            found = read_endpoints(document, issuer_url)
            require_https(found.authorization)
        except (DependencyUnavailableError, ValueError) as error:
            log.warning("issuer_endpoints_not_read", issuer=issuer_url, error=str(error))
            return
        self._known[issuer_url] = found
        self._ask_again_at[issuer_url] = self._monotonic() + FRESH_S
