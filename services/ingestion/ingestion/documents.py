"""Documents as their owners handle them: looked at, read back, deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator

import structlog

from clientsphere_common.errors import InvalidInputError
from clientsphere_common.objects.ports import ObjectStore
from clientsphere_common.request import Caller
from clientsphere_common.vectors.ports import PassageIndex
from ingestion.model import Document, DocumentPage
from ingestion.ports import Documents

log = structlog.get_logger(__name__)

_DEFAULT_PAGE_SIZE = 50
_MAX_PAGE_SIZE = 200


class DocumentCare:
    def __init__(self, documents: Documents, objects: ObjectStore, index: PassageIndex) -> None:
        self._documents = documents
        self._objects = objects
        self._index = index

    async def get(self, caller: Caller, document_id: str) -> Document:
        return await self._documents.get(caller, document_id)

    async def list_page(
        self, caller: Caller, knowledge_base_id: str, page_size: int, page_token: str
    ) -> DocumentPage:
        """A page of at most `page_size` documents, newest first; 0 means 50."""
        if not 0 <= page_size <= _MAX_PAGE_SIZE:
            raise InvalidInputError(
                "invalid_page_size", f"A page has 1 to {_MAX_PAGE_SIZE} documents."
            )
        return await self._documents.list_page(
            caller, knowledge_base_id, page_size or _DEFAULT_PAGE_SIZE, page_token
        )

    async def original(
        self, caller: Caller, document_id: str
    ) -> tuple[Document, AsyncIterator[bytes]]:
        """The document and its newest version's bytes."""
        document = await self._documents.get(caller, document_id)
        key = await self._documents.object_key(caller, document_id)
        return document, self._objects.read(key)

    async def extracted_text(
        self, caller: Caller, document_id: str
    ) -> tuple[Document, AsyncIterator[bytes]]:
        """The document and the text, in UTF-8, that the offsets of its passages count in."""
        document = await self._documents.get(caller, document_id)
        key = await self._documents.text_key(caller, document_id)
        return document, self._objects.read(key)

    async def delete(self, caller: Caller, document_id: str) -> None:
        """Not found by any search that starts after the return; the rest is removed behind it."""
        await self._documents.delete(caller, document_id)
        await self._index.remove_document(caller.tenant_id, document_id)
        log.info("document_deleted", document=document_id)
