"""A request that comes again gets from ingestion what its caller may have by now."""

from __future__ import annotations

import pytest

from clientsphere_common.access.audience import EVERYONE, Audience, audience
from clientsphere_common.access.model import Permission
from clientsphere_common.errors import NotFoundError, PermissionDeniedError
from clientsphere_common.paging import PageWish
from clientsphere_common.request import Caller
from ingestion.model import DocumentChoice, KnowledgeBase, KnowledgeBaseAccess
from tests.harness.ingestion import Ingestion

HR, NOBODY = audience(["hr"], ()), Audience(frozenset())
MANAGER = Caller(
    "tnt_a",
    "usr_manager",
    permissions=frozenset({Permission.ACCESS_MANAGE, Permission.DOCUMENTS_READ_ALL}),
)
ANN = Caller("tnt_a", "usr_ann", groups=("hr",))
ID = f"kb_{'a' * 32}"
OPEN = KnowledgeBaseAccess()


async def create(ingestion: Ingestion) -> KnowledgeBase:
    return await ingestion.knowledge_base_care.create(ANN, "salaries", OPEN, ID)


async def upload(ingestion: Ingestion) -> str:
    received = await ingestion.receive(ANN, "Hello.", knowledge_base_id=ID, upload_id="upl_1")
    return received.document.id


@pytest.fixture(autouse=True)
async def document_id(ingestion: Ingestion) -> str:
    await create(ingestion)
    return await upload(ingestion)


class TestAKnowledgeBase:
    async def test_that_is_hidden_by_now_is_neither_shown_nor_made_again(
        self, ingestion: Ingestion
    ) -> None:
        hidden = KnowledgeBaseAccess(readers=NOBODY)
        await ingestion.access.set_of_knowledge_base(MANAGER, ID, hidden)
        with pytest.raises(NotFoundError, match="no such knowledge base"):
            await create(ingestion)
        page = await ingestion.knowledge_base_care.page(MANAGER, PageWish())
        assert len(page.items) == 1

    async def test_is_shown_to_who_may_change_it_when_that_is_asked(
        self, ingestion: Ingestion
    ) -> None:
        care = ingestion.knowledge_base_care
        assert (await care.get(ANN, ID, to_edit=True)).id == ID
        closed = KnowledgeBaseAccess(EVERYONE, NOBODY)
        await ingestion.access.set_of_knowledge_base(MANAGER, ID, closed)
        assert (await care.get(ANN, ID)).id == ID
        with pytest.raises(PermissionDeniedError):
            await care.get(ANN, ID, to_edit=True)


class TestAnUpload:
    async def test_into_what_is_hidden_by_now_is_not_found(self, ingestion: Ingestion) -> None:
        hidden = KnowledgeBaseAccess(readers=NOBODY)
        await ingestion.access.set_of_knowledge_base(MANAGER, ID, hidden)
        with pytest.raises(NotFoundError, match="no such knowledge base"):
            await upload(ingestion)

    async def test_by_who_may_no_longer_edit_is_refused(self, ingestion: Ingestion) -> None:
        closed = KnowledgeBaseAccess(EVERYONE, NOBODY)
        await ingestion.access.set_of_knowledge_base(MANAGER, ID, closed)
        with pytest.raises(PermissionDeniedError):
            await upload(ingestion)

    async def test_of_a_document_that_is_hidden_by_now_makes_no_other_one(
        self, ingestion: Ingestion, document_id: str
    ) -> None:
        await ingestion.access.set_of_document(MANAGER, document_id, NOBODY)
        kept = await ingestion.object_keys()
        with pytest.raises(NotFoundError, match="no such document"):
            await upload(ingestion)
        assert await ingestion.object_keys() == kept
        page = await ingestion.document_care.page(MANAGER, DocumentChoice(), PageWish())
        assert [one.id for one in page.items] == [document_id]

    async def test_of_readers_is_answered_as_before(
        self, ingestion: Ingestion, document_id: str
    ) -> None:
        await ingestion.access.set_of_document(MANAGER, document_id, HR)
        assert await upload(ingestion) == document_id
