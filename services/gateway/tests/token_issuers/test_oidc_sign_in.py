"""People sign in with tokens of their tenant's issuer: a real one, over HTTPS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from clientsphere_common.https_documents import HttpsDocuments
from clientsphere_common.request import Caller
from gateway.model.tenancy import NewTenant
from tests.harness.certificates import CertificateAuthority, make_authority
from tests.harness.gateway import OPERATOR_KEY, Clock, Gateway, Tables
from tests.harness.modules import running
from tests.harness.oidc_issuer import AUDIENCE, OidcIssuer, Spoilt, oidc_issuer, signed
from tests.harness.token_forge import MISSING

ALGORITHMS = ["RS256", "ES256", "EdDSA"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def issuer(authority: CertificateAuthority) -> AsyncIterator[OidcIssuer]:
    async with oidc_issuer(authority) as issuer:
        issuer.add_key("k1", "RS256")
        yield issuer


@pytest.fixture
async def gateway(tables: Tables, authority: CertificateAuthority) -> AsyncIterator[Gateway]:
    documents = HttpsDocuments(authority.file, timeout_s=0.5)
    async with running(documents):
        gateway = Gateway(tables, issuer_documents=documents, clock=Clock.now())
        async with running(gateway.issuers.keys):
            yield gateway


async def register(
    gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant, **wish: object
) -> dict[str, Any]:
    body = {
        "url": issuer.url,
        "audience": AUDIENCE,
        "algorithms": ALGORITHMS,
        "roles": {"kb-editors": "editor", "kb-readers": "viewer"},
        **wish,
    }
    async with gateway.client(OPERATOR_KEY) as operator:
        path = f"/v1/tenants/{tenant.tenant.id}/token-issuers"
        response = await operator.post(path, json=body)
    assert response.status_code == 201, response.text
    registered: dict[str, Any] = response.json()
    return registered


async def me(gateway: Gateway, token: str) -> httpx.Response:
    async with gateway.client(token) as client:
        return await client.get("/v1/me")


async def outcome(gateway: Gateway, token: str) -> str:
    """The status of a request with `token`, and the code of its problem."""
    response = await me(gateway, token)
    return " ".join([str(response.status_code), response.json().get("code", "")]).strip()


class TestATokenOfTheIssuer:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    async def test_lets_its_holder_in(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant, algorithm: str
    ) -> None:
        await register(gateway, issuer, tenant)
        issuer.add_key("mine", algorithm)
        answered = (await me(gateway, issuer.token("mine", roles=["kb-editors", "x"]))).json()
        assert answered["tenant"]["id"] == tenant.tenant.id
        assert answered["roles"] == ["editor"]
        assert answered["principal"]["kind"] == "user"

    async def test_names_the_same_person_each_time_and_nobody_else(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        await register(gateway, issuer, tenant, default_role="viewer")
        ids = []
        for subject in ("ada", "ada", "bob"):
            response = await me(gateway, issuer.token("k1", sub=subject))
            ids.append(response.json()["principal"]["id"])
        assert ids[0] == ids[1] != ids[2]

    async def test_is_for_the_tenant_that_the_operator_said_whatever_it_claims(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        other = await gateway.new_tenant("Quaymere")
        await register(gateway, issuer, tenant)
        token = issuer.token("k1", tenant=other.tenant.id, tid=other.tenant.id)
        assert (await me(gateway, token)).json()["tenant"]["id"] == tenant.tenant.id

    async def test_without_a_role_opens_nothing_but_the_door(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        await register(gateway, issuer, tenant)
        async with gateway.client(issuer.token("k1", roles=["owner", "admin"])) as client:
            assert (await client.get("/v1/me")).json()["permissions"] == []
            assert (await client.get("/v1/documents")).status_code == 403

    async def test_lets_an_admin_make_keys_although_no_key_of_their_own_is_there(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        await register(gateway, issuer, tenant, roles={"admins": "admin"})
        async with gateway.client(issuer.token("k1", roles=["admins"])) as client:
            made = await client.post("/v1/api-keys", json={"name": "new", "role": "viewer"})
        assert made.status_code == 201, made.text

    async def test_carries_roles_and_groups_from_where_they_are_said_to_be(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        await register(
            gateway,
            issuer,
            tenant,
            roles_path=["realm_access", "roles"],
            groups_path=["https://kestrand.example/groups"],
        )
        token = issuer.token(
            "k1",
            realm_access={"roles": ["kb-readers"]},
            roles=["kb-editors"],
            **{"https://kestrand.example/groups": ["b", "a", "a"]},
        )
        caller = await gateway.issuers.signed_in.caller(gateway.verifier.read(token))
        expected = Caller(tenant.tenant.id, caller.principal_id, ("viewer",), ("a", "b"))
        assert caller == expected

    @pytest.mark.parametrize(
        "claims",
        [
            {"aud": "another"},
            {"aud": ["another"]},
            {"aud": MISSING},
            {"sub": MISSING},
            {"iat": MISSING},
            {"exp": MISSING},
            {"roles": 1},
            {"roles": [1]},
            {"roles": {"kb-editors": True}},
            {"groups": "x" * 257},
            {"groups": [""]},
            {"groups": ["a\n"]},
            {"groups": [str(number) for number in range(201)]},
        ],
        ids=lambda claims: str(claims)[:40],
    )
    async def test_is_refused_with(
        self,
        gateway: Gateway,
        issuer: OidcIssuer,
        tenant: NewTenant,
        claims: dict[str, object],
    ) -> None:
        await register(gateway, issuer, tenant, groups_path=["groups"])
        assert await outcome(gateway, issuer.token("k1", **claims)) == "401 token_invalid"
        assert await outcome(gateway, issuer.token("k1", aud=["x", AUDIENCE])) == "200"

    async def test_is_refused_in_another_algorithm_than_its_key_is_for(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        await register(gateway, issuer, tenant, algorithms=["RS256", "PS256"])
        _, key = issuer.keys["k1"]
        issuer.keys["forged"] = ("PS256", key)
        issuer.withheld.add("forged")
        forged = issuer.token("forged")
        header = {"alg": "PS256", "kid": "k1", "typ": "at+jwt"}
        claims = dict(gateway.verifier.read(forged).token.claims)
        assert await outcome(gateway, signed(key, header, claims)) == "401 token_invalid"
        assert await outcome(gateway, issuer.token("k1")) == "200"

    async def test_that_is_an_id_token_is_refused_unless_its_type_is_allowed(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        registered = await register(gateway, issuer, tenant)
        _, key = issuer.keys["k1"]
        claims = dict(gateway.verifier.read(issuer.token("k1")).token.claims)
        untyped = signed(key, {"alg": "RS256", "kid": "k1", "typ": "JWT"}, claims)
        assert await outcome(gateway, untyped) == "401 token_invalid"
        assert issuer.asked == []
        await gateway.issuers.registration.remove(tenant.tenant.id, registered["id"])
        await register(gateway, issuer, tenant, token_types=["JWT"])
        assert await outcome(gateway, untyped) == "200"


class TestTenantsThatShareAnIssuer:
    async def test_are_told_apart_by_audience(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        other = await gateway.new_tenant("Quaymere")
        await register(gateway, issuer, tenant, audience="a")
        await register(gateway, issuer, other, audience="b")
        for audience, expected in (("a", tenant), ("b", other)):
            answered = (await me(gateway, issuer.token("k1", aud=audience))).json()
            assert answered["tenant"]["id"] == expected.tenant.id
        assert await outcome(gateway, issuer.token("k1", aud=["a", "b"])) == "401 token_invalid"

    async def test_are_told_apart_by_a_claim(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        other = await gateway.new_tenant("Quaymere")
        for one, value in ((tenant, "kestrand"), (other, "quaymere")):
            await register(gateway, issuer, one, condition={"claim": "org", "value": value})
        answered = (await me(gateway, issuer.token("k1", org="quaymere"))).json()
        assert answered["tenant"]["id"] == other.tenant.id
        for org in ("", "Quaymere", ["quaymere"], ["kestrand", "quaymere"], None, MISSING):
            assert await outcome(gateway, issuer.token("k1", org=org)) == "401 token_invalid"


class TestKeys:
    async def test_may_be_replaced_without_anybody_noticing(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        await register(gateway, issuer, tenant)
        assert await outcome(gateway, issuer.token("k1")) == "200"
        issuer.add_key("k2", "ES256")
        gateway.clock.now_s += 30
        assert await outcome(gateway, issuer.token("k2")) == "200"
        assert await outcome(gateway, issuer.token("k1")) == "200"

    async def test_that_are_withdrawn_end_tokens_whose_signature_was_seen(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        await register(gateway, issuer, tenant)
        token = issuer.token("k1", exp=int(gateway.clock()) + 3600)
        assert await outcome(gateway, token) == "200"
        issuer.withheld.add("k1")
        gateway.clock.now_s += 600
        assert await outcome(gateway, token) == "401 token_invalid"

    async def test_that_nobody_publishes_open_nothing(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        await register(gateway, issuer, tenant)
        issuer.add_key("secret", "RS256")
        issuer.withheld.add("secret")
        assert await outcome(gateway, issuer.token("secret")) == "401 token_invalid"


class TestAnIssuerThatMisbehaves:
    @pytest.mark.parametrize(
        ("document", "spoilt"),
        [
            *[("discovery", spoilt) for spoilt in Spoilt],
            *[("key_set", spoilt) for spoilt in Spoilt if spoilt is not Spoilt.OF_ANOTHER],
        ],
    )
    async def test_lets_nobody_in_and_nobody_out_who_was_in(
        self,
        gateway: Gateway,
        issuer: OidcIssuer,
        tenant: NewTenant,
        document: str,
        spoilt: Spoilt,
    ) -> None:
        await register(gateway, issuer, tenant)
        token = issuer.token("k1", exp=int(gateway.clock()) + 3600)
        setattr(issuer, document, spoilt)
        assert await outcome(gateway, token) == "503 issuer_unavailable"
        setattr(issuer, document, None)
        gateway.clock.now_s += 30
        assert await outcome(gateway, token) == "200"
        setattr(issuer, document, spoilt)
        gateway.clock.now_s += 600
        assert await outcome(gateway, token) == "200"
        assert "/elsewhere" not in issuer.asked

    @pytest.mark.parametrize(
        "url",
        ["http://localhost/keys", "file:///etc/passwd", "https://localhost:99999/", "nonsense"],
    )
    async def test_leads_nowhere(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant, url: str
    ) -> None:
        await register(gateway, issuer, tenant)
        issuer.key_set_url = url
        assert await outcome(gateway, issuer.token("k1")) == "503 issuer_unavailable"


class TestAnIssuerThatIsRemoved:
    async def test_ends_its_tokens_within_five_seconds_everywhere(
        self, gateway: Gateway, tables: Tables, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        registered = await register(gateway, issuer, tenant)
        other = Gateway(tables, issuer_documents=gateway.issuer_documents, clock=gateway.clock)
        token = issuer.token("k1")
        assert [await outcome(one, token) for one in (gateway, other)] == ["200", "200"]
        async with gateway.client(OPERATOR_KEY) as operator:
            path = f"/v1/tenants/{tenant.tenant.id}/token-issuers/{registered['id']}"
            assert (await operator.delete(path)).status_code == 204
        assert await outcome(gateway, token) == "401 token_invalid"
        gateway.clock.now_s += 5
        assert await outcome(other, token) == "401 token_invalid"


class TestStrangers:
    async def test_cost_no_request_to_anybody(
        self, gateway: Gateway, issuer: OidcIssuer, tenant: NewTenant
    ) -> None:
        await register(gateway, issuer, tenant)
        for claims in ({"iss": "https://another.example"}, {"aud": "another"}, {"iss": 1}):
            assert await outcome(gateway, issuer.token("k1", **claims)) == "401 token_invalid"
        assert issuer.asked == []
