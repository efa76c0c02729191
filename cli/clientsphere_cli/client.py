"""The HTTP API as typed calls: the only place that knows its routes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar
from urllib.parse import quote

import httpx

from clientsphere_cli.connection import Connection
from clientsphere_cli.failures import ApiError, CliError
from clientsphere_cli.model.access import Audience, KnowledgeBaseAccess
from clientsphere_cli.model.answers import Answer, Delta, Passage
from clientsphere_cli.model.library import Document, DocumentFilters, KnowledgeBase, Received
from clientsphere_cli.model.sign_in import Me, SignInParameters
from clientsphere_cli.model.tenancy import (
    ApiKey,
    KeyFilters,
    KeyRequest,
    Limit,
    NewApiKey,
    NewTenant,
    Role,
    RotatedKey,
)
from clientsphere_cli.model.trail import TrailFilters, TrailHead, TrailPage
from clientsphere_cli.model.webhooks import Delivery, NewWebhook, Webhook
from clientsphere_cli.sse import read_events
from clientsphere_cli.transport import Transport, problem_of
from clientsphere_cli.watched_file import WatchedFile
from clientsphere_common.hash_chain import ChainLink

_CONNECT_TIMEOUT_S = 5.0
_TRAIL = "/v1/audit/events"
_ITEMS_PER_PAGE = "200"
_EVENTS_PER_PAGE = "1000"

T = TypeVar("T")
P = TypeVar("P", bound="_Paged")
_Query = Mapping[str, str | Sequence[str]]


@asynccontextmanager
async def open_client(connection: Connection) -> AsyncIterator[Client]:
    timeout = httpx.Timeout(connection.request_timeout_s, connect=_CONNECT_TIMEOUT_S, pool=None)
    async with httpx.AsyncClient(
        base_url=connection.url,
        headers={"Authorization": f"Bearer {connection.api_key}"} if connection.api_key else {},
        auth=connection.signed_in,
        timeout=timeout,
        # No proxy stands before this machine, and loading certificates costs plain HTTP 80 ms.
        trust_env=not connection.is_local,
        verify=connection.url.startswith("https:"),
    ) as http:
        yield Client(Transport(http))


class Client:
    """Acts for one key or one person. Any call raises ApiError when the server refuses it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def is_ready(self) -> bool:
        try:
            await self._transport.send(self._transport.request("GET", "/health/ready"))
        except ApiError:
            return False
        return True

    async def sign_in_parameters(self, sign_in_id: str) -> SignInParameters:
        """Needs no credential."""
        request = self._transport.request("GET", _one("/v1/sign-in", sign_in_id))
        return await self._transport.fetch(request, SignInParameters)

    async def me(self) -> Me:
        return await self._transport.fetch(self._transport.request("GET", "/v1/me"), Me)

    async def create_tenant(self, name: str) -> NewTenant:
        """Needs the operator's key."""
        request = self._transport.request("POST", "/v1/tenants", json={"name": name})
        return await self._transport.fetch(request, NewTenant)

    async def changed_limits(self, tenant_id: str) -> Mapping[str, Limit]:
        """By name, those that differ for the tenant. Needs the operator's key."""
        request = self._transport.request("GET", _limits_of(tenant_id))
        return (await self._transport.fetch(request, _Limits)).limits

    async def change_limits(self, tenant_id: str, limits: Mapping[str, Limit]) -> None:
        """Have exactly `limits` differ for the tenant. Needs the operator's key."""
        body = {"limits": {name: asdict(limit) for name, limit in limits.items()}}
        await self._transport.send(self._transport.request("PUT", _limits_of(tenant_id), json=body))

    async def create_api_key(self, wanted: KeyRequest) -> NewApiKey:
        body = {name: value for name, value in asdict(wanted).items() if value is not None}
        request = self._transport.request("POST", "/v1/api-keys", json=body)
        return await self._transport.fetch(request, NewApiKey)

    async def api_keys(self, filters: KeyFilters | None = None) -> Sequence[ApiKey]:
        return await self._all("/v1/api-keys", _Page[ApiKey], _query(filters))

    async def rotate_api_key(self, key_id: str, overlap_hours: int) -> RotatedKey:
        """The key's text from before is good for `overlap_hours` more."""
        path = f"{_one('/v1/api-keys', key_id)}/rotate"
        request = self._transport.request("POST", path, json={"overlap_hours": overlap_hours})
        return await self._transport.fetch(request, RotatedKey)

    async def revoke_api_key(self, key_id: str) -> None:
        await self._delete("/v1/api-keys", key_id)

    async def roles(self) -> Sequence[Role]:
        """Those that every tenant has, then the tenant's own."""
        pages = [page async for page in self._pages("/v1/roles", _Roles)]
        return (*pages[0].built_in, *(role for page in pages for role in page.items))

    async def create_role(self, name: str, permissions: Sequence[str]) -> Role:
        return await self._write_role("POST", "/v1/roles", name, permissions)

    async def update_role(self, role_id: str, name: str, permissions: Sequence[str]) -> Role:
        return await self._write_role("PUT", _one("/v1/roles", role_id), name, permissions)

    async def delete_role(self, role_id: str) -> None:
        await self._delete("/v1/roles", role_id)

    async def webhooks(self) -> Sequence[Webhook]:
        return await self._all("/v1/webhooks", _Page[Webhook])

    async def create_webhook(self, receiver: str, event_types: Sequence[str]) -> NewWebhook:
        body = {"url": receiver, "event_types": list(event_types)}
        request = self._transport.request("POST", "/v1/webhooks", json=body)
        return await self._transport.fetch(request, NewWebhook)

    async def delete_webhook(self, webhook_id: str) -> None:
        await self._delete("/v1/webhooks", webhook_id)

    async def webhook_deliveries(self, webhook_id: str) -> Sequence[Delivery]:
        """The newest ones, newest first."""
        path = f"{_one('/v1/webhooks', webhook_id)}/deliveries"
        request = self._transport.request("GET", path)
        return (await self._transport.fetch(request, _Page[Delivery])).items

    async def test_webhook(self, webhook_id: str) -> Delivery:
        path = f"{_one('/v1/webhooks', webhook_id)}/test"
        return await self._transport.fetch(self._transport.request("POST", path), Delivery)

    async def create_knowledge_base(self, name: str) -> KnowledgeBase:
        request = self._transport.request("POST", "/v1/knowledge-bases", json={"name": name})
        return await self._transport.fetch(request, KnowledgeBase)

    async def knowledge_bases(self) -> Sequence[KnowledgeBase]:
        return await self._all("/v1/knowledge-bases", _Page[KnowledgeBase])

    async def delete_knowledge_base(self, knowledge_base_id: str) -> None:
        await self._delete("/v1/knowledge-bases", knowledge_base_id)

    async def upload(
        self,
        path: Path,
        knowledge_base_id: str | None = None,
        on_sent: Callable[[int], None] = lambda sent_bytes: None,
    ) -> Received:
        """Send the file as a stream; `on_sent` hears how many of its bytes are on their way."""
        form = {"knowledge_base_id": knowledge_base_id} if knowledge_base_id else {}
        with WatchedFile(path, on_sent) as file:
            request = self._transport.request(
                "POST", "/v1/documents", data=form, files={"file": (path.name, file)}
            )
            response = await self._transport.send(request)
        document = self._transport.parse(response.content, Document)
        return Received(document, is_new=response.status_code == httpx.codes.ACCEPTED)

    async def documents(self, filters: DocumentFilters | None = None) -> AsyncGenerator[Document]:
        """All that fit, fetched page by page as they are taken."""
        pages = self._pages("/v1/documents", _Page[Document], _query(filters))
        async with aclosing(pages):
            async for page in pages:
                for document in page.items:
                    yield document

    async def document(self, document_id: str) -> Document:
        request = self._transport.request("GET", _one("/v1/documents", document_id))
        return await self._transport.fetch(request, Document)

    async def delete_document(self, document_id: str) -> None:
        await self._delete("/v1/documents", document_id)

    async def knowledge_base_access(self, knowledge_base_id: str) -> KnowledgeBaseAccess:
        request = self._transport.request("GET", _access("knowledge-bases", knowledge_base_id))
        return await self._transport.fetch(request, KnowledgeBaseAccess)

    async def change_knowledge_base_access(
        self, knowledge_base_id: str, access: KnowledgeBaseAccess
    ) -> None:
        body = {"readers": access.readers.wish(), "editors": access.editors.wish()}
        path = _access("knowledge-bases", knowledge_base_id)
        await self._transport.send(self._transport.request("PUT", path, json=body))

    async def document_readers(self, document_id: str) -> Audience:
        request = self._transport.request("GET", _access("documents", document_id))
        return (await self._transport.fetch(request, _DocumentAccess)).readers

    async def change_document_readers(self, document_id: str, readers: Audience) -> None:
        body = {"readers": readers.wish()}
        path = _access("documents", document_id)
        await self._transport.send(self._transport.request("PUT", path, json=body))

    async def search(
        self, question: str, knowledge_base_ids: Sequence[str] = (), top_k: int | None = None
    ) -> Sequence[Passage]:
        body = _question(question, knowledge_base_ids)
        if top_k is not None:
            body["top_k"] = top_k
        request = self._transport.request("POST", "/v1/search", json=body)
        return (await self._transport.fetch(request, _Passages)).passages

    async def ask(self, question: str, knowledge_base_ids: Sequence[str] = ()) -> Answer:
        body = _question(question, knowledge_base_ids)
        request = self._transport.request("POST", "/v1/chat", json=body)
        return await self._transport.fetch(request, Answer)

    async def ask_streaming(
        self, question: str, knowledge_base_ids: Sequence[str], on_delta: Callable[[str], None]
    ) -> Answer:
        """The whole answer; until it is there, `on_delta` hears what is being written."""
        body = {**_question(question, knowledge_base_ids), "stream": True}
        request = self._transport.request("POST", "/v1/chat", json=body)
        async with (
            self._transport.stream(request) as chunks,
            aclosing(read_events(chunks)) as events,
        ):
            async for event in events:
                if event.name == "delta":
                    on_delta(self._transport.parse(event.data, Delta).text)
                elif event.name == "done":
                    return self._transport.parse(event.data, Answer)
                elif event.name == "error":
                    raise ApiError(problem_of(httpx.codes.INTERNAL_SERVER_ERROR, event.data))
        raise CliError("The connection ended before the answer was complete.")

    async def trail_head(self) -> TrailHead:
        request = self._transport.request("GET", _TRAIL, params={"page_size": "1"})
        return (await self._transport.fetch(request, TrailPage)).head

    async def trail(
        self, after: int = 0, filters: TrailFilters | None = None
    ) -> AsyncGenerator[ChainLink]:
        """The events after the one numbered `after`, oldest first, up to the newest."""
        query = {**_query(filters), "after": str(after), "page_size": _EVENTS_PER_PAGE}
        async with aclosing(self._pages(_TRAIL, TrailPage, query)) as pages:
            async for page in pages:
                for link in page.items:
                    yield link

    async def _all(
        self, path: str, kind: type[_Page[T]], query: _Query | None = None
    ) -> Sequence[T]:
        return [item async for page in self._pages(path, kind, query) for item in page.items]

    async def _pages(
        self, path: str, kind: type[P], query: _Query | None = None
    ) -> AsyncGenerator[P]:
        """One after the other, as they are taken."""
        asked: dict[str, str | Sequence[str]] = {"page_size": _ITEMS_PER_PAGE, **(query or {})}
        while True:
            request = self._transport.request("GET", path, params=asked)
            page = await self._transport.fetch(request, kind)
            yield page
            if not page.next_page_token:
                return
            if page.next_page_token == asked.get("page_token"):
                raise CliError("The server returned the same page again and again.")
            asked["page_token"] = page.next_page_token

    async def _write_role(
        self, method: str, path: str, name: str, permissions: Sequence[str]
    ) -> Role:
        body = {"name": name, "permissions": list(permissions)}
        return await self._transport.fetch(self._transport.request(method, path, json=body), Role)

    async def _delete(self, path: str, id_: str) -> None:
        await self._transport.send(self._transport.request("DELETE", _one(path, id_)))


def _query(filters: KeyFilters | DocumentFilters | TrailFilters | None) -> _Query:
    return {} if filters is None else {name: one for name, one in asdict(filters).items() if one}


def _one(path: str, id_: str) -> str:
    """What a person typed as an id stays one segment of the path."""
    return f"{path}/{quote(id_, safe='')}"


def _access(kind: str, id_: str) -> str:
    return f"{_one(f'/v1/{kind}', id_)}/access"


def _limits_of(tenant_id: str) -> str:
    return f"{_one('/v1/tenants', tenant_id)}/limits"


def _question(question: str, knowledge_base_ids: Sequence[str]) -> dict[str, object]:
    body: dict[str, object] = {"question": question}
    if knowledge_base_ids:
        body["knowledge_base_ids"] = list(knowledge_base_ids)
    return body


@dataclass(frozen=True)
class _Limits:
    limits: dict[str, Limit]


class _Paged(Protocol):
    @property
    def next_page_token(self) -> str | None: ...


@dataclass(frozen=True)
class _Page(Generic[T]):
    items: tuple[T, ...]
    next_page_token: str | None


@dataclass(frozen=True)
class _Roles:
    items: tuple[Role, ...]
    built_in: tuple[Role, ...]
    next_page_token: str | None


@dataclass(frozen=True)
class _DocumentAccess:
    readers: Audience


@dataclass(frozen=True)
class _Passages:
    passages: tuple[Passage, ...]
