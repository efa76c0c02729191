"""The operator enters issuers for tenants, and nobody else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.model.tenancy import NewTenant
from tests.harness.gateway import OPERATOR_KEY, Gateway, Tables

BODY: dict[str, Any] = {
    "url": "https://login.kestrand.example/realms/staff",
    "audience": "clientsphere",
    "algorithms": ["RS256", "ES256"],
    "token_types": ["at+jwt", "JWT"],
    "roles_path": ["realm_access", "roles"],
    "roles": {"editors": "editor"},
    "default_role": "viewer",
    "groups_path": ["groups"],
    "condition": {"claim": "org", "value": "kestrand"},
    "sign_in": {
        "client_id": "console",
        "client_secret_name": "sign-in-kestrand",
        "scopes": ["openid", "profile"],
        "cli_client_id": "cli",
        "cli_scopes": ["openid", "offline_access"],
    },
}


@pytest.fixture
async def operator(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway.client(OPERATOR_KEY) as client:
        yield client


@pytest.fixture
def path(tenant: NewTenant) -> str:
    return f"/v1/tenants/{tenant.tenant.id}/token-issuers"


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


class TestIssuers:
    async def test_are_registered_listed_and_removed(
        self, operator: httpx.AsyncClient, path: str
    ) -> None:
        created = await operator.post(path, json=BODY)
        assert created.status_code == 201
        registered = created.json()
        assert {name: registered[name] for name in BODY} == BODY
        assert (await operator.get(path)).json()["items"] == [registered]
        assert (await operator.delete(f"{path}/{registered['id']}")).status_code == 204
        assert (await operator.get(path)).json()["items"] == []
        again = await operator.delete(f"{path}/{registered['id']}")
        assert code(again) == (404, "token_issuer_not_found")

    async def test_have_strict_defaults(self, operator: httpx.AsyncClient, path: str) -> None:
        body = {"url": "https://login.example", "audience": "us"}
        registered = (await operator.post(path, json=body)).json()
        assert registered["algorithms"] == ["RS256"]
        assert registered["token_types"] == ["at+jwt"]
        assert (registered["roles"], registered["default_role"]) == ({}, None)

    async def test_are_told_to_the_audit_trail(
        self, operator: httpx.AsyncClient, path: str, tables: Tables
    ) -> None:
        registered = (await operator.post(path, json=BODY)).json()
        await operator.delete(f"{path}/{registered['id']}")
        told = [one for one in await tables.audit_trail() if one.target_id == registered["id"]]
        assert [one.action for one in told] == ["token_issuer.registered", "token_issuer.removed"]
        assert {one.details["url"] for one in told} == {BODY["url"]}

    async def test_belong_to_one_tenant(
        self, gateway: Gateway, operator: httpx.AsyncClient, path: str
    ) -> None:
        other = await gateway.new_tenant("Quaymere")
        other_path = f"/v1/tenants/{other.tenant.id}/token-issuers"
        registered = (await operator.post(path, json=BODY)).json()
        assert (await operator.get(other_path)).json()["items"] == []
        removed = await operator.delete(f"{other_path}/{registered['id']}")
        assert code(removed) == (404, "token_issuer_not_found")

    async def test_need_a_tenant(self, operator: httpx.AsyncClient) -> None:
        for path in ("/v1/tenants/tnt_unknown/token-issuers", "/v1/tenants/'--/token-issuers"):
            assert code(await operator.post(path, json=BODY)) == (404, "tenant_not_found")
            assert code(await operator.get(path)) == (404, "tenant_not_found")

    async def test_are_the_operators_business(
        self, owner: httpx.AsyncClient, nobody: httpx.AsyncClient, path: str
    ) -> None:
        for client, expected in (
            (owner, (401, "operator_key_invalid")),
            (nobody, (401, "credentials_missing")),
        ):
            assert code(await client.post(path, json=BODY)) == expected
            assert code(await client.get(path)) == expected
            assert code(await client.delete(f"{path}/iss_1")) == expected

    @pytest.mark.parametrize(
        "condition",
        [
            BODY["condition"],
            None,
            {"claim": "organisation", "value": "quaymere"},
        ],
    )
    async def test_must_not_leave_open_whose_a_token_is(
        self,
        gateway: Gateway,
        operator: httpx.AsyncClient,
        path: str,
        condition: dict[str, str] | None,
    ) -> None:
        other = await gateway.new_tenant("Quaymere")
        assert (await operator.post(path, json=BODY)).status_code == 201
        second = await operator.post(
            f"/v1/tenants/{other.tenant.id}/token-issuers", json={**BODY, "condition": condition}
        )
        assert code(second) == (409, "token_issuer_ambiguous")

    @pytest.mark.parametrize(
        "change",
        [
            {"audience": "another", "sign_in": None},
            {"url": "https://login.quaymere.example"},
            {"condition": {"claim": "org", "value": "quaymere"}},
        ],
    )
    async def test_may_differ_in(
        self, operator: httpx.AsyncClient, path: str, change: dict[str, object]
    ) -> None:
        assert (await operator.post(path, json=BODY)).status_code == 201
        assert (await operator.post(path, json={**BODY, **change})).status_code == 201

    @pytest.mark.parametrize(
        "change",
        [
            {"url": "http://login.example"},
            {"url": "https://"},
            {"url": "https://login.example?x=1"},
            {"url": "https://login.example#x"},
            {"url": "https://user@login.example"},
            {"url": "https://login.example/\u200b"},
            {"url": "https://[login"},
            {"url": "https://login.example/" + "x" * 512},
            {"audience": ""},
            {"algorithms": []},
            {"algorithms": ["none"]},
            {"algorithms": ["HS256"]},
            {"token_types": ["id+jwt"]},
            {"roles": {"editors": "king"}},
            {"default_role": "king"},
            {"roles_path": ["a"] * 6},
            {"roles_path": [""]},
            {"condition": {"claim": "", "value": "x"}},
            {"condition": {"claim": "x", "value": ""}},
            {"tenant_id": "tnt_other"},
            {"sign_in": {}},
            {"sign_in": {"client_id": ""}},
            {"sign_in": {"client_id": "a b"}},
            {"sign_in": {"client_id": "a", "scopes": ["profile"]}},
            {"sign_in": {"client_id": "a", "scopes": ["openid", "a b"]}},
            {"sign_in": {"client_id": "a", "client_secret_name": "gateway-operator-key"}},
            {"sign_in": {"client_id": "a", "cli_client_id": ""}},
        ],
        ids=str,
    )
    async def test_must_make_sense(
        self, operator: httpx.AsyncClient, path: str, change: dict[str, object]
    ) -> None:
        response = await operator.post(path, json={**BODY, **change})
        assert code(response) == (400, "invalid_request")
