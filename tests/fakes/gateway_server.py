"""The gateway's HTTP API from memory, on a real socket, for tests of its clients.

with FakeGateway() as gateway:
    key = gateway.add_tenant("Acme")
    gateway.knows("Acme", "How long?", Known("12 weeks.", "handbook.pdf", page=2))
    ... talk to gateway.url with the key ...
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.fakes.gateway_tenant import (
    AT,
    FakeTenant,
    Known,
    answer_from,
    new_document,
    page_of,
    passage_of,
)
from tests.fakes.gateway_webhooks import FakeWebhooks

OPERATOR_KEY = "fake-operator-key"
_STATES = ("queued", "processing", "ready")
_CHUNKS = 4


@dataclass(frozen=True)
class Refusal:
    status: int
    code: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class FakeGateway:
    """Each look at a document takes its processing one step further."""

    def __init__(self) -> None:
        self._webhooks = FakeWebhooks(self._tenant, self._body, _found)
        self.forget()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(self.app(), log_config=None, lifespan="off", ws="none")
        )
        self._thread = threading.Thread(target=self.serve)

    def forget(self) -> None:
        """Be as a new one, at the same address."""
        self.tenants: dict[str, FakeTenant] = {}
        self.limits: dict[str, dict[str, Any]] = {}
        """By tenant: what differs of them."""
        self.failures: dict[str, dict[str, str]] = {}
        """By file name: what becomes of processing it."""
        self.refused_files: dict[str, Refusal] = {}
        self.refuse_next: list[Refusal] = []
        """For the next requests, whatever they are."""
        self.stream_ends: str = "done"
        """How a streamed answer ends: "done", "error", "torn"."""
        self.turns_pages = True
        """Of the audit trail; otherwise the first page comes whatever is asked for."""
        self.on_request: Callable[[], None] = lambda: None
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self._known: dict[tuple[str, str], Known] = {}
        self._webhooks.answer = {"state": "delivered", "response_status": 204, "reason": None}

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def serve(self) -> None:
        """Until told to stop; in the main thread, SIGTERM tells it."""
        self._server.run([self._listener])

    def add_tenant(self, name: str) -> str:
        """The key of its owner."""
        key = f"cs_live_{sha256(name.encode()).hexdigest()[:57]}"
        self.tenants[key] = FakeTenant(name)
        return key

    def answers_webhooks(self, status: int, reason: str | None) -> None:
        """What becomes of the tests that are sent."""
        state = "delivered" if reason is None else "dead"
        self._webhooks.answer = {"state": state, "response_status": status, "reason": reason}

    def knows(self, tenant: str, question: str, known: Known) -> None:
        self._known[tenant, question] = known

    def app(self) -> Starlette:
        one = "/v1/documents/{id}"
        routes = [
            Route("/health/ready", self._ready),
            Route("/v1/tenants", self._create_tenant, methods=["POST"]),
            Route("/v1/tenants/{id}/limits", self._get_limits, methods=["GET"]),
            Route("/v1/tenants/{id}/limits", self._change_limits, methods=["PUT"]),
            Route("/v1/api-keys", self._create_api_key, methods=["POST"]),
            Route("/v1/api-keys", self._list_api_keys, methods=["GET"]),
            Route("/v1/api-keys/{id}/rotate", self._rotate_api_key, methods=["POST"]),
            Route("/v1/api-keys/{id}", self._revoke_api_key, methods=["DELETE"]),
            Route("/v1/roles", self._create_role, methods=["POST"]),
            Route("/v1/roles", self._list_roles, methods=["GET"]),
            Route("/v1/roles/{id}", self._update_role, methods=["PUT"]),
            Route("/v1/roles/{id}", self._delete_role, methods=["DELETE"]),
            *self._webhooks.routes(),
            Route("/v1/knowledge-bases", self._create_knowledge_base, methods=["POST"]),
            Route("/v1/knowledge-bases", self._list_knowledge_bases, methods=["GET"]),
            Route("/v1/knowledge-bases/{id}", self._delete_knowledge_base, methods=["DELETE"]),
            Route("/v1/{kind}/{id}/access", self._get_access, methods=["GET"]),
            Route("/v1/{kind}/{id}/access", self._change_access, methods=["PUT"]),
            Route("/v1/documents", self._upload, methods=["POST"]),
            Route("/v1/documents", self._list_documents, methods=["GET"]),
            Route(one, self._get_document, methods=["GET"]),
            Route(one, self._delete_document, methods=["DELETE"]),
            Route("/v1/search", self._search, methods=["POST"]),
            Route("/v1/chat", self._chat, methods=["POST"]),
            Route("/v1/audit/events", self._list_events, methods=["GET"]),
        ]
        return Starlette(routes=routes, exception_handlers={RefusedError: _refused})

    async def _ready(self, request: Request) -> Response:
        self._note(request)
        return JSONResponse({"status": "ready", "checks": {}})

    async def _create_tenant(self, request: Request) -> Response:
        self._require_operator(request)
        name = (await request.json())["name"]
        body = {
            "id": f"tnt_{len(self.tenants):032d}",
            "name": name,
            "created_at": AT,
            "owner_api_key": {"id": f"key_{0:032d}", "key": self.add_tenant(name)},
        }
        return JSONResponse(body, 201)

    async def _get_limits(self, request: Request) -> Response:
        self._require_operator(request)
        return JSONResponse({"limits": self.limits.get(request.path_params["id"], {})})

    async def _change_limits(self, request: Request) -> Response:
        self._require_operator(request)
        body = await self._body(request)
        self.limits[request.path_params["id"]] = body["limits"]
        return JSONResponse(body)

    async def _create_api_key(self, request: Request) -> Response:
        tenant, wanted = self._tenant(request), await self._body(request)
        key_id = f"key_{len(tenant.api_keys) + 1:032d}"
        tenant.api_keys[key_id] = {
            "id": key_id,
            "name": wanted["name"],
            "role": wanted["role"],
            "prefix": "cs_live_abcdefgh",
            "created_at": AT,
            "expires_at": "2020-01-01T00:00:00Z" if "expires_in_days" in wanted else None,
            "last_used_at": None,
            "revoked_at": None,
            "scopes": wanted.get("scopes"),
            "networks": wanted["networks"],
        }
        return JSONResponse({**tenant.api_keys[key_id], "key": "cs_live_secret"}, 201)

    async def _list_api_keys(self, request: Request) -> Response:
        query = request.query_params
        return JSONResponse(page_of(self._tenant(request).chosen_api_keys(query), query))

    async def _rotate_api_key(self, request: Request) -> Response:
        key = _found(self._tenant(request).api_keys, request, "API key")
        until = AT if (await self._body(request))["overlap_hours"] == 24 else "2026-11-22T09:00:00Z"
        return JSONResponse({**key, "key": "cs_live_new", "previous_secret_expires_at": until})

    async def _create_role(self, request: Request) -> Response:
        tenant = self._tenant(request)
        role = {"id": f"role_{len(tenant.roles) + 1}", **(await self._body(request))}
        tenant.roles[role["id"]] = role
        return JSONResponse(role, 201)

    async def _get_access(self, request: Request) -> Response:
        names = (
            ("readers", "editors") if request.path_params["kind"] != "documents" else ("readers",)
        )
        kept = self._tenant(request).access.get(request.path_params["id"], {})
        return JSONResponse({name: _shown(kept.get(name, {"everyone": True})) for name in names})

    async def _change_access(self, request: Request) -> Response:
        self._tenant(request).access[request.path_params["id"]] = await self._body(request)
        return await self._get_access(request)

    async def _list_roles(self, request: Request) -> Response:
        built_in = [{"name": "auditor", "permissions": ["audit:read"]}]
        items = list(self._tenant(request).roles.values())
        return JSONResponse({**page_of(items, request.query_params), "built_in": built_in})

    async def _update_role(self, request: Request) -> Response:
        role = _found(self._tenant(request).roles, request, "role")
        role.update(await self._body(request))
        return JSONResponse(role)

    async def _delete_role(self, request: Request) -> Response:
        role = _found(self._tenant(request).roles, request, "role")
        del self._tenant(request).roles[role["id"]]
        return Response(status_code=204)

    async def _revoke_api_key(self, request: Request) -> Response:
        _found(self._tenant(request).api_keys, request, "API key")["revoked_at"] = AT
        return Response(status_code=204)

    async def _create_knowledge_base(self, request: Request) -> Response:
        tenant, name = self._tenant(request), (await self._body(request))["name"]
        new_id = f"kb_{len(tenant.knowledge_bases) + 1:032d}"
        created = {"id": new_id, "name": name, "created_at": AT, "document_count": 0}
        tenant.knowledge_bases[new_id] = created
        return JSONResponse(created, 201)

    async def _list_knowledge_bases(self, request: Request) -> Response:
        items = list(self._tenant(request).knowledge_bases.values())
        return JSONResponse(page_of(items, request.query_params))

    async def _delete_knowledge_base(self, request: Request) -> Response:
        tenant = self._tenant(request)
        del tenant.knowledge_bases[_found(tenant.knowledge_bases, request, "knowledge base")["id"]]
        return Response(status_code=204)

    async def _upload(self, request: Request) -> Response:
        tenant = self._tenant(request)
        async with request.form() as form:
            file = form["file"]
            assert isinstance(file, UploadFile)
            content, name = await file.read(), str(file.filename)
            self.bodies.append({**form, "file": content})
            knowledge_base_id = str(form.get("knowledge_base_id", "kb_default"))
        if refusal := self.refused_files.get(name):
            raise RefusedError(refusal)
        for known in tenant.documents.values():
            if (known["name"], known["sha256"]) == (name, sha256(content).hexdigest()):
                return JSONResponse(known, 200)
        document = new_document(len(tenant.documents) + 1, name, content)
        document["knowledge_base_id"] = knowledge_base_id
        tenant.documents[document["id"]] = document
        tenant.record("document.uploaded", document["id"])
        return JSONResponse(document, 202)

    async def _list_documents(self, request: Request) -> Response:
        query = request.query_params
        return JSONResponse(page_of(self._tenant(request).chosen_documents(query), query))

    async def _get_document(self, request: Request) -> Response:
        document = _found(self._tenant(request).documents, request, "document")
        self._process(document)
        return JSONResponse(document)

    def _process(self, document: dict[str, Any]) -> None:
        if document["state"] in ("ready", "failed"):
            return
        document["state"] = _STATES[_STATES.index(document["state"]) + 1]
        document["progress"] = {"stage": "indexing", "chunks_done": 2, "chunks_total": _CHUNKS}
        if document["state"] == "ready" and document["name"] in self.failures:
            document.update(state="failed", failure=self.failures[document["name"]])
        elif document["state"] == "ready":
            document.update(page_count=3, chunk_count=_CHUNKS)

    async def _delete_document(self, request: Request) -> Response:
        documents = self._tenant(request).documents
        del documents[_found(documents, request, "document")["id"]]
        return Response(status_code=204)

    async def _search(self, request: Request) -> Response:
        tenant, body = self._tenant(request), await self._body(request)
        known = self._known.get((tenant.name, body["question"]))
        passages = [] if known is None else [passage_of(known)]
        return JSONResponse({"passages": passages})

    async def _chat(self, request: Request) -> Response:
        tenant, body = self._tenant(request), await self._body(request)
        known = self._known.get((tenant.name, body["question"]))
        answer = answer_from(tenant, known)
        tenant.record("question.asked")
        if body.get("stream"):
            return StreamingResponse(self._events(answer), media_type="text/event-stream")
        return JSONResponse(answer)

    async def _events(self, answer: dict[str, Any]) -> AsyncIterator[str]:
        yield ": keep-alive\n\n"
        for word in answer["answer"].split():
            yield _event("delta", {"text": f"{word} "})
        if self.stream_ends == "done":
            yield _event("citations", {"citations": answer["citations"]})
            yield _event("done", answer)
        elif self.stream_ends == "error":
            yield _event("error", _problem(Refusal(503, "model_unavailable", "No model answers.")))

    async def _list_events(self, request: Request) -> Response:
        tenant, query = self._tenant(request), request.query_params
        newest = tenant.trail[-1] if tenant.trail else {"sequence": 0, "hash": ""}
        head = {"sequence": newest["sequence"], "hash": newest["hash"]}
        turned = query if self.turns_pages else {"page_size": query["page_size"]}
        return JSONResponse({**page_of(tenant.chosen_events(query), turned), "head": head})

    def _require_operator(self, request: Request) -> None:
        self._note(request)
        if request.headers["authorization"] != f"Bearer {OPERATOR_KEY}":
            raise RefusedError(Refusal(403, "permission_denied", "Only the operator may."))

    def _tenant(self, request: Request) -> FakeTenant:
        self._note(request)
        key = request.headers["authorization"].removeprefix("Bearer ")
        if key not in self.tenants:
            raise RefusedError(Refusal(401, "invalid_api_key", "The API key is not valid."))
        return self.tenants[key]

    def _note(self, request: Request) -> None:
        self.requests.append((request.method, request.scope["path"]))
        self.on_request()
        if self.refuse_next:
            raise RefusedError(self.refuse_next.pop(0))

    async def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = await request.json()
        self.bodies.append(body)
        return body


def _found(things: dict[str, dict[str, Any]], request: Request, noun: str) -> dict[str, Any]:
    wanted = request.path_params["id"]
    if wanted not in things:
        code = noun.lower().replace(" ", "_") + "_not_found"
        raise RefusedError(Refusal(404, code, f"There is no {noun} {wanted!r}."))
    return things[wanted]


def _event(name: str, data: Mapping[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _problem(refusal: Refusal) -> dict[str, Any]:
    return {
        "type": f"urn:clientsphere:error:{refusal.code}",
        "title": "Refused",
        "status": refusal.status,
        "detail": refusal.detail,
        "code": refusal.code,
        "request_id": "req-refused",
    }


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return JSONResponse(
        _problem(error.refusal),
        error.refusal.status,
        headers=dict(error.refusal.headers),
        media_type="application/problem+json",
    )


def _shown(audience: dict[str, Any]) -> dict[str, Any]:
    return {"everyone": False, "groups": [], "principals": [], **audience}
