from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from clientsphere_common.errors import (
    InvalidInputError,
    NotFoundError,
    PayloadTooLargeError,
    UnsupportedTypeError,
)
from clientsphere_common.paging import PageWish
from clientsphere_common.request import Caller
from ingestion.model import DocumentChoice, DocumentState, KnowledgeBaseAccess, UploadTarget
from ingestion.upload import clean_name
from tests.harness.ingestion import MAX_FILE_BYTES, Ingestion

OPEN = KnowledgeBaseAccess()


class TestDocumentUpload:
    async def test_queues_a_new_file(self, ingestion: Ingestion, caller: Caller) -> None:
        outcome = await ingestion.receive(caller, "The canteen opens at noon.")

        assert outcome.is_new_version
        assert outcome.document.state is DocumentState.QUEUED
        assert outcome.document.version == 1
        assert outcome.document.media_type == "text/plain"
        assert outcome.document.size_bytes == 26

    async def test_does_nothing_for_the_same_bytes_under_the_same_name(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        first = await ingestion.receive(caller, "The canteen opens at noon.")
        objects = await ingestion.object_keys()

        again = await ingestion.receive(caller, "The canteen opens at noon.")

        assert not again.is_new_version
        assert again.document == first.document
        assert await ingestion.object_keys() == objects

    async def test_makes_other_bytes_the_next_version(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        first = await ingestion.receive(caller, "The canteen opens at noon.")
        second = await ingestion.receive(caller, "The canteen opens at one.")

        assert second.document.id == first.document.id
        assert second.document.version == 2

    async def test_keeps_tenants_apart(
        self, ingestion: Ingestion, caller: Caller, stranger: Caller
    ) -> None:
        mine = await ingestion.receive(caller, "The canteen opens at noon.")
        theirs = await ingestion.receive(stranger, "The canteen opens at noon.")

        assert theirs.is_new_version
        assert theirs.document.id != mine.document.id

    async def test_answers_an_upload_that_is_sent_again_as_it_did_first(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        first = await ingestion.receive(caller, "The canteen opens at noon.", upload_id="upl_1")
        await ingestion.receive(caller, "The canteen opens at one.")
        kept = await ingestion.object_keys()

        again = await ingestion.receive(caller, "The canteen opens at noon.", upload_id="upl_1")

        assert again.is_new_version
        assert (again.document.id, again.document.version) == (first.document.id, 1)
        assert (await ingestion.documents.get(caller, first.document.id)).version == 2
        assert await ingestion.object_keys() == kept

    async def test_knows_the_ids_of_uploads_of_one_tenant_only(
        self, ingestion: Ingestion, caller: Caller, stranger: Caller
    ) -> None:
        mine = await ingestion.receive(caller, "Hello.", upload_id="upl_1")
        theirs = await ingestion.receive(stranger, "Hello.", upload_id="upl_1")
        assert theirs.document.id != mine.document.id

    async def test_refuses_an_id_that_cannot_be_stored(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        with pytest.raises(InvalidInputError):
            await ingestion.receive(caller, "Hello.", upload_id="x" * 65)

    async def test_refuses_a_foreign_knowledge_base_like_an_unknown_one(
        self, ingestion: Ingestion, caller: Caller, stranger: Caller
    ) -> None:
        mine = await ingestion.knowledge_base_care.create(caller, "manuals", OPEN)
        failures = []
        for knowledge_base_id in (mine.id, "kb_unknown"):
            with pytest.raises(NotFoundError) as failure:
                await ingestion.receive(stranger, "Hello.", knowledge_base_id=knowledge_base_id)
            failures.append(repr(failure.value))
        assert failures[0] == failures[1]

    @pytest.mark.parametrize(
        ("content", "error"),
        [
            ("", InvalidInputError),
            ("\x00\x01\x02" * 100, UnsupportedTypeError),
            ("a" * (MAX_FILE_BYTES + 1), PayloadTooLargeError),
        ],
        ids=["empty", "binary", "too large"],
    )
    async def test_leaves_nothing_of_a_refused_file(
        self, ingestion: Ingestion, caller: Caller, content: str, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            await ingestion.receive(caller, content)

        assert await ingestion.object_keys() == set()
        page = await ingestion.documents.page(caller, DocumentChoice(), PageWish())
        assert page.items == ()

    async def test_leaves_nothing_of_a_broken_off_stream(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"Some text at the beginning. " * 500
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await ingestion.upload.upload(caller, UploadTarget("", "note.txt"), broken())
        assert await ingestion.object_keys() == set()

    async def test_publishes_the_work_and_the_trail(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        outcome = await ingestion.receive(caller, "The canteen opens at noon.")
        await ingestion.relay.stop()

        uploaded = [event for event in ingestion.publisher.events if event.topic == "documents"]
        assert [(event.type, event.key, event.tenant_id) for event in uploaded] == [
            ("DocumentUploaded", outcome.document.id, "tnt_a")
        ]
        # The default knowledge base was made on the way.
        assert ingestion.publisher.types("audit") == ["AuditRecorded"] * 2


class TestCleanName:
    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            ("handbook.pdf", "handbook.pdf"),
            ("/home/me/handbook.pdf", "handbook.pdf"),
            ("C:\\Users\\me\\handbook.pdf", "handbook.pdf"),
            ("  Jahresbericht 2026.pdf ", "Jahresbericht 2026.pdf"),
        ],
    )
    def test_keeps_the_name_without_its_folders(self, sent: str, kept: str) -> None:
        assert clean_name(sent) == kept

    @pytest.mark.parametrize("sent", ["", " ", "/", "..\\", "a\nb.txt", "x" * 256])
    def test_refuses_what_is_no_name(self, sent: str) -> None:
        with pytest.raises(InvalidInputError):
            clean_name(sent)
