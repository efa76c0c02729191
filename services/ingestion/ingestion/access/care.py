"""Tells and changes who may read and edit what, and has the index know it."""

from __future__ import annotations

import structlog

from clientsphere_common.access.audience import Audience, reader_of
from clientsphere_common.errors import InvalidInputError
from clientsphere_common.names import is_name
from clientsphere_common.request import Caller
from clientsphere_common.vectors.ports import PassageIndex
from clientsphere_common.versions import UNCONDITIONAL, Precondition
from ingestion.model import KnowledgeBaseAccess
from ingestion.ports import AccessRules

log = structlog.get_logger(__name__)

_MOST_NAMES = 50
_LONGEST_NAME = 256


class AccessCare:
    """The tables decide, and are changed first.

    When the index could not be told, an event that was stored with the change has it told again.
    """

    def __init__(self, rules: AccessRules, index: PassageIndex) -> None:
        self._rules = rules
        self._index = index

    async def of_knowledge_base(
        self, caller: Caller, knowledge_base_id: str
    ) -> KnowledgeBaseAccess:
        return await self._rules.of_knowledge_base(caller, knowledge_base_id)

    async def of_document(self, caller: Caller, document_id: str) -> Audience:
        return await self._rules.of_document(caller, document_id)

    async def set_of_knowledge_base(
        self,
        caller: Caller,
        knowledge_base_id: str,
        access: KnowledgeBaseAccess,
        only_if: Precondition = UNCONDITIONAL,
    ) -> None:
        """No search that starts after the return shows anything of it to other than its readers.

        Raises NotFoundError for one that the caller does not see, InvalidInputError, and
        PreconditionFailedError.
        """
        for audience in (access.readers, access.editors):
            require_usable(audience)
        await self._rules.set_of_knowledge_base(caller, knowledge_base_id, access, only_if)
        await self.tell_of_knowledge_base(caller.tenant_id, knowledge_base_id)
        log.info("knowledge_base_access_changed", knowledge_base=knowledge_base_id)

    async def set_of_document(
        self,
        caller: Caller,
        document_id: str,
        readers: Audience,
        only_if: Precondition = UNCONDITIONAL,
    ) -> None:
        """As `set_of_knowledge_base`."""
        require_usable(readers)
        await self._rules.set_of_document(caller, document_id, readers, only_if)
        await self.tell_of_document(caller.tenant_id, document_id)
        log.info("document_access_changed", document=document_id)

    async def tell_of_knowledge_base(self, tenant_id: str, knowledge_base_id: str) -> None:
        """Have the index know the readers of now. Idempotent."""
        readers = await self._rules.readers_of_knowledge_base(tenant_id, knowledge_base_id)
        if readers is not None:
            await self._index.set_knowledge_base_readers(tenant_id, knowledge_base_id, readers)

    async def tell_of_document(self, tenant_id: str, document_id: str) -> None:
        readers = await self._rules.readers_of_document(tenant_id, document_id)
        if readers is not None:
            await self._index.set_document_readers(tenant_id, document_id, readers)


def require_usable(audience: Audience) -> None:
    """Raises InvalidInputError."""
    names = (*audience.groups, *audience.principals)
    if audience.is_everyone and names:
        raise InvalidInputError(
            "invalid_audience", "Everyone stands alone, without groups and principals."
        )
    too_many = max(len(audience.groups), len(audience.principals)) > _MOST_NAMES
    if too_many or not all(map(_is_usable, names)):
        raise InvalidInputError(
            "invalid_audience",
            f"These are at most {_MOST_NAMES} groups and as many principals, each of 1 to"
            f" {_LONGEST_NAME} printable characters.",
        )


def require_among(caller: Caller, readers: Audience) -> None:
    """Raise InvalidInputError for something new that would be hidden from who makes it."""
    require_usable(readers)
    if not (readers.has(caller) or reader_of(caller).reads_all):
        raise InvalidInputError(
            "readers_without_yourself", "You could not read it yourself: be one of its readers."
        )


def _is_usable(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and is_name(name)
