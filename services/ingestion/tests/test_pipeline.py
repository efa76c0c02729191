from __future__ import annotations

import asyncio

import pytest

from clientsphere_common.errors import DependencyUnavailableError, InvalidInputError
from clientsphere_common.request import Caller
from ingestion.model import Document, DocumentState, Stage, VersionKey
from ingestion.parsing.model import ParseError
from ingestion.pipeline import MAX_STARTS
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
        for chunk in ingestion.index.chunks.values():
            assert text[chunk.start : chunk.end] == chunk.text

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
        async def crash(tenant_id: str, document_id: str, version: int) -> int:
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

        async def delete_first(tenant_id: str, document_id: str, version: int) -> int:
            await ingestion.document_care.delete(caller, document_id)
            return await activate(tenant_id, document_id, version)

        ingestion.index.activate = delete_first  # type: ignore[method-assign]  # the race, made certain
        await ingestion.pipeline.process(VersionKey(caller.tenant_id, document.id, 1))

        assert await ingestion.index.count(caller.tenant_id) == 0
