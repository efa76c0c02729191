from __future__ import annotations

import pytest

from clientsphere_common.errors import ConflictError, InvalidInputError, NotFoundError
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from ingestion.model import DocumentChoice, KnowledgeBaseAccess
from ingestion.removal import OrphanSweep
from tests.harness.ingestion import Ingestion, pieces

TEXT = "The canteen opens at noon. " * 60
OPEN = KnowledgeBaseAccess()
ALL = DocumentChoice()


class TestDocumentCare:
    async def test_lists_newest_first_in_pages(self, ingestion: Ingestion, caller: Caller) -> None:
        names = [f"note-{number}.txt" for number in range(5)]
        for name in names:
            await ingestion.receive(caller, f"This is {name}.", name)

        listed, token = [], ""
        for _ in range(3):
            page = await ingestion.document_care.page(caller, ALL, PageWish(2, token))
            listed += [document.name for document in page.items]
            token = page.next_page_token or ""

        assert sorted(listed) == names
        assert token == ""

    async def test_lists_one_knowledge_base(self, ingestion: Ingestion, caller: Caller) -> None:
        manuals = await ingestion.knowledge_base_care.create(
            caller, "manuals", KnowledgeBaseAccess()
        )
        await ingestion.receive(caller, "In the default one.")
        inside = await ingestion.receive(caller, "A manual.", knowledge_base_id=manuals.id)

        page = await ingestion.document_care.page(caller, DocumentChoice(manuals.id), PageWish())
        assert [document.id for document in page.items] == [inside.document.id]

    @pytest.mark.parametrize("token", ["nonsense", "!!", "MTIz", "bm90OmE6dG9rZW4="])
    async def test_refuses_a_page_token_that_it_did_not_hand_out(
        self, ingestion: Ingestion, caller: Caller, token: str
    ) -> None:
        with pytest.raises(InvalidInputError):
            await ingestion.document_care.page(caller, ALL, PageWish(10, token))

    async def test_refuses_the_page_token_of_another_list(
        self, ingestion: Ingestion, caller: Caller, stranger: Caller
    ) -> None:
        for name in ("a.txt", "b.txt"):
            await ingestion.receive(caller, name, name)
        inside = (await ingestion.knowledge_base_care.page(caller, PageWish())).items[0].id
        documents = ingestion.document_care
        rest = PageWish(1, (await documents.page(caller, ALL, PageWish(1))).next_page_token or "")
        assert len((await documents.page(caller, ALL, rest)).items) == 1
        for refused in (
            documents.page(caller, DocumentChoice(inside), rest),
            documents.page(stranger, ALL, rest),
            ingestion.knowledge_base_care.page(caller, rest),
        ):
            with pytest.raises(InvalidInputError) as failure:
                await refused
            assert failure.value.code == "invalid_page_token"

    async def test_gives_back_the_uploaded_bytes(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        document = (await ingestion.receive(caller, TEXT)).document
        _, content = await ingestion.document_care.original(caller, document.id)
        assert b"".join([piece async for piece in content]) == TEXT.encode()

    async def test_has_no_text_before_the_document_is_ready(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        document = (await ingestion.receive(caller, TEXT)).document
        with pytest.raises(NotFoundError) as failure:
            await ingestion.document_care.extracted_text(caller, document.id)
        assert failure.value.code == "document_not_ready"

    async def test_hides_a_deleted_document_at_once(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        document = (await ingestion.receive(caller, TEXT)).document
        await ingestion.index_newest(caller, document)
        await ingestion.document_care.delete(caller, document.id)

        assert await ingestion.index.count(caller.tenant_id) == 0
        for look in (ingestion.document_care.get, ingestion.document_care.delete):
            with pytest.raises(NotFoundError):
                await look(caller, document.id)

    async def test_treats_foreign_ids_like_unknown_ones(
        self, ingestion: Ingestion, caller: Caller, stranger: Caller
    ) -> None:
        document = (await ingestion.receive(caller, TEXT)).document
        care = ingestion.document_care
        for look in (care.get, care.delete, care.original, care.extracted_text):
            failures = []
            for document_id in (document.id, "doc_unknown"):
                with pytest.raises(NotFoundError) as failure:
                    await look(stranger, document_id)
                failures.append(repr(failure.value))
            assert failures[0] == failures[1]
        assert (await care.get(caller, document.id)).id == document.id

    async def test_frees_the_name_of_a_deleted_document(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        first = (await ingestion.receive(caller, TEXT)).document
        await ingestion.document_care.delete(caller, first.id)
        second = await ingestion.receive(caller, TEXT)
        assert second.is_new_version
        assert second.document.id != first.id


class TestKnowledgeBaseCare:
    async def test_counts_living_documents(self, ingestion: Ingestion, caller: Caller) -> None:
        kept = (await ingestion.receive(caller, TEXT, "kept.txt")).document
        gone = (await ingestion.receive(caller, TEXT, "gone.txt")).document
        await ingestion.document_care.delete(caller, gone.id)

        found = await ingestion.knowledge_base_care.get(caller, kept.knowledge_base_id)
        assert found.document_count == 1
        assert await ingestion.knowledge_base_care.page(caller, PageWish()) == Page((found,))

    async def test_lists_oldest_first_in_pages_that_others_do_not_disturb(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        care = ingestion.knowledge_base_care
        made = [(await care.create(caller, f"kb {number}", OPEN)).id for number in range(4)]
        first = await care.page(caller, PageWish(2))
        await care.delete(caller, first.items[1].id)
        made.append((await care.create(caller, "late", OPEN)).id)
        second = await care.page(caller, PageWish(3, first.next_page_token or ""))
        assert sorted(one.id for one in (*first.items, *second.items)) == sorted(made)
        assert second.next_page_token is None

    async def test_refuses_a_name_in_use(self, ingestion: Ingestion, caller: Caller) -> None:
        await ingestion.knowledge_base_care.create(caller, "manuals", OPEN)
        with pytest.raises(ConflictError):
            await ingestion.knowledge_base_care.create(caller, " manuals ", OPEN)

    async def test_is_made_once_under_an_id_that_is_given(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        new_id = f"kb_{'a' * 32}"
        first = await ingestion.knowledge_base_care.create(caller, "manuals", OPEN, new_id)
        again = await ingestion.knowledge_base_care.create(caller, "manuals", OPEN, new_id)
        assert again == first
        assert first.id == new_id

    @pytest.mark.parametrize("new_id", ["kb_x", "doc_" + "a" * 32, "kb_" + "A" * 32])
    async def test_refuses_an_unusable_id(
        self, ingestion: Ingestion, caller: Caller, new_id: str
    ) -> None:
        with pytest.raises(InvalidInputError):
            await ingestion.knowledge_base_care.create(caller, "manuals", OPEN, new_id)

    async def test_lets_tenants_use_the_same_name(
        self, ingestion: Ingestion, caller: Caller, stranger: Caller
    ) -> None:
        mine = await ingestion.knowledge_base_care.create(caller, "manuals", OPEN)
        theirs = await ingestion.knowledge_base_care.create(
            stranger, "manuals", KnowledgeBaseAccess()
        )
        assert mine.id != theirs.id

    @pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 121])
    async def test_refuses_an_unusable_name(
        self, ingestion: Ingestion, caller: Caller, name: str
    ) -> None:
        with pytest.raises(InvalidInputError):
            await ingestion.knowledge_base_care.create(caller, name, OPEN)

    async def test_deletes_all_it_holds(self, ingestion: Ingestion, caller: Caller) -> None:
        document = (await ingestion.receive(caller, TEXT)).document
        await ingestion.index_newest(caller, document)
        await ingestion.knowledge_base_care.delete(caller, document.knowledge_base_id)

        assert await ingestion.index.count(caller.tenant_id) == 0
        with pytest.raises(NotFoundError):
            await ingestion.document_care.get(caller, document.id)
        with pytest.raises(NotFoundError):
            await ingestion.knowledge_base_care.delete(caller, document.knowledge_base_id)


class TestDocumentRemoval:
    async def test_leaves_nothing_of_a_deleted_document(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        document = (await ingestion.receive(caller, TEXT)).document
        await ingestion.index_newest(caller, document)
        await ingestion.document_care.delete(caller, document.id)

        for _ in range(2):
            await ingestion.removal.remove(caller.tenant_id, document.id)

        assert await ingestion.object_keys() == set()
        assert await ingestion.ledger.leftovers(caller.tenant_id, document.id) is None

    async def test_does_not_touch_a_living_document(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        document = (await ingestion.receive(caller, TEXT)).document
        await ingestion.removal.remove(caller.tenant_id, document.id)
        assert len(await ingestion.object_keys()) == 1


class TestOrphanSweep:
    async def test_removes_old_objects_that_no_document_names(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        document = (await ingestion.receive(caller, TEXT)).document
        needed = await ingestion.documents.object_key(caller, document.id)
        await ingestion.objects.put("tnt_a/obj_orphan", pieces(b"left by a killed upload"))

        await OrphanSweep(ingestion.ledger, ingestion.objects, 60, lambda: 0.0).sweep()
        assert "tnt_a/obj_orphan" in await ingestion.object_keys()

        await OrphanSweep(ingestion.ledger, ingestion.objects, 60, lambda: 1e12).sweep()
        assert await ingestion.object_keys() == {needed}
