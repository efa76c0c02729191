"""Three tenants with everybody and everything that a tenant may have, in a running product."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from clientsphere_common.access.model import Entry, Permission, Role
from clientsphere_common.access.table import ROLE_PERMISSIONS, ROUTE_ACCESS
from tests.harness.product import Served, upload, wait_until_settled
from tests.isolation.ways_in.actors import CUSTOM, SCOPES, SIGNED_IN_BY_TOKEN, Actor
from tests.isolation.ways_in.filling import Ids, Request, request_of
from tests.isolation.ways_in.plans import (
    Plan,
    Slot,
    operations_of,
    plans_of_route,
    require_kinds,
)
from tests.isolation.ways_in.recipes import KINDS

TENANTS = ("first", "second", "third")
_SETTLING_S = 60.0
_PAUSE_S = 0.05
_UNSETTLED = {"queued", "processing"}
_TRAIL = "GET /v1/audit/events"
"""Grows with what is read."""
_TEXT = "GET /v1/documents/{document_id}/text"
_OF_DELIVERIES = {"state", "attempts", "next_attempt_at", "last_attempt_at", "reason"}
_OF_THE_MOMENT = {"last_used_at", "failing_since", *_OF_DELIVERIES}
"""Changes without a request."""

State = Mapping[str, object]


@dataclass(frozen=True)
class Inhabited:
    """A tenant with one of each kind of thing, and a document that says its code word."""

    id: str
    code_word: str
    actors: Mapping[str, Actor]
    ids: dict[str, str] = field(default_factory=dict)
    """By kind."""

    @property
    def owner(self) -> Actor:
        return self.actors[Role.OWNER]


class World:
    def __init__(self, product: Served) -> None:
        require_kinds()
        self.product = product
        self._client = product.client()
        self.operations = operations_of(self._client.get("/openapi.json").json())
        self.operator = Actor("operator", "", product.operator_key, "", is_operator=True)
        self.nobody = Actor("nobody", "", "", "")
        self._readings = [
            plan for route in self.operations if _is_list(route) for plan in self.plans(route)
        ]
        self._states: dict[str, State] = {}
        """Of tenants that have not changed anything since."""
        self.tenants = [self._inhabited(name) for name in TENANTS]

    def close(self) -> None:
        self._client.close()

    @property
    def outsiders(self) -> tuple[Actor, ...]:
        return (self.operator, self.nobody)

    def plans(self, route: str) -> list[Plan]:
        return plans_of_route(route, self.operations.get(route))

    def send(self, actor: Actor, request: Request) -> httpx.Response:
        """Patient with the limits, which are not what is tested."""
        headers = dict(request.headers)
        if actor.credential:
            headers["Authorization"] = f"Bearer {actor.credential}"
        files = {"file": ("note.md", request.file)} if request.file else None
        while True:
            response = self._client.request(
                request.method,
                request.path,
                params=request.query,
                headers=headers,
                json=request.json,
                data=request.form,
                files=files,
            )
            if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                return response
            time.sleep(float(response.headers["retry-after"]))

    def ask(self, actor: Actor, plan: Plan, ids: Ids) -> httpx.Response:
        return self.send(actor, request_of(plan, ids, actor.api_key))

    def own_ids(self, plan: Plan, tenant: Inhabited, *, fresh: bool = False) -> dict[Slot, str]:
        """`fresh`: what the path names is made for this request, which may then end it."""
        ids = {slot: tenant.ids[slot.kind] for slot in plan.slots}
        named = [slot for slot in plan.slots if slot.place == "path"]
        if fresh and named and KINDS[named[-1].kind].made_by:
            ids[named[-1]] = self.make(named[-1].kind, tenant)
        return ids

    def make(self, kind: str, tenant: Inhabited) -> str:
        """The id of a new one."""
        route = KINDS[kind].made_by
        actor = self.operator if ROUTE_ACCESS[route] is Entry.OPERATOR else tenant.owner
        plan = self.plans(route)[0]
        made = self.ask(actor, plan, self.own_ids(plan, tenant))
        assert made.is_success, f"{route}: {made.text}"
        return str(made.json()["id"])

    @contextmanager
    def nothing_changes(self, tenants: Sequence[Inhabited]) -> Iterator[None]:
        """What each of `tenants` can see is after the block as it was before."""
        for tenant in tenants:
            if tenant.id not in self._states:
                self._states[tenant.id] = self.state_of(tenant)
        yield
        for tenant in tenants:
            before, after = self._states.pop(tenant.id), self.state_of(tenant)
            assert [name for name in after if after[name] != before[name]] == []
            self._states[tenant.id] = after

    @contextmanager
    def only_changes(self, tenant: Inhabited) -> Iterator[None]:
        """As `nothing_changes`, but for `tenant` itself."""
        self._states.pop(tenant.id, None)
        with self.nothing_changes([one for one in self.tenants if one is not tenant]):
            yield

    def state_of(self, tenant: Inhabited) -> State:
        """What can be read in it: every list, and the text of its document."""
        self._settle(tenant)
        return {plan.name: self._read(plan, tenant) for plan in self._readings}

    def _read(self, plan: Plan, tenant: Inhabited) -> object:
        is_operators = ROUTE_ACCESS[plan.name] is Entry.OPERATOR
        actor = self.operator if is_operators else tenant.owner
        request = request_of(plan, self.own_ids(plan, tenant), actor.api_key)
        pages: list[object] = []
        token: str | None = ""
        while token is not None:
            query = {**request.query, "page_token": token} if token else request.query
            answer = self.send(actor, replace(request, query=query))
            assert answer.is_success, f"{plan.name}: {answer.text}"
            pages.append(_lasting(answer))
            token = _next_page_token(answer)
        return pages

    def found_by(self, actor: Actor, words: str) -> list[str]:
        """The texts of the passages."""
        body = {"question": f"What is the code word of the vault, is it {words}?"}
        answer = self.send(actor, Request("POST", "/v1/search", json=body))
        return [one["text"] for one in answer.json()["passages"]]

    def people_in_trail(self, tenant: Inhabited) -> set[str]:
        """The principals of all its events so far."""
        people: set[str] = set()
        after = 0
        while True:
            page = Request("GET", "/v1/audit/events", {"after": str(after), "page_size": "1000"})
            items = self.send(tenant.owner, page).json()["items"]
            if not items:
                return people
            people |= {one["event"]["principal_id"] for one in items}
            after += len(items)

    def _settle(self, tenant: Inhabited) -> None:
        deadline = time.monotonic() + _SETTLING_S
        while time.monotonic() < deadline:
            listed = self.send(tenant.owner, Request("GET", "/v1/documents", {"page_size": "200"}))
            if not _UNSETTLED & {one["state"] for one in listed.json()["items"]}:
                return
            time.sleep(_PAUSE_S)
        raise AssertionError("documents are not indexed in time")

    def _inhabited(self, name: str) -> Inhabited:
        created = self.product.create_tenant(f"{name} {secrets.token_hex(4)}")
        owner = Actor(
            Role.OWNER, created.id, created.api_key, created.api_key, ROLE_PERMISSIONS[Role.OWNER]
        )
        word = f"CODE-{secrets.token_hex(6)}"
        tenant = Inhabited(created.id, word, self._people(owner), {"tenant": created.id})
        for kind, about in KINDS.items():
            if about.made_by:
                tenant.ids[kind] = self.make(kind, tenant)
            elif kind not in tenant.ids:
                tenant.ids[kind] = f"{about.prefix}_{secrets.token_hex(16)}"
        with self.product.client(owner.credential) as client:
            text = f"# Vault\n\nThe code word of the vault is {word}, as everybody here knows.\n"
            document = upload(client, "vault.md", text.encode()).json()
            wait_until_settled(client, {document["id"]})
        tenant.ids["document"] = document["id"]
        return tenant

    def _people(self, owner: Actor) -> dict[str, Actor]:
        role = self._made(
            owner, "/v1/roles", {"name": "of its own", "permissions": sorted(CUSTOM)}
        )["id"]
        wishes: dict[str, tuple[dict[str, Any], frozenset[Permission]]] = {
            one.value: ({"role": one.value}, ROLE_PERMISSIONS[one])
            for one in Role
            if one is not Role.OWNER
        }
        wishes["role of its own"] = ({"role": role}, CUSTOM)
        wishes["key with scopes"] = ({"role": "admin", "scopes": sorted(SCOPES)}, SCOPES)
        people = {
            name: self._person(owner, name, body, permissions)
            for name, (body, permissions) in wishes.items()
        }
        return {Role.OWNER: owner, **people}

    def _person(
        self, owner: Actor, name: str, body: dict[str, Any], permissions: frozenset[Permission]
    ) -> Actor:
        key = self._made(owner, "/v1/api-keys", {"name": name, **body})["key"]
        credential = key
        if name in SIGNED_IN_BY_TOKEN:
            wanted = {"grant_type": "api_key", "api_key": key}
            credential = self._made(owner, "/v1/tokens", wanted)["access_token"]
        return Actor(name, owner.tenant_id, credential, key, permissions)

    def _made(self, actor: Actor, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        response = self.send(actor, Request("POST", path, json=body))
        assert response.is_success, response.text
        made: dict[str, Any] = response.json()
        return made


def unknown_id(kind: str) -> str:
    """Of nothing, and of a form that this kind has."""
    return f"{KINDS[kind].prefix}_{secrets.token_hex(16)}"


def _is_list(route: str) -> bool:
    if route in {_TRAIL, _TEXT}:
        return route == _TEXT
    method, path = route.split(" ")
    of_tenant = isinstance(ROUTE_ACCESS[route], Permission) or "{tenant_id}" in path
    return method == "GET" and of_tenant and "{" not in path.replace("{tenant_id}", "")


def _next_page_token(answer: httpx.Response) -> str | None:
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return None
    token: str | None = answer.json().get("next_page_token")
    return token


def _lasting(answer: httpx.Response) -> object:
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return answer.content
    return _without(answer.json(), _OF_THE_MOMENT)


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, names) for name, one in value.items() if name not in names}
    if isinstance(value, list):
        return [_without(one, names) for one in value]
    return value
