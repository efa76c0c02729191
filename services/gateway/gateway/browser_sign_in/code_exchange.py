"""Redeems the code that a browser brought for what the issuer says about who it is."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import quote_plus

from clientsphere_common.errors import (
    DependencyUnavailableError,
    NotFoundError,
    UnauthenticatedError,
)
from clientsphere_common.secrets.ports import Secrets
from gateway.browser_sign_in.failures import (
    identity_provider_unavailable,
    sign_in_refused,
    sign_in_unproven,
)
from gateway.browser_sign_in.model import Attempt, WayIn, digest
from gateway.browser_sign_in.ports import IssuerHttp
from gateway.strict_json import parse_object
from gateway.token_issuers.issuer_keys import KeysOfIssuers
from gateway.token_issuers.model import SignInOffer
from gateway.token_rules import Claims, text_claim
from gateway.token_verifier import TokenVerifier


class CodeExchange:
    def __init__(
        self, http: IssuerHttp, secrets: Secrets, keys: KeysOfIssuers, verifier: TokenVerifier
    ) -> None:
        self._http = http
        self._secrets = secrets
        self._keys = keys
        self._verifier = verifier

    async def id_token(self, endpoint: str, offer: SignInOffer, form: Mapping[str, str]) -> str:
        """What the issuer gives for the code in `form`, not yet believed.

        Raises UnauthenticatedError when it gives nothing, DependencyUnavailableError.
        """
        headers = await self._authorization(offer)
        form = {"grant_type": "authorization_code", "client_id": offer.client_id, **form}
        try:
            answer = await self._http.post_form(endpoint, form, headers)
        except DependencyUnavailableError as error:
            raise identity_provider_unavailable() from error
        if not answer.is_accepted:
            raise sign_in_refused()
        try:
            return text_claim(parse_object(answer.content), "id_token")
        except ValueError as error:
            raise sign_in_unproven() from error

    async def claims(self, way: WayIn, attempt: Attempt, id_token: str) -> Claims:
        """Of an ID token that is good, for us, for this attempt and for the entry's tenant.

        Raises UnauthenticatedError, DependencyUnavailableError while its keys are unknown.
        """
        rules = way.entry.id_token_rules(way.offer.client_id)
        try:
            presented = self._verifier.read(id_token)
            rules.check_header(presented.token)
            key = await self._keys.find(way.entry.url, presented.token.key_id)
            claims = self._verifier.verify(presented, rules, key)
            _check(claims, way, attempt)
        except (UnauthenticatedError, ValueError) as error:
            raise sign_in_unproven() from error
        return claims

    async def _authorization(self, offer: SignInOffer) -> Mapping[str, str]:
        """As RFC 6749 has it in section 2.3.1; every issuer that gives secrets must know it."""
        if offer.client_secret_name is None:
            return {}
        try:
            secret = await self._secrets.read(offer.client_secret_name)
        except (DependencyUnavailableError, NotFoundError) as error:
            raise identity_provider_unavailable() from error
        pair = f"{quote_plus(offer.client_id)}:{quote_plus(secret.value)}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _check(claims: Claims, way: WayIn, attempt: Attempt) -> None:
    """Raises ValueError."""
    client_id = way.offer.client_id
    if claims.get("aud") not in (client_id, [client_id]):
        raise ValueError("for others, too")
    if claims.get("azp", client_id) != client_id:
        raise ValueError("given to another client")
    if not hmac.compare_digest(digest(text_claim(claims, "nonce")), attempt.nonce_digest):
        raise ValueError("asked for by another attempt")
    if not way.entry.is_of_its_tenant(claims):
        raise ValueError("of somebody of another tenant")
