"""Random programs of three tenants that use, misuse and probe the product side by side."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, ClassVar, TypeVar

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.isolation.malformed import MALFORMED
from tests.isolation.tenants import QUESTIONS, ROLES, Tenant
from tests.isolation.world import Stage

_T = TypeVar("_T")

WHO = st.integers(0, 2)
ROLE = st.sampled_from([*ROLES, "owner", "editor", "token"])
WHOSE = st.sampled_from(["own", "own", "next", "last"])
NUMBER = st.integers(0, 41)
SCOPED = st.sampled_from([None, None, "own", "next"])
PROBES = [
    ("GET", "/v1/documents/{}", "document"),
    ("GET", "/v1/documents/{}/content", "document"),
    ("GET", "/v1/documents/{}/text", "document"),
    ("GET", "/v1/knowledge-bases/{}", "knowledge base"),
    ("DELETE", "/v1/documents/{}", "document"),
    ("DELETE", "/v1/knowledge-bases/{}", "knowledge base"),
    ("DELETE", "/v1/api-keys/{}", "key"),
    ("DELETE", "/v1/roles/{}", "role"),
    ("POST", "/v1/api-keys/{}/rotate", "key"),
    ("PUT", "/v1/roles/{}", "role"),
]
LISTS = ["documents", "knowledge-bases", "api-keys", "roles", "audit/events", "me"]


def programs_on(stage: Stage) -> type[Programs]:
    return type("ProgramsOnStage", (Programs,), {"stage": stage})


class Programs(RuleBasedStateMachine):
    """On the stage of a subclass. A step that lets a word out ends the program."""

    stage: ClassVar[Stage]

    def __init__(self) -> None:
        super().__init__()
        self.world = self.stage.world
        self._run(self.world.renew())
        self._check()

    @rule(who=WHO, role=ROLE, number=NUMBER)
    def create_a_knowledge_base(self, who: int, role: str, number: int) -> None:
        body = {"name": f"{self._tenant(who).words(number)} {number % 4}"}
        made = self._call(who, role, "POST", "/v1/knowledge-bases", json=body)
        self._keep(who, "knowledge base", made)

    @rule(who=WHO, role=ROLE, whose=SCOPED, number=NUMBER)
    def upload(self, who: int, role: str, whose: str | None, number: int) -> None:
        params = (
            {}
            if whose is None
            else {"knowledge_base_id": self._id(who, whose, "knowledge base", number)}
        )
        files = {"file": self._tenant(who).document(number)}
        made = self._call(who, role, "POST", "/v1/documents", params=params, files=files)
        self._keep(who, "document", made)

    @rule(
        who=WHO, role=ROLE, number=NUMBER, whose=SCOPED, route=st.sampled_from(["search", "chat"])
    )
    def ask(self, who: int, role: str, number: int, whose: str | None, route: str) -> None:
        body = self._question(who, number, whose)
        self._call(who, role, "POST", f"/v1/{route}", json=body)

    @rule(who=WHO, role=ROLE, number=NUMBER, whose=SCOPED)
    def ask_for_a_stream(self, who: int, role: str, number: int, whose: str | None) -> None:
        body = self._question(who, number, whose) | {"stream": True}
        self._call(who, role, "POST", "/v1/chat", json=body)

    @rule(who=WHO, role=ROLE, number=NUMBER, patience_ms=st.integers(1, 60))
    def leave_before_the_answer(self, who: int, role: str, number: int, patience_ms: int) -> None:
        body = self._question(who, number, None) | {"stream": bool(number % 2)}
        tenant = self._tenant(who)
        self._run(self.world.leave_during(tenant, role, "/v1/chat", body, patience_ms / 1000))
        self._check()

    @rule(who=WHO, role=ROLE, whose=WHOSE, number=NUMBER, probe=st.sampled_from(PROBES))
    def use_an_id(
        self, who: int, role: str, whose: str, number: int, probe: tuple[str, str, str]
    ) -> None:
        method, path, kind = probe
        name = {"name": self._tenant(who).words(number), "permissions": ["search"]}
        body = {"PUT": name, "POST": {"overlap_hours": number % 2}}.get(method)
        if whose != "own" and kind == "key" and number % 2:
            kind = "principal"
        target = self._id(who, whose, kind, number)
        response = self._call(who, role, method, path.format(target), json=body)
        assert whose == "own" or response.status_code in {403, 404}, (probe, response.status_code)

    @rule(who=WHO, role=ROLE, number=NUMBER, route=st.sampled_from(LISTS))
    def list_all(self, who: int, role: str, number: int, route: str) -> None:
        params = {"page_size": number + 1} if route == "documents" else {}
        self._call(who, role, "GET", f"/v1/{route}", params=params)

    @rule(who=WHO, role=ROLE, whose=WHOSE, number=NUMBER)
    def list_the_documents_of_a_knowledge_base(
        self, who: int, role: str, whose: str, number: int
    ) -> None:
        target = self._id(who, whose, "knowledge base", number)
        params = {"knowledge_base_id": target, "page_size": 1}
        page = self._call(who, role, "GET", "/v1/documents", params=params)
        token = page.json().get("next_page_token")
        if token:
            # Tokens are no secret: another tenant's must not lead to its documents.
            self._call((who + 1) % 3, "owner", "GET", "/v1/documents", params={"page_token": token})

    @rule(who=WHO, role=ROLE, number=NUMBER, whose=SCOPED)
    def create_a_key(self, who: int, role: str, number: int, whose: str | None) -> None:
        tenant = self._tenant(who)
        given = ROLES[1 + number % 3] if whose is None else self._id(who, whose, "role", number)
        wish = {"name": tenant.words(number), "role": given}
        made = self._call(who, role, "POST", "/v1/api-keys", json=wish)
        self._keep(who, "key", made)

    @rule(who=WHO, role=ROLE, number=NUMBER)
    def create_a_role(self, who: int, role: str, number: int) -> None:
        wish = {
            "name": f"{self._tenant(who).words(number)} {number % 4}",
            "permissions": ["search"],
        }
        made = self._call(who, role, "POST", "/v1/roles", json=wish)
        self._keep(who, "role", made)

    @rule(who=WHO)
    def exchange_a_key(self, who: int) -> None:
        tenant = self._tenant(who)
        body = {"grant_type": "api_key", "api_key": tenant.credentials["owner"]}
        made = self._call(who, "owner", "POST", "/v1/tokens", json=body)
        tenant.credentials["token"] = made.json()["access_token"]

    @rule(who=WHO, role=ROLE, form=st.sampled_from(sorted(MALFORMED)))
    def send_nonsense(self, who: int, role: str, form: str) -> None:
        method, path, content = MALFORMED[form](self._tenant(who))
        self._call(who, role, method, path, **content)

    @rule()
    def wait_until_all_is_read(self) -> None:
        self._run(self.world.settle())
        self._check()

    def teardown(self) -> None:
        self._run(self.world.settle())
        self._check()

    def _tenant(self, who: int) -> Tenant:
        return self.world.tenants[who]

    def _id(self, who: int, whose: str, kind: str, number: int) -> str:
        place = {"own": who, "next": who + 1, "last": who + 2}[whose] % 3
        return self._tenant(place).one(kind, number)

    def _question(self, who: int, number: int, whose: str | None) -> dict[str, Any]:
        own_words = (" ", f" {self._tenant(who).canary.text} ")[number % 2]
        body: dict[str, Any] = {"question": own_words + QUESTIONS[number % len(QUESTIONS)]}
        if whose is not None:
            body["knowledge_base_ids"] = [self._id(who, whose, "knowledge base", number)]
        return body

    def _keep(self, who: int, kind: str, made: httpx.Response) -> None:
        if made.is_success and made.json()["id"] not in self._tenant(who).ids[kind]:
            self._tenant(who).ids[kind].append(made.json()["id"])

    def _call(self, who: int, role: str, method: str, path: str, **content: Any) -> httpx.Response:
        request = self.world.request(self._tenant(who), role, method, path, **content)
        response = self._run(request)
        assert response.status_code < 500, (method, path, response.status_code)
        self._check()
        return response

    def _check(self) -> None:
        leaks = self.world.channels.leaks([tenant.id for tenant in self.world.tenants])
        self.world.found += leaks
        assert not leaks, leaks

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self.stage.run(work)
