"""Knowledge bases: made, listed, and deleted with all they hold."""

from __future__ import annotations

import re

from clientsphere_common.errors import InvalidInputError
from clientsphere_common.ids import new_id as random_id
from clientsphere_common.names import is_name
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from clientsphere_common.vectors.ports import PassageIndex
from ingestion.access.care import require_among, require_usable
from ingestion.model import KnowledgeBase, KnowledgeBaseAccess
from ingestion.ports import KnowledgeBases

_MAX_NAME_CHARS = 120
_ID = re.compile(r"kb_[0-9a-f]{32}")


class KnowledgeBaseCare:
    def __init__(self, knowledge_bases: KnowledgeBases, index: PassageIndex) -> None:
        self._knowledge_bases = knowledge_bases
        self._index = index

    async def create(
        self, caller: Caller, name: str, access: KnowledgeBaseAccess, new_id: str = ""
    ) -> KnowledgeBase:
        """The caller must be one of its readers.

        Raises InvalidInputError for an unusable name, access or id, ConflictError for a name in
        use, NotFoundError when what was made under the id is hidden from the caller by now.
        """
        name = name.strip()
        if len(name) > _MAX_NAME_CHARS or not is_name(name):
            raise InvalidInputError(
                "invalid_knowledge_base_name",
                f"A knowledge base's name has 1 to {_MAX_NAME_CHARS} printable characters.",
            )
        require_among(caller, access.readers)
        require_usable(access.editors)
        if new_id and not _ID.fullmatch(new_id):
            raise InvalidInputError("invalid_knowledge_base_id", "This cannot be such an id.")
        return await self._knowledge_bases.create(caller, name, access, new_id or random_id("kb"))

    async def get(
        self, caller: Caller, knowledge_base_id: str, *, to_edit: bool = False
    ) -> KnowledgeBase:
        """Raises NotFoundError, `to_edit` also PermissionDeniedError for one who may only read."""
        if to_edit:
            await self._knowledge_bases.require_editor(caller, knowledge_base_id)
        return await self._knowledge_bases.get(caller, knowledge_base_id)

    async def page(self, caller: Caller, wish: PageWish) -> Page[KnowledgeBase]:
        """Oldest first."""
        return await self._knowledge_bases.page(caller, wish)

    async def delete(self, caller: Caller, knowledge_base_id: str) -> None:
        """Its documents are not found by any search that starts after the return.

        Those, too, that the caller does not see: who may delete all of it need not see all of it.
        """
        document_ids = await self._knowledge_bases.delete(caller, knowledge_base_id)
        for document_id in document_ids:
            await self._index.remove_document(caller.tenant_id, document_id)
