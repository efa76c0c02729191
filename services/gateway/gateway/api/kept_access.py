"""Shows a kept reply only to a caller who could still be told what is in it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from fastapi import Request

from gateway.api.dependencies import services_of
from gateway.api.upload_request import UPLOAD
from gateway.idempotency.model import Reply
from gateway.services import Services

Made = Mapping[str, str]
"""What the reply says of what was made."""


async def require_access(request: Request, reply: Reply) -> None:
    """Readers and editors may have changed since: raises what a request without them gets."""
    look = _LOOKS.get((request.method, request.scope["path"]))
    if look is not None and reply.status < HTTPStatus.BAD_REQUEST:
        await look(services_of(request), json.loads(reply.body))


async def _look_at_knowledge_base(services: Services, made: Made) -> None:
    await services.knowledge_bases.get(made["id"])


async def _look_at_document(services: Services, made: Made) -> None:
    await services.knowledge_bases.require_editor(made["knowledge_base_id"])
    await services.documents.get(made["id"])


_LOOKS: Mapping[tuple[str, str], Callable[[Services, Made], Awaitable[None]]] = {
    ("POST", "/v1/knowledge-bases"): _look_at_knowledge_base,
    UPLOAD: _look_at_document,
}
