"""Who gets in: credentials, permissions and limits, over HTTP."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from clientsphere_common.access.model import Entry, Permission, Role
from clientsphere_common.access.table import ROLE_PERMISSIONS, ROUTE_ACCESS
from gateway.model.tenancy import KeyWish, NewTenant
from gateway.tokens import TokenSubject
from tests.harness.gateway import OPERATOR_KEY, Gateway, Tables, owner_of

PROTECTED: dict[Permission, tuple[str, str]] = {
    Permission.KNOWLEDGE_BASES_READ: ("GET", "/v1/knowledge-bases"),
    Permission.KNOWLEDGE_BASES_WRITE: ("POST", "/v1/knowledge-bases"),
    Permission.KNOWLEDGE_BASES_DELETE: ("DELETE", "/v1/knowledge-bases/kb_unknown"),
    Permission.DOCUMENTS_READ: ("GET", "/v1/documents"),
    Permission.DOCUMENTS_WRITE: ("POST", "/v1/documents"),
    Permission.DOCUMENTS_DELETE: ("DELETE", "/v1/documents/doc_unknown"),
    Permission.ACCESS_MANAGE: ("GET", "/v1/documents/doc_unknown/access"),
    Permission.SEARCH: ("POST", "/v1/search"),
    Permission.CHAT: ("POST", "/v1/chat"),
    Permission.API_KEYS_MANAGE: ("GET", "/v1/api-keys"),
    Permission.ROLES_MANAGE: ("GET", "/v1/roles"),
    Permission.SESSIONS_MANAGE: ("GET", "/v1/sessions"),
    Permission.AUDIT_READ: ("GET", "/v1/audit/events"),
    Permission.WEBHOOKS_MANAGE: ("GET", "/v1/webhooks"),
}


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    members: dict[str, Any] = response.json()
    assert (response.status_code, members["code"]) == (status, code), members
    assert response.headers["content-type"] == "application/problem+json"
    assert members["request_id"] == response.headers["x-request-id"]
    assert members["type"] == f"urn:clientsphere:error:{code}"
    return members


async def key_of(gateway: Gateway, tenant: NewTenant, role: Role) -> str:
    return (await gateway.api_keys.create(owner_of(tenant), KeyWish(role.value, role))).key


async def access_token(client: httpx.AsyncClient, key: str) -> str:
    response = await client.post("/v1/tokens", json={"grant_type": "api_key", "api_key": key})
    token: str = response.json()["access_token"]
    return token


class TestCredentials:
    @pytest.mark.parametrize(
        ("headers", "code"),
        [
            ([], "credentials_missing"),
            ([("Authorization", "")], "credentials_missing"),
            ([("Authorization", "Bearer")], "credentials_missing"),
            ([("Authorization", "Bearer ")], "credentials_missing"),
            ([("Authorization", "Basic dXNlcjpwYXNz")], "credentials_missing"),
            ([("Authorization", "Bearer a"), ("Authorization", "Bearer b")], "credentials_missing"),
            ([("Authorization", "Bearer nonsense")], "token_invalid"),
            ([("Authorization", "Bearer ?")], "token_invalid"),
            ([("Authorization", "Bearer cs_live_short")], "api_key_invalid"),
            ([("Authorization", f"Bearer {OPERATOR_KEY}")], "token_invalid"),
            ([("Authorization", "Bearer \u00e9\u00e8".encode("latin-1"))], "token_invalid"),
        ],
    )
    async def test_that_are_missing_or_wrong_are_unauthorized(
        self, nobody: httpx.AsyncClient, headers: list[tuple[str, str]], code: str
    ) -> None:
        response = await nobody.get("/v1/me", headers=headers)
        problem(response, 401, code)
        assert response.headers["www-authenticate"] == "Bearer"

    async def test_are_asked_for_before_the_body_is_looked_at(
        self, nobody: httpx.AsyncClient
    ) -> None:
        response = await nobody.post("/v1/search", content=b"no json at all")
        problem(response, 401, "credentials_missing")

    async def test_with_one_character_more_are_others(
        self, nobody: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        for written in (f"?{tenant.owner_key.key}", f"{tenant.owner_key.key}?"):
            response = await nobody.get("/v1/me", headers={"Authorization": f"Bearer {written}"})
            assert response.status_code == 401

    async def test_the_scheme_may_be_written_in_any_case(
        self, nobody: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        headers = {"Authorization": f"bearer {tenant.owner_key.key}"}
        assert (await nobody.get("/v1/me", headers=headers)).status_code == 200


class TestTokens:
    async def test_stand_for_the_holder_of_the_key(
        self, gateway: Gateway, nobody: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        token = await access_token(nobody, await key_of(gateway, tenant, Role.EDITOR))
        async with gateway.client(token) as client:
            me = (await client.get("/v1/me")).json()
        assert (me["tenant"]["id"], me["roles"]) == (tenant.tenant.id, ["editor"])

    async def test_expire(
        self, gateway: Gateway, nobody: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        token = await access_token(nobody, tenant.owner_key.key)
        gateway.clock.now_s += 931
        async with gateway.client(token) as client:
            problem(await client.get("/v1/me"), 401, "token_expired")

    async def test_are_void_as_soon_as_their_key_is(
        self, gateway: Gateway, owner: httpx.AsyncClient, nobody: httpx.AsyncClient
    ) -> None:
        created = (await owner.post("/v1/api-keys", json={"name": "x", "role": "viewer"})).json()
        token = await access_token(nobody, created["key"])
        async with gateway.client(token) as client:
            assert (await client.get("/v1/me")).status_code == 200
            await owner.delete(f"/v1/api-keys/{created['id']}")
            problem(await client.get("/v1/me"), 401, "api_key_revoked")

    async def test_of_a_principal_that_is_gone_are_void(
        self, gateway: Gateway, tenant: NewTenant
    ) -> None:
        foreign = TokenSubject("tnt_other", tenant.owner_key.record.id)
        async with gateway.client(gateway.tokens.issue(foreign).access_token) as client:
            problem(await client.get("/v1/me"), 401, "principal_unknown")

    async def test_are_recorded(
        self, tables: Tables, nobody: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        await access_token(nobody, tenant.owner_key.key)
        issued = (await tables.audit_trail())[-1]
        assert (issued.action, issued.target_id) == ("token.issued", tenant.owner_key.record.id)

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"grant_type": "api_key", "api_key": "cs_live_wrong"}, 401, "api_key_invalid"),
            ({"grant_type": "password", "api_key": "x"}, 400, "invalid_request"),
            ({"grant_type": "api_key"}, 400, "invalid_request"),
            ({}, 400, "invalid_request"),
        ],
    )
    async def test_are_refused_to_others(
        self, nobody: httpx.AsyncClient, body: dict[str, str], status: int, code: str
    ) -> None:
        problem(await nobody.post("/v1/tokens", json=body), status, code)

    async def test_their_public_keys_are_public(self, nobody: httpx.AsyncClient) -> None:
        (key,) = (await nobody.get("/.well-known/jwks.json")).json()["keys"]
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == (
            "OKP",
            "Ed25519",
            "Ed25519",
            "sig",
        )
        assert "d" not in key


class TestPermissions:
    def test_each_is_tried_below(self) -> None:
        # The other one opens nothing by itself.
        assert set(PROTECTED) == set(Permission) - {Permission.DOCUMENTS_READ_ALL}

    @pytest.mark.parametrize("role", Role)
    async def test_open_what_the_table_says_and_nothing_else(
        self, gateway: Gateway, tenant: NewTenant, role: Role
    ) -> None:
        async with gateway.client(await key_of(gateway, tenant, role)) as client:
            for permission, (method, path) in PROTECTED.items():
                response = await client.request(method, path)
                if permission in ROLE_PERMISSIONS[role]:
                    assert response.status_code != 403, path
                else:
                    assert permission.value in problem(response, 403, "permission_denied")["detail"]

    @pytest.mark.parametrize("role", Role)
    async def test_me_tells_them_to_everybody(
        self, gateway: Gateway, tenant: NewTenant, role: Role
    ) -> None:
        async with gateway.client(await key_of(gateway, tenant, role)) as client:
            me = (await client.get("/v1/me")).json()
        assert me["principal"]["name"] == role.value
        assert me["tenant"] == {"id": tenant.tenant.id, "name": "Kestrand"}
        assert me["permissions"] == sorted(ROLE_PERMISSIONS[role])


class TestTheOperator:
    async def test_creates_tenants_whose_owner_can_come_in(self, gateway: Gateway) -> None:
        async with gateway.client(OPERATOR_KEY) as operator:
            response = await operator.post("/v1/tenants", json={"name": " Quaymere "})
        assert response.status_code == 201
        created = response.json()
        async with gateway.client(created["owner_api_key"]["key"]) as client:
            me = (await client.get("/v1/me")).json()
        assert me["tenant"] == {"id": created["id"], "name": "Quaymere"}
        assert me["roles"] == ["owner"]

    async def test_is_nobody_else(
        self, owner: httpx.AsyncClient, nobody: httpx.AsyncClient
    ) -> None:
        body = {"name": "Quaymere"}
        problem(await owner.post("/v1/tenants", json=body), 401, "operator_key_invalid")
        problem(await nobody.post("/v1/tenants", json=body), 401, "credentials_missing")

    async def test_reaches_nothing_of_any_tenant(self, gateway: Gateway, tenant: NewTenant) -> None:
        ids = {"api_key_id": tenant.owner_key.record.id}
        async with gateway.client(OPERATOR_KEY) as operator:
            for name, access in ROUTE_ACCESS.items():
                if access in {Entry.PUBLIC, Entry.OPERATOR}:
                    continue
                method, path = re.sub(r"{(\w+)}", lambda m: ids.get(m[1], "x"), name).split()
                problem(await operator.request(method, path), 401, "token_invalid")

    async def test_is_let_in_at_tenants_and_nowhere_else(self) -> None:
        opened = [name for name, access in ROUTE_ACCESS.items() if access is Entry.OPERATOR]
        assert opened
        assert all(name.split()[1].startswith("/v1/tenants") for name in opened)


class TestApiKeys:
    async def test_are_created_used_listed_and_revoked(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        gateway.clock.now_s += 1
        body = {"name": "intranet", "role": "viewer", "expires_in_days": 90}
        response = await owner.post("/v1/api-keys", json=body)
        assert response.status_code == 201
        created = response.json()
        assert created["key"].startswith(created["prefix"])
        assert created["created_at"] == "2027-01-15T08:00:01Z"
        assert created["expires_at"] == "2027-04-15T08:00:01Z"
        async with gateway.client(created["key"]) as client:
            assert (await client.get("/v1/me")).status_code == 200
            listed = (await owner.get("/v1/api-keys")).json()["items"]
            assert [one["name"] for one in listed] == ["owner", "intranet"]
            assert not any("key" in one for one in listed)
            assert (await owner.delete(f"/v1/api-keys/{created['id']}")).status_code == 204
            problem(await client.get("/v1/me"), 401, "api_key_revoked")

    async def test_above_the_own_role_are_refused(
        self, gateway: Gateway, tenant: NewTenant
    ) -> None:
        async with gateway.client(await key_of(gateway, tenant, Role.ADMIN)) as admin:
            response = await admin.post("/v1/api-keys", json={"name": "x", "role": "owner"})
            problem(response, 403, "role_above_own")
            response = await admin.delete(f"/v1/api-keys/{tenant.owner_key.record.id}")
            problem(response, 403, "role_above_own")

    async def test_the_last_owners_key_stays(
        self, owner: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        response = await owner.delete(f"/v1/api-keys/{tenant.owner_key.record.id}")
        problem(response, 409, "last_owner_key")

    async def test_may_be_restricted_and_get_a_new_secret(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        body = {
            "name": "intranet",
            "role": "viewer",
            "scopes": ["search", "chat"],
            "networks": ["127.0.0.0/8", "2001:db8::/32"],
        }
        created = (await owner.post("/v1/api-keys", json=body)).json()
        assert (created["scopes"], created["networks"]) == (["chat", "search"], body["networks"])
        path = f"/v1/api-keys/{created['id']}/rotate"
        response = await owner.post(path, json={"overlap_hours": 24})
        assert response.status_code == 200
        rotated = response.json()
        assert rotated["previous_secret_expires_at"] == "2027-01-16T08:00:00Z"
        assert {**rotated, "key": ""} == {
            **created,
            "key": "",
            "previous_secret_expires_at": "2027-01-16T08:00:00Z",
        }
        for key in (created["key"], rotated["key"]):
            async with gateway.client(key) as client:
                me = (await client.get("/v1/me")).json()
                assert me["permissions"] == ["chat", "search"]
                problem(await client.get("/v1/documents"), 403, "permission_denied")
        listed = (await owner.get("/v1/api-keys")).json()["items"]
        until = {one["id"]: one["previous_secret_expires_at"] for one in listed}
        assert until[created["id"]] == "2027-01-16T08:00:00Z"

    async def test_from_another_network_are_refused(
        self, owner: httpx.AsyncClient, nobody: httpx.AsyncClient, gateway: Gateway
    ) -> None:
        body = {"name": "x", "role": "viewer", "networks": ["192.0.2.0/24"]}
        key = (await owner.post("/v1/api-keys", json=body)).json()["key"]
        async with gateway.client(key) as client:
            problem(await client.get("/v1/me"), 403, "network_not_allowed")
        wanted = {"grant_type": "api_key", "api_key": key}
        problem(await nobody.post("/v1/tokens", json=wanted), 403, "network_not_allowed")

    @pytest.mark.parametrize("hours", [-1, 169, 1.5, None])
    async def test_live_on_beside_a_new_secret_for_a_week_at_most(
        self, owner: httpx.AsyncClient, tenant: NewTenant, hours: float | None
    ) -> None:
        path = f"/v1/api-keys/{tenant.owner_key.record.id}/rotate"
        response = await owner.post(path, json={"overlap_hours": hours})
        problem(response, 400, "invalid_request")

    @pytest.mark.parametrize(
        "body",
        [
            {"name": "x", "role": "viewer", "scopes": []},
            {"name": "x", "role": "viewer", "scopes": ["fly"]},
            {"name": "x", "role": "viewer", "networks": ["192.0.2.1/24"]},
            {"name": "x", "role": "viewer", "networks": ["everywhere"]},
            {"name": "x", "role": "viewer", "networks": [10]},
            {"name": "x", "role": "viewer", "networks": ["192.0.2.1"] * 101},
            {"name": "x", "role": "role_"},
            {"name": "x", "role": "role_a\n"},
            {"name": "", "role": "viewer"},
            {"name": "   ", "role": "viewer"},
            {"name": "x" * 121, "role": "viewer"},
            {"name": "a\nb", "role": "viewer"},
            {"name": "x", "role": "king"},
            {"name": "x", "role": "viewer", "expires_in_days": 0},
            {"name": "x", "role": "viewer", "expires_in_days": 10**12},
            {"name": "x", "role": "viewer", "tenant_id": "tnt_other"},
        ],
    )
    async def test_that_make_no_sense_are_refused(
        self, owner: httpx.AsyncClient, body: dict[str, object]
    ) -> None:
        problem(await owner.post("/v1/api-keys", json=body), 400, "invalid_request")
