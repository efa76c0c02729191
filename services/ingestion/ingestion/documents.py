"""Documents as their owners handle them: looked at, read back, deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator

import structlog

from clientsphere_common.errors import InvalidInputError
from clientsphere_common.objects.ports import ObjectStore
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from clientsphere_common.vectors.ports import PassageIndex
from ingestion.model import Document, DocumentChoice
from ingestion.ports import Documents

log = structlog.get_logger(__name__)

_MAX_NAME_PIECE_CHARS = 200


class DocumentCare:
    def __init__(self, documents: Documents, objects: ObjectStore, index: PassageIndex) -> None:
        self._documents = documents
        self._objects = objects
        self._index = index

    async def get(self, caller: Caller, document_id: str) -> Document:
        return await self._documents.get(caller, document_id)

    async def page(self, caller: Caller, choice: DocumentChoice, wish: PageWish) -> Page[Document]:
        """Newest first. Raises InvalidInputError for a piece of a name that is too long."""
        if len(choice.name_piece) > _MAX_NAME_PIECE_CHARS:
            raise InvalidInputError("invalid_filter", "The piece of a name is too long.")
        return await self._documents.page(caller, choice, wish)

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
