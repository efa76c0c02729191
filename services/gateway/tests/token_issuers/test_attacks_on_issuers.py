"""The corpus of attacks again, where the key is that of a tenant's issuer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from clientsphere_common.access.model import Role
from gateway.model.tenancy import NewTenant
from gateway.token_issuers.documents import discovery_url
from gateway.token_issuers.model import ClaimMapping, TenantCondition, TokenIssuer
from tests.fakes.gateway_ports import FakeIssuerDocuments
from tests.harness.gateway import Gateway, Tables
from tests.harness.token_attacks import attacks, mutations
from tests.harness.token_forge import TokenForge

ISSUER, AUDIENCE, KEYS_URL = "https://login.example", "clientsphere", "https://keys.example"
SUBJECT = "ada"
HARMLESS = {
    # Other people whom this issuer knows: it says who they are, and we give them its roles.
    "another principal",
    "the operator",
    *(f"sub {subject!r}" for subject in (" ", "*", "%", "' OR 1=1 --", "ada ", " ada", "ada/")),
    *(f"sub {subject!r}" for subject in ("ADA", "ad")),
    # RFC 7519 lets a token be for others as well.
    *(f"aud {audience!r}" for audience in (["clientsphere"], ["clientsphere"] * 2)),
    f"aud {['clientsphere', 'other']!r}",
}


@pytest.fixture
def documents() -> FakeIssuerDocuments:
    return FakeIssuerDocuments()


@pytest.fixture
def gateway(tables: Tables, documents: FakeIssuerDocuments) -> Gateway:
    return Gateway(tables, issuer_documents=documents)


@pytest.fixture
async def forge(gateway: Gateway, tenant: NewTenant, documents: FakeIssuerDocuments) -> TokenForge:
    """Signs as an issuer that is registered for the tenant."""
    now_s, condition = int(gateway.clock()), TenantCondition("tenant", "kestrand")
    claims = {"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "exp": now_s + 900, "iat": now_s}
    forge = TokenForge(
        Ed25519PrivateKey.generate(), {**claims, "jti": "1", condition.claim: condition.value}
    )
    jwk = {**OKPKey.import_key(forge.key.public_key()).as_dict(), "kid": forge.kid}
    documents.published = {
        discovery_url(ISSUER): json.dumps({"issuer": ISSUER, "jwks_uri": KEYS_URL}).encode(),
        KEYS_URL: json.dumps({"keys": [jwk]}).encode(),
    }
    await gateway.issuers.registration.register(
        TokenIssuer(
            id="iss_1",
            tenant_id=tenant.tenant.id,
            url=ISSUER,
            audience=AUDIENCE,
            algorithms=("Ed25519",),
            types=("at+jwt",),
            mapping=ClaimMapping(default_role=Role.VIEWER),
            created_at=tenant.tenant.created_at,
            condition=condition,
        )
    )
    return forge


@pytest.fixture
async def client(gateway: Gateway, forge: TokenForge) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway.client() as client:
        # From here on the issuer's keys and one good signature are remembered.
        assert await outcomes(client, [("", forge.signed())]) == {"": "200"}
        yield client


async def outcomes(
    client: httpx.AsyncClient, credentials: Iterable[tuple[str, str]]
) -> dict[str, str]:
    """What becomes of each, but for those that are refused as they must be."""
    found = {}
    for name, credential in credentials:
        headers = [(b"Authorization", f"Bearer {credential}".encode("latin-1"))]
        response = await client.get("/v1/me", headers=headers)
        outcome = f"{response.status_code} {response.json().get('code', '')}".strip()
        if outcome != "401 token_invalid":
            found[name] = outcome
    return found


class TestAttacks:
    async def test_are_refused_alike_unless_the_issuer_may_say_so(
        self, client: httpx.AsyncClient, forge: TokenForge
    ) -> None:
        assert await outcomes(client, attacks(forge).items()) == dict.fromkeys(HARMLESS, "200")

    async def test_have_the_issuer_asked_for_keys_only_once(
        self, client: httpx.AsyncClient, forge: TokenForge, documents: FakeIssuerDocuments
    ) -> None:
        await outcomes(client, attacks(forge).items())
        assert documents.asked == [discovery_url(ISSUER), KEYS_URL]

    async def test_by_changing_any_place_of_a_token_are_refused(
        self, client: httpx.AsyncClient, forge: TokenForge
    ) -> None:
        assert await outcomes(client, list(mutations(forge.signed()))[::9]) == {}

    async def test_with_the_issuers_own_tokens_do_not_reach_other_tenants(
        self, gateway: Gateway, client: httpx.AsyncClient, forge: TokenForge
    ) -> None:
        other = await gateway.new_tenant("Quaymere")
        for claim in (other.tenant.id, "quaymere", ["kestrand", "quaymere"]):
            assert await outcomes(client, [("", forge.with_claims(tenant=claim))]) == {}
