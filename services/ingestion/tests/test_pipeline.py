from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from clientsphere_common.errors import DependencyUnavailableError, InvalidInputError
from clientsphere_common.request import Caller
from clientsphere_common.vectors.model import DocumentReaders
from ingestion.model import Document, DocumentState, Failure, Stage, VersionKey
from ingestion.parsing.model import ParseError
from ingestion.pipeline import MAX_STARTS
from tests.contract.passage_chunks import question
from tests.harness.ingestion import Ingestion

TEXT = "The canteen opens at noon. " * 200


async def uploaded(ingestion: Ingestion, caller: Caller, text: str = TEXT) -> Document:
    return (await ingestion.receive(caller, text)).document


class TestDocumentPipeline:
    async def test_makes_a_document_searchable(self, ingestion: Ingestion, caller: Caller) -> None:
        document = await ingestion.index_newest(caller, await uploaded(ingestion, caller))

        assert document.state is DocumentState.READY
        assert document.progress.stage is Stage.DONE
        assert document.page_count == 1
        assert document.chunk_count > 1
        visible = await ingestion.index.count(caller.tenant_id, document.id, active_only=True)
        assert visible == document.chunk_count

    async def test_embeds_a_passage_under_its_headings(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        await ingestion.index_newest(caller, await uploaded(ingestion, caller))
        assert all(text.startswith("Heading\n") for text in ingestion.embedder.texts)

    async def test_points_into_the_text_that_it_keeps(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        document = await ingestion.index_newest(caller, await uploaded(ingestion, caller))
        _, content = await ingestion.document_care.extracted_text(caller, document.id)
        text = b"".join([piece async for piece in content]).decode()
        asked = question("canteen")
        found = await ingestion.index.search(caller.tenant_id, asked)
        assert len(found) == document.chunk_count
        for passage in found:
            assert text[passage.start : passage.end] == passage.text

    async def test_does_no_work_twice(self, ingestion: Ingestion, caller: Caller) -> None:
        document = await ingestion.index_newest(caller, await uploaded(ingestion, caller))
        await ingestion.index_newest(caller, document)
        assert ingestion.parser.parsed == 1

    async def test_fails_a_document_that_cannot_be_read_with_its_reason(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        ingestion.parser.failure = ParseError("pdf_encrypted", "Remove the password.")
        document = await ingestion.index_newest(caller, await uploaded(ingestion, caller))

        assert document.state is DocumentState.FAILED
        assert document.failure is not None
        assert document.failure.code == "pdf_encrypted"

    async def test_leaves_no_points_of_a_version_that_failed_half_way(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        ingestion.embedder.failure = InvalidInputError("text_refused", "The model refused a text.")
        document = await ingestion.index_newest(caller, await uploaded(ingestion, caller))

        assert document.state is DocumentState.FAILED
        assert await ingestion.index.count(caller.tenant_id) == 0

    async def test_keeps_the_readable_version_when_the_next_one_fails(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        first = await ingestion.index_newest(caller, await uploaded(ingestion, caller))
        ingestion.parser.failure = ParseError("pdf_broken", "The file is damaged.")
        second = await uploaded(ingestion, caller, "Other words. " * 100)
        failed = await ingestion.index_newest(caller, second)

        assert failed.state is DocumentState.FAILED
        visible = await ingestion.index.count(caller.tenant_id, first.id, 1, active_only=True)
        assert visible == first.chunk_count

    async def test_replaces_the_version_before(self, ingestion: Ingestion, caller: Caller) -> None:
        first = await ingestion.index_newest(caller, await uploaded(ingestion, caller))
        second = await uploaded(ingestion, caller, "Other words. " * 100)
        await ingestion.index_newest(caller, second)

        assert await ingestion.index.count(caller.tenant_id, first.id, 1) == 0
        assert await ingestion.index.count(caller.tenant_id, first.id, 2, active_only=True) > 0

    async def test_skips_a_version_that_a_newer_one_superseded(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        first = await uploaded(ingestion, caller)
        await uploaded(ingestion, caller, "Other words. " * 100)
        await ingestion.index_newest(caller, first)
        assert ingestion.parser.parsed == 0

    async def test_indexes_a_failed_file_that_is_uploaded_again(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        ingestion.parser.failure = ParseError("parse_crashed", "The reader stopped.")
        await ingestion.index_newest(caller, await uploaded(ingestion, caller))
        ingestion.parser.failure = None

        again = await ingestion.receive(caller, TEXT)

        assert again.is_new_version
        indexed = await ingestion.index_newest(caller, again.document)
        assert indexed.state is DocumentState.READY


class TestStartsOfADocument:
    async def test_that_end_in_a_crash_lead_to_quarantine(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        async def crash(
            tenant_id: str, document_id: str, version: int, readers: DocumentReaders
        ) -> int:
            raise RuntimeError("the worker died here")

        document = await uploaded(ingestion, caller)
        ingestion.index.activate = crash  # type: ignore[method-assign]  # after the points are in
        for _ in range(MAX_STARTS):
            with pytest.raises(RuntimeError):
                await ingestion.index_newest(caller, document)
        assert await ingestion.index.count(caller.tenant_id) > 0

        ended = await ingestion.index_newest(caller, document)

        assert ended.failure is not None
        assert ended.failure.code == "document_quarantined"
        assert ingestion.parser.parsed == MAX_STARTS
        assert await ingestion.index.count(caller.tenant_id) == 0

    @pytest.mark.parametrize(
        "failure",
        [
            DependencyUnavailableError("llm_unavailable", "The model is away."),
            asyncio.CancelledError(),
        ],
        ids=["a dependency away", "a stop of the process"],
    )
    async def test_that_end_for_another_reason_do_not_count(
        self, ingestion: Ingestion, caller: Caller, failure: BaseException
    ) -> None:
        document = await uploaded(ingestion, caller)
        ingestion.embedder.failure = failure
        for _ in range(MAX_STARTS + 1):
            with pytest.raises(type(failure)):
                await ingestion.index_newest(caller, document)
        ingestion.embedder.failure = None

        assert (await ingestion.index_newest(caller, document)).state is DocumentState.READY


class TestDeletionDuringWork:
    async def test_before_the_start_leaves_nothing_to_do(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        document = await uploaded(ingestion, caller)
        await ingestion.document_care.delete(caller, document.id)
        await ingestion.pipeline.process(VersionKey(caller.tenant_id, document.id, 1))
        assert ingestion.parser.parsed == 0

    async def test_takes_back_what_the_work_made_visible(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        document = await uploaded(ingestion, caller)
        activate = ingestion.index.activate

        async def delete_first(
            tenant_id: str, document_id: str, version: int, readers: DocumentReaders
        ) -> int:
            await ingestion.document_care.delete(caller, document_id)
            return await activate(tenant_id, document_id, version, readers)

        ingestion.index.activate = delete_first  # type: ignore[method-assign]  # the race, made certain
        await ingestion.pipeline.process(VersionKey(caller.tenant_id, document.id, 1))

        assert await ingestion.index.count(caller.tenant_id) == 0


class TestOneEventInTwoHands:
    """A worker that lost its place in the group may go on while the next one begins."""

    async def test_both_finish_and_the_document_stays(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        document = await uploaded(ingestion, caller)
        activate = ingestion.index.activate

        async def let_another_finish(
            tenant_id: str, document_id: str, version: int, readers: DocumentReaders
        ) -> int:
            ingestion.index.activate = activate  # type: ignore[method-assign]  # for the other one
            await ingestion.pipeline.process(VersionKey(tenant_id, document_id, version))
            return await activate(tenant_id, document_id, version, readers)

        ingestion.index.activate = let_another_finish  # type: ignore[method-assign]  # the race, made certain
        indexed = await ingestion.index_newest(caller, document)

        assert indexed.state is DocumentState.READY
        visible = await ingestion.index.count(caller.tenant_id, document.id, active_only=True)
        assert visible == indexed.chunk_count
        await assert_told_once(ingestion, "DocumentIndexed")

    async def test_one_fails_after_the_other_finished_and_the_document_stays(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        document = await uploaded(ingestion, caller)
        key = VersionKey(caller.tenant_id, document.id, 1)
        embed = ingestion.embedder.embed

        async def let_another_finish(texts: Sequence[str]) -> Sequence[Sequence[float]]:
            ingestion.embedder.embed = embed  # type: ignore[method-assign]  # for the other one
            await ingestion.pipeline.process(key)
            raise InvalidInputError("text_refused", "The model refused a text.")

        ingestion.embedder.embed = let_another_finish  # type: ignore[method-assign]  # the race, made certain
        indexed = await ingestion.index_newest(caller, document)

        assert indexed.state is DocumentState.READY
        visible = await ingestion.index.count(caller.tenant_id, document.id, active_only=True)
        assert visible == indexed.chunk_count

    async def test_one_finishes_after_the_other_gave_up_and_nothing_is_found(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        document = await uploaded(ingestion, caller)
        key = VersionKey(caller.tenant_id, document.id, 1)
        activate = ingestion.index.activate

        async def let_another_fail(
            tenant_id: str, document_id: str, version: int, readers: DocumentReaders
        ) -> int:
            await ingestion.ledger.fail(key, Failure("document_quarantined", "It stopped."))
            return await activate(tenant_id, document_id, version, readers)

        ingestion.index.activate = let_another_fail  # type: ignore[method-assign]  # the race, made certain
        failed = await ingestion.index_newest(caller, document)

        assert failed.state is DocumentState.FAILED
        assert await ingestion.index.count(caller.tenant_id) == 0

    async def test_who_gave_up_and_died_before_clearing_is_followed_by_one_who_clears(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        document = await uploaded(ingestion, caller)
        key = VersionKey(caller.tenant_id, document.id, 1)
        ingestion.embedder.failure = DependencyUnavailableError("llm_unavailable", "Away.")
        ingestion.embedder.fail_after = 2
        with pytest.raises(DependencyUnavailableError):
            await ingestion.pipeline.process(key)
        await ingestion.ledger.fail(key, Failure("document_quarantined", "It stopped."))
        assert await ingestion.index.count(caller.tenant_id) > 0

        await ingestion.pipeline.process(key)

        assert await ingestion.index.count(caller.tenant_id) == 0

    async def test_a_version_that_ends_late_does_not_hide_the_newer_one(
        self, ingestion: Ingestion, caller: Caller
    ) -> None:
        first = await uploaded(ingestion, caller)
        activate = ingestion.index.activate

        async def let_the_newer_finish(
            tenant_id: str, document_id: str, version: int, readers: DocumentReaders
        ) -> int:
            ingestion.index.activate = activate  # type: ignore[method-assign]  # for the newer one
            second = await uploaded(ingestion, caller, "Other words. " * 100)
            await ingestion.index_newest(caller, second)
            return await activate(tenant_id, document_id, version, readers)

        ingestion.index.activate = let_the_newer_finish  # type: ignore[method-assign]  # the race, made certain
        await ingestion.index_newest(caller, first)

        newest = await ingestion.documents.get(caller, first.id)
        assert await ingestion.index.count(caller.tenant_id, first.id, 1) == 0
        visible = await ingestion.index.count(caller.tenant_id, first.id, 2, active_only=True)
        assert visible == newest.chunk_count


async def assert_told_once(ingestion: Ingestion, event_type: str) -> None:
    await ingestion.relay.stop()
    assert ingestion.publisher.types("documents").count(event_type) == 1
