"""What a request to each route and each method needs, as data. Who adds one of them looks here.

- A new kind of thing with an id: a line in KINDS, and its parameter's name in IDS.
- A route whose parameters are all ids: nothing to do.
- A route with a body: a line in ROUTES. Where an id goes, put `Id("kind")`; the suite puts there
  own, foreign and unknown ones, and checks what comes back.
- A parameter of a query or a header, or a field like an id, that names nothing of a tenant: its
  name in PLAIN.
- A gRPC method: a line in METHODS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass(frozen=True)
class Id:
    """Stands in a recipe where an id of this kind goes."""

    kind: str


class Word(Enum):
    """Stands in a recipe for a word that each request has for itself."""

    NEW_NAME = "a name that nothing has yet"
    NEW_URL = "an https URL that nothing has yet"
    OWN_KEY = "the API key of whoever asks"


@dataclass(frozen=True)
class Kind:
    """Things that have ids and a tenant."""

    prefix: str
    made_by: str
    """The route that makes one, by its first recipe, and tells its `id`; empty: made otherwise."""


@dataclass(frozen=True)
class Recipe:
    """Of one way to use a route or a method. Ids of paths and queries need not be repeated here."""

    body: Mapping[str, Any] | None = None
    """JSON; of a gRPC method the fields of its message."""
    file: bytes = b""
    """Sent as a multipart form, with `body` as the fields before it."""
    stream: Sequence[Mapping[str, Any]] = ()
    """Of a gRPC method: the messages after the first one."""
    unknown: int | str = 404
    """What is answered to an id that does not exist: an HTTP status, or a gRPC one by its name."""
    differs: tuple[str, ...] = field(default=())
    """Fields of the answer that are new each time."""
    or_answers: frozenset[int] = frozenset()
    """What an own one may be answered beside a success, for the state that it happens to be in."""


KINDS: Mapping[str, Kind] = {
    "tenant": Kind("tnt", ""),
    "knowledge base": Kind("kb", "POST /v1/knowledge-bases"),
    "document": Kind("doc", "POST /v1/documents"),
    "API key": Kind("key", "POST /v1/api-keys"),
    "role": Kind("role", "POST /v1/roles"),
    "token issuer": Kind("iss", "POST /v1/tenants/{tenant_id}/token-issuers"),
    "webhook": Kind("whk", "POST /v1/webhooks"),
    # Only people whom an identity provider sent have these: services/gateway/tests/browser_sign_in.
    "sign-in": Kind("iss", ""),
    "session": Kind("ses", ""),
    "delivery": Kind("whd", "POST /v1/webhooks/{webhook_id}/test"),
}

IDS: Mapping[str, str] = {
    "tenant_id": "tenant",
    "knowledge_base_id": "knowledge base",
    "knowledge_base_ids": "knowledge base",
    "document_id": "document",
    "api_key_id": "API key",
    "role_id": "role",
    "token_issuer_id": "token issuer",
    "sign_in_id": "sign-in",
    "session_id": "session",
    "webhook_id": "webhook",
    "delivery_id": "delivery",
    "principal": "API key",
    "principal_id": "API key",
}

PLAIN = frozenset(
    {
        *("page_size", "page_token", "after", "action", "state", "return_to"),
        *("name", "created_after", "created_before", "outcome", "since", "until"),
        *("X-Request-Timeout-S", "Idempotency-Key", "if-match", "if-none-match"),
        *("client_id", "cli_client_id"),  # ours at the tenant's identity provider
        *("new_id", "upload_id"),  # the gateway's, for what is not there yet
    }
)

_QUESTION = "What is the code word of the vault?"
_NOTE = b"# Note\n\nThe gate of the north yard is painted green every spring.\n"
_ISSUER = {"url": Word.NEW_URL, "audience": "clientsphere"}
_EVERYONE = {"everyone": True}
_GONE = frozenset({404})
_WEBHOOK = {"url": Word.NEW_URL, "event_types": ["document.failed"]}

ROUTES: Mapping[str, Sequence[Recipe]] = {
    "POST /v1/tokens": [Recipe({"grant_type": "api_key", "api_key": Word.OWN_KEY})],
    "POST /v1/tenants": [Recipe({"name": Word.NEW_NAME})],
    "POST /v1/tenants/{tenant_id}/token-issuers": [Recipe(_ISSUER)],
    "PUT /v1/tenants/{tenant_id}/limits": [
        Recipe({"limits": {"ask": {"per_minute": 10**6, "burst": 10**6}}})
    ],
    "POST /v1/knowledge-bases": [Recipe({"name": Word.NEW_NAME})],
    "GET /v1/documents": [Recipe(unknown=200)],
    "GET /v1/audit/events": [Recipe(unknown=200)],
    "POST /v1/documents": [
        Recipe(file=_NOTE),
        Recipe({"knowledge_base_id": Id("knowledge base")}, file=_NOTE),
    ],
    "POST /v1/search": [
        Recipe({"question": _QUESTION, "knowledge_base_ids": [Id("knowledge base")]}, unknown=200)
    ],
    "POST /v1/chat": [
        Recipe(
            {"question": _QUESTION, "knowledge_base_ids": [Id("knowledge base")], "stream": stream},
            unknown=200,
            differs=("id",),
        )
        for stream in (False, True)
    ],
    "POST /v1/api-keys": [
        Recipe({"name": Word.NEW_NAME, "role": "viewer"}),
        Recipe({"name": Word.NEW_NAME, "role": Id("role")}),
    ],
    "POST /v1/api-keys/{api_key_id}/rotate": [Recipe({"overlap_hours": 1})],
    "POST /v1/roles": [Recipe({"name": Word.NEW_NAME, "permissions": ["search"]})],
    "PUT /v1/roles/{role_id}": [Recipe({"name": Word.NEW_NAME, "permissions": ["chat"]})],
    "PUT /v1/knowledge-bases/{knowledge_base_id}/access": [
        Recipe({"readers": _EVERYONE, "editors": _EVERYONE})
    ],
    "PUT /v1/documents/{document_id}/access": [Recipe({"readers": _EVERYONE})],
    "GET /v1/sign-in/{sign_in_id}": [Recipe(or_answers=_GONE)],
    "GET /v1/sign-in/{sign_in_id}/start": [Recipe(or_answers=_GONE)],
    "GET /v1/sign-in/{sign_in_id}/callback": [Recipe(or_answers=_GONE)],
    "DELETE /v1/sessions/{session_id}": [Recipe(or_answers=_GONE)],
    "DELETE /v1/session": [Recipe(or_answers=frozenset({401}))],
    "POST /v1/webhooks": [Recipe(_WEBHOOK)],
    "PUT /v1/webhooks/{webhook_id}": [Recipe(_WEBHOOK)],
    "POST /v1/webhooks/{webhook_id}/rotate": [Recipe({"overlap_hours": 1})],
    "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver": [
        Recipe(or_answers=frozenset({409}))
    ],
}

_INGESTION = "/clientsphere.ingestion.v1.IngestionService"
_KNOWLEDGE_BASE = {"knowledge_base_id": Id("knowledge base")}
_DOCUMENT = {"document_id": Id("document")}
_NOT_FOUND = "NOT_FOUND"
_READERS = {"readers": _EVERYONE}
_READERS_AND_EDITORS = {**_READERS, "editors": _EVERYONE}
_SAY = [{"role": "user", "text": _QUESTION}]

METHODS: Mapping[str, Sequence[Recipe]] = {
    f"{_INGESTION}/CreateKnowledgeBase": [Recipe({"name": Word.NEW_NAME})],
    f"{_INGESTION}/GetKnowledgeBase": [Recipe(_KNOWLEDGE_BASE, unknown=_NOT_FOUND)],
    f"{_INGESTION}/ListKnowledgeBases": [Recipe({})],
    f"{_INGESTION}/DeleteKnowledgeBase": [Recipe(_KNOWLEDGE_BASE, unknown=_NOT_FOUND)],
    f"{_INGESTION}/UploadDocument": [
        Recipe(
            {"header": {**_KNOWLEDGE_BASE, "name": Word.NEW_NAME}},
            stream=[{"data": "QSBub3RlIHRoYXQgc2F5cyBsaXR0bGUu"}],
            unknown=_NOT_FOUND,
        )
    ],
    f"{_INGESTION}/GetDocument": [Recipe(_DOCUMENT, unknown=_NOT_FOUND)],
    f"{_INGESTION}/ListDocuments": [Recipe(_KNOWLEDGE_BASE, unknown="OK")],
    f"{_INGESTION}/DeleteDocument": [Recipe(_DOCUMENT, unknown=_NOT_FOUND)],
    f"{_INGESTION}/DownloadDocument": [
        Recipe({**_DOCUMENT, "content": content}, unknown=_NOT_FOUND)
        for content in ("DOCUMENT_CONTENT_UNSPECIFIED", "DOCUMENT_CONTENT_EXTRACTED_TEXT")
    ],
    f"{_INGESTION}/GetKnowledgeBaseAccess": [Recipe(_KNOWLEDGE_BASE, unknown=_NOT_FOUND)],
    f"{_INGESTION}/SetKnowledgeBaseAccess": [
        Recipe({**_KNOWLEDGE_BASE, "access": _READERS_AND_EDITORS}, unknown=_NOT_FOUND)
    ],
    f"{_INGESTION}/GetDocumentAccess": [Recipe(_DOCUMENT, unknown=_NOT_FOUND)],
    f"{_INGESTION}/SetDocumentAccess": [
        Recipe({**_DOCUMENT, "access": _READERS}, unknown=_NOT_FOUND)
    ],
    "/clientsphere.retrieval.v1.RetrievalService/Search": [
        Recipe({"question": _QUESTION, "knowledge_base_ids": [Id("knowledge base")]}, unknown="OK")
    ],
    "/clientsphere.llm.v1.LlmService/Embed": [Recipe({"texts": ["A note."]})],
    "/clientsphere.llm.v1.LlmService/Complete": [Recipe({"messages": _SAY})],
    "/clientsphere.llm.v1.LlmService/ListModels": [Recipe({})],
    "/clientsphere.audit.v1.AuditService/ListEvents": [
        Recipe({"principal_id": Id("API key")}, unknown="OK")
    ],
    "/clientsphere.audit.v1.AuditService/GetHead": [Recipe({})],
}
