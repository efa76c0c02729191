"""/v1/webhooks: made by admins, secret shown once, unknown to other tenants."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from clientsphere_common.access.model import Role
from gateway.model.tenancy import KeyWish, NewTenant
from gateway.webhooks.catalogue import CATALOGUE
from gateway.webhooks.model import Busy
from gateway.webhooks.settings import WebhookSettings
from gateway.webhooks_wiring import webhook_ports
from tests.fakes.webhook_receivers import FakeReceivers
from tests.harness.gateway import Gateway, Tables, owner_of

WISH = {
    "url": "https://hooks.kestrand.example/in",
    "description": "index",
    "event_types": ["document.ready", "document.failed"],
}


def problem(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code), response.text


@pytest.fixture
async def webhook(owner: httpx.AsyncClient) -> dict[str, Any]:
    created: dict[str, Any] = (await owner.post("/v1/webhooks", json=WISH)).json()
    return created


async def deliver(gateway: Gateway, tables: Tables) -> None:
    settings = WebhookSettings()
    queue = webhook_ports(settings, tables.database, tables.relay, FakeReceivers()).queue
    lease = timedelta(seconds=90)
    for claimed in await queue.claim(gateway.mint.now(), lease, Busy(), 10):
        await gateway.webhooks.worker._attempts.make(claimed)


class TestAWebhook:
    async def test_is_made_read_changed_and_deleted(
        self, owner: httpx.AsyncClient, webhook: dict[str, Any], tables: Tables
    ) -> None:
        path = f"/v1/webhooks/{webhook['id']}"
        assert webhook["secret"].startswith("whsec_")
        shown = (await owner.get(path)).json()
        assert shown == {key: value for key, value in webhook.items() if key != "secret"}
        assert (shown["enabled"], shown["disabled_reason"]) == (True, None)
        assert (await owner.get("/v1/webhooks")).json()["items"] == [shown]
        changed = (await owner.put(path, json={**WISH, "enabled": False})).json()
        assert (changed["enabled"], changed["disabled_reason"]) == (False, "by_request")
        enabled = (await owner.put(path, json=WISH)).json()
        assert (enabled["enabled"], enabled["disabled_reason"]) == (True, None)
        assert (await owner.delete(path)).status_code == 204
        problem(await owner.get(path), 404, "webhook_not_found")
        actions = [event.action for event in await tables.audit_trail()]
        assert actions[-4:] == [
            "webhook.created",
            "webhook.updated",
            "webhook.updated",
            "webhook.deleted",
        ]

    async def test_may_be_disabled_from_the_beginning(self, owner: httpx.AsyncClient) -> None:
        created = (await owner.post("/v1/webhooks", json={**WISH, "enabled": False})).json()
        assert (created["enabled"], created["disabled_reason"]) == (False, "by_request")

    async def test_tells_the_trail_its_host_and_no_more_of_its_url(
        self, owner: httpx.AsyncClient, tables: Tables
    ) -> None:
        await owner.post("/v1/webhooks", json={**WISH, "url": f"{WISH['url']}?token=hidden"})
        told = (await tables.audit_trail())[-1]
        assert told.details["host"] == "hooks.kestrand.example"
        assert "hidden" not in str(told)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"url": "http://hooks.kestrand.example/"}, "webhook_url_refused"),
            ({"url": "https://127.0.0.1/"}, "webhook_url_refused"),
            ({"url": "https://localhost/"}, "webhook_url_refused"),
            ({"url": "https://hooks.kestrand.example:8443/"}, "webhook_url_refused"),
            ({"url": f"https://hooks.kestrand.example/{'x' * 1024}"}, "invalid_request"),
            ({"url": None}, "invalid_request"),
            ({"event_types": []}, "invalid_request"),
            ({"event_types": ["document.painted"]}, "invalid_request"),
            ({"event_types": ["webhook.test"]}, "invalid_request"),
            ({"description": "a\nb"}, "invalid_request"),
            ({"secret": "whsec_mine"}, "invalid_request"),
            ({"enabled": "perhaps"}, "invalid_request"),
        ],
    )
    async def test_is_refused(
        self,
        owner: httpx.AsyncClient,
        webhook: dict[str, Any],
        changes: dict[str, Any],
        code: str,
    ) -> None:
        body = {**WISH, **changes}
        problem(await owner.post("/v1/webhooks", json=body), 400, code)
        problem(await owner.put(f"/v1/webhooks/{webhook['id']}", json=body), 400, code)

    async def test_is_one_of_a_few(self, tables: Tables, tenant: NewTenant) -> None:
        gateway = Gateway(tables, webhook_settings=WebhookSettings(per_tenant=2))
        async with gateway.client(tenant.owner_key.key) as owner:
            for _ in range(2):
                assert (await owner.post("/v1/webhooks", json=WISH)).status_code == 201
            problem(await owner.post("/v1/webhooks", json=WISH), 409, "too_many_webhooks")

    async def test_is_for_admins(self, gateway: Gateway, tenant: NewTenant) -> None:
        for role, status in ((Role.ADMIN, 201), (Role.EDITOR, 403), (Role.AUDITOR, 403)):
            issued = await gateway.api_keys.create(owner_of(tenant), KeyWish("x", role))
            async with gateway.client(issued.key) as client:
                assert (await client.post("/v1/webhooks", json=WISH)).status_code == status

    async def test_knows_all_kinds_of_events(self, owner: httpx.AsyncClient) -> None:
        body = {**WISH, "event_types": [kind.type for kind in CATALOGUE]}
        assert (await owner.post("/v1/webhooks", json=body)).status_code == 201

    async def test_gets_another_secret(
        self, owner: httpx.AsyncClient, webhook: dict[str, Any], tables: Tables
    ) -> None:
        path = f"/v1/webhooks/{webhook['id']}/rotate"
        rotated = (await owner.post(path, json={"overlap_hours": 2})).json()
        assert rotated["secret"] != webhook["secret"]
        assert rotated["previous_secret_ends_at"] == "2027-01-15T10:00:00Z"
        assert (await tables.audit_trail())[-1].action == "webhook.secret_rotated"
        problem(await owner.post(path, json={"overlap_hours": 169}), 400, "invalid_request")


class TestDeliveries:
    async def test_of_a_test_are_shown(
        self,
        gateway: Gateway,
        tables: Tables,
        owner: httpx.AsyncClient,
        webhook: dict[str, Any],
    ) -> None:
        path = f"/v1/webhooks/{webhook['id']}"
        sent = await owner.post(f"{path}/test")
        assert (sent.status_code, sent.json()["state"]) == (202, "pending")
        await deliver(gateway, tables)
        (shown,) = (await owner.get(f"{path}/deliveries")).json()["items"]
        assert (shown["event_type"], shown["state"]) == ("webhook.test", "delivered")
        assert (shown["attempts"], shown["response_status"], shown["reason"]) == (1, 204, None)
        assert "payload" not in shown

    async def test_are_sent_again(
        self,
        gateway: Gateway,
        tables: Tables,
        owner: httpx.AsyncClient,
        webhook: dict[str, Any],
    ) -> None:
        path = f"/v1/webhooks/{webhook['id']}"
        delivery = (await owner.post(f"{path}/test")).json()
        again = f"{path}/deliveries/{delivery['id']}/redeliver"
        problem(await owner.post(again), 409, "webhook_delivery_pending")
        await deliver(gateway, tables)
        assert (await owner.post(again)).json()["state"] == "pending"
        await deliver(gateway, tables)
        assert isinstance(gateway.receivers, FakeReceivers)
        first, second = gateway.receivers.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"]

    async def test_to_a_disabled_webhook_are_refused(
        self,
        gateway: Gateway,
        tables: Tables,
        owner: httpx.AsyncClient,
        webhook: dict[str, Any],
    ) -> None:
        path = f"/v1/webhooks/{webhook['id']}"
        delivery = (await owner.post(f"{path}/test")).json()
        await owner.put(path, json={**WISH, "enabled": False})
        await deliver(gateway, tables)
        (shown,) = (await owner.get(f"{path}/deliveries")).json()["items"]
        assert (shown["state"], shown["reason"]) == ("dead", "webhook_disabled")
        problem(await owner.post(f"{path}/test"), 409, "webhook_disabled")
        again = await owner.post(f"{path}/deliveries/{delivery['id']}/redeliver")
        problem(again, 409, "webhook_disabled")

    async def test_come_in_pages_and_by_state(
        self, owner: httpx.AsyncClient, webhook: dict[str, Any]
    ) -> None:
        path = f"/v1/webhooks/{webhook['id']}"
        sent = {(await owner.post(f"{path}/test")).json()["id"] for _ in range(5)}
        found: set[str] = set()
        token: str | None = ""
        for size in (2, 2, 1):
            query = {"page_size": "2", "page_token": token}
            page = (await owner.get(f"{path}/deliveries", params=query)).json()
            assert len(page["items"]) == size
            found |= {one["id"] for one in page["items"]}
            token = page["next_page_token"]
        assert (found, token) == (sent, None)
        for state, count in (("pending", 5), ("delivered", 0), ("dead", 0)):
            page = (await owner.get(f"{path}/deliveries", params={"state": state})).json()
            assert len(page["items"]) == count

    @pytest.mark.parametrize("token", ["x", "eA==", "MS5hLmI=", "LTEueA==", "MS4A", "é"])
    async def test_know_no_page_that_was_not_handed_out(
        self, owner: httpx.AsyncClient, webhook: dict[str, Any], token: str
    ) -> None:
        path = f"/v1/webhooks/{webhook['id']}/deliveries"
        problem(await owner.get(path, params={"page_token": token}), 400, "invalid_page_token")

    async def test_know_no_other_states(
        self, owner: httpx.AsyncClient, webhook: dict[str, Any]
    ) -> None:
        path = f"/v1/webhooks/{webhook['id']}/deliveries"
        problem(await owner.get(path, params={"state": "lost"}), 400, "invalid_request")


class TestAnotherTenant:
    async def test_learns_nothing(
        self, gateway: Gateway, owner: httpx.AsyncClient, webhook: dict[str, Any]
    ) -> None:
        delivery = (await owner.post(f"/v1/webhooks/{webhook['id']}/test")).json()
        stranger = await gateway.new_tenant("Quaymere")
        async with gateway.client(stranger.owner_key.key) as client:
            assert (await client.get("/v1/webhooks")).json()["items"] == []
            own = (await client.post("/v1/webhooks", json=WISH)).json()
            for method, path, body in (
                ("GET", "", None),
                ("PUT", "", WISH),
                ("DELETE", "", None),
                ("POST", "/rotate", {"overlap_hours": 0}),
                ("POST", "/test", None),
                ("GET", "/deliveries", None),
                ("POST", f"/deliveries/{delivery['id']}/redeliver", None),
            ):
                answers = []
                for id_ in (webhook["id"], f"whk_{'0' * 32}", "../x\x01"):
                    url = httpx.URL(f"http://gateway.test/v1/webhooks/{_quoted(id_)}{path}")
                    answer = await client.request(method, url, json=body)
                    answers.append({**answer.json(), "request_id": ""})
                assert answers[0] == answers[1], path
                assert answers[0]["code"] == "webhook_not_found"
            mixed = f"/v1/webhooks/{own['id']}/deliveries/{delivery['id']}/redeliver"
            problem(await client.post(mixed), 404, "webhook_delivery_not_found")
        assert (await owner.get(f"/v1/webhooks/{webhook['id']}")).status_code == 200


def _quoted(id_: str) -> str:
    return "".join(one if one.isalnum() or one == "_" else f"%{ord(one):02x}" for one in id_)
