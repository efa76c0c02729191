"""Shows a kept reply only to a caller who could still be told what is in it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from fastapi import Request

from gateway.api.dependencies import services_of
from gateway.api.upload_request import UPLOAD
from gateway.idempotency.model import Reply
from gateway.services import Services

_CITED = re.compile(rb'"document_id": ?"(doc_[0-9A-Za-z]+)"')
"""In JSON as in the events of a stream; in words that are quoted, the quotes would be escaped."""


async def require_access(request: Request, reply: Reply) -> None:
    """Readers and editors may have changed since: raises what a request without them gets."""
    look = _LOOKS.get((request.method, request.scope["path"]))
    if look is not None and reply.status < HTTPStatus.BAD_REQUEST:
        await look(services_of(request), reply.body)


async def _look_at_knowledge_base(services: Services, body: bytes) -> None:
    await services.knowledge_bases.get(json.loads(body)["id"])


async def _look_at_document(services: Services, body: bytes) -> None:
    made = json.loads(body)
    await services.knowledge_bases.require_editor(made["knowledge_base_id"])
    await services.documents.get(made["id"])


async def _look_at_cited_documents(services: Services, body: bytes) -> None:
    cited = {found.decode() for found in _CITED.findall(body)}
    await asyncio.gather(*(services.documents.get(document_id) for document_id in cited))


_LOOKS: Mapping[tuple[str, str], Callable[[Services, bytes], Awaitable[None]]] = {
    ("POST", "/v1/knowledge-bases"): _look_at_knowledge_base,
    UPLOAD: _look_at_document,
    ("POST", "/v1/search"): _look_at_cited_documents,
    ("POST", "/v1/chat"): _look_at_cited_documents,
}
