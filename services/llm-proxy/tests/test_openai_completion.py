"""Streaming answers from an OpenAI-compatible server over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from clientsphere_common.errors import (
    DeadlineExceededError,
    DependencyUnavailableError,
    InvalidInputError,
    LimitExceededError,
    ServiceError,
)
from llm_proxy.adapters.openai_api import ApiAccess, OpenAiConnection
from llm_proxy.adapters.openai_completion import OpenAiCompletionModel, Patience
from llm_proxy.model import CompletionRequest, Finish, FinishReason, Message, Usage
from llm_proxy.own_secrets import no_key
from tests.harness.modules import running
from tests.harness.openai_server import (
    ChatScript,
    OpenAiServer,
    Refusal,
    chunk,
    openai_server,
    said,
)

QUESTION = CompletionRequest(
    (Message("system", "Answer from the passages."), Message("user", "How many days?"))
)


@pytest.fixture
async def server() -> AsyncIterator[OpenAiServer]:
    async with openai_server() as running_server:
        yield running_server


@asynccontextmanager
async def model_of(
    base_url: str, silence_s: float = 10, api_key: str = "key-1"
) -> AsyncIterator[OpenAiCompletionModel]:
    connection = OpenAiConnection("completion_api", ApiAccess(base_url, lambda: api_key, 5, 10))
    async with running(connection):
        yield OpenAiCompletionModel(connection, "asked-model", Patience(10, silence_s))


async def answer(server: OpenAiServer, request: CompletionRequest = QUESTION) -> list[str | Finish]:
    async with model_of(server.base_url) as model:
        return [part async for part in model.stream(request)]


class TestAnswer:
    async def test_comes_in_the_pieces_in_which_it_is_written(self, server: OpenAiServer) -> None:
        server.chat = said("28 ", "days", " [1]")
        parts = await answer(server)
        assert parts[:-1] == ["28 ", "days", " [1]"]

    async def test_ends_with_the_model_and_the_tokens_that_the_api_names(
        self, server: OpenAiServer
    ) -> None:
        server.chat = said("28 days")
        assert (await answer(server))[-1] == Finish(FinishReason.STOP, "served-model", Usage(12, 3))

    async def test_cut_at_the_limit_says_so(self, server: OpenAiServer) -> None:
        server.chat = said("28", finish_reason="length")
        finish = (await answer(server))[-1]
        assert isinstance(finish, Finish)
        assert finish.reason is FinishReason.LENGTH

    async def test_without_a_count_of_tokens_reports_none(self, server: OpenAiServer) -> None:
        server.chat = ChatScript([chunk("28"), chunk(finish_reason="stop")])
        assert (await answer(server))[-1] == Finish(FinishReason.STOP, "served-model", Usage())

    async def test_withheld_by_the_provider_is_a_refusal(self, server: OpenAiServer) -> None:
        server.chat = said("28", finish_reason="content_filter")
        with pytest.raises(InvalidInputError) as refused:
            await answer(server)
        assert refused.value.code == "answer_filtered"


class TestRequest:
    async def test_names_the_model_and_carries_the_conversation(self, server: OpenAiServer) -> None:
        await answer(server)
        sent = server.requests[0]
        assert sent["model"] == "asked-model"
        assert sent["messages"] == [
            {"role": "system", "content": "Answer from the passages."},
            {"role": "user", "content": "How many days?"},
        ]
        assert sent["stream"] is True
        assert sent["stream_options"] == {"include_usage": True}

    async def test_leaves_the_output_limit_to_the_model_unless_there_is_one(
        self, server: OpenAiServer
    ) -> None:
        await answer(server)
        await answer(server, CompletionRequest(QUESTION.messages, max_output_tokens=50))
        assert "max_completion_tokens" not in server.requests[0]
        assert server.requests[1]["max_completion_tokens"] == 50

    async def test_carries_the_key(self, server: OpenAiServer) -> None:
        await answer(server)
        assert server.authorization == "Bearer key-1"

    async def test_works_without_a_key(self, server: OpenAiServer) -> None:
        async with model_of(server.base_url, api_key="") as model:
            assert len([part async for part in model.stream(QUESTION)]) == 2


class TestBrokenStream:
    async def test_ending_early_yields_no_finish(self, server: OpenAiServer) -> None:
        server.chat = ChatScript([chunk("28 da")], ends="silent")
        assert await answer(server) == ["28 da"]

    async def test_torn_connection_is_an_error(self, server: OpenAiServer) -> None:
        server.chat = ChatScript([chunk("28 da")], ends="torn")
        with pytest.raises(DependencyUnavailableError) as failed:
            await answer(server)
        assert failed.value.code == "model_unavailable"

    async def test_unreadable_event_is_an_error(self, server: OpenAiServer) -> None:
        server.chat = ChatScript([chunk("28"), '{"choices": [{'])
        with pytest.raises(DependencyUnavailableError):
            await answer(server)

    async def test_error_inside_the_stream_is_an_error(self, server: OpenAiServer) -> None:
        server.chat = ChatScript([chunk("28"), '{"error": {"message": "out of memory"}}'])
        with pytest.raises(DependencyUnavailableError):
            await answer(server)

    async def test_silence_ends_the_wait(self, server: OpenAiServer) -> None:
        server.chat = ChatScript([chunk("28")], ends="hangs")
        async with model_of(server.base_url, silence_s=0.05) as model:
            with pytest.raises(DeadlineExceededError) as failed:
                [part async for part in model.stream(QUESTION)]
        assert failed.value.code == "model_timeout"


class TestLeavingEarly:
    async def test_stops_the_api_from_writing_on(self, server: OpenAiServer) -> None:
        server.chat = ChatScript([chunk("28")], ends="hangs")
        async with model_of(server.base_url) as model:
            async with aclosing(model.stream(QUESTION)) as parts:
                assert await anext(parts) == "28"
            await server.reader_left.wait()


class TestRefusedRequest:
    @pytest.mark.parametrize(
        ("status", "error", "code"),
        [
            (429, LimitExceededError, "model_overloaded"),
            (400, InvalidInputError, "model_refused_request"),
            (401, DependencyUnavailableError, "model_access_refused"),
            (404, DependencyUnavailableError, "model_access_refused"),
            (500, DependencyUnavailableError, "model_unavailable"),
        ],
    )
    async def test_is_told_as_one_of_our_errors(
        self, server: OpenAiServer, status: int, error: type[ServiceError], code: str
    ) -> None:
        server.chat = Refusal(status)
        with pytest.raises(error) as refused:
            await answer(server)
        assert refused.value.code == code
        assert "secret" not in refused.value.message

    async def test_passes_on_when_to_try_again(self, server: OpenAiServer) -> None:
        server.chat = Refusal(429, {"retry-after": "7"})
        with pytest.raises(LimitExceededError) as refused:
            await answer(server)
        assert refused.value.retry_after_s == 7

    async def test_waits_a_second_when_the_api_names_a_date(self, server: OpenAiServer) -> None:
        server.chat = Refusal(503, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"})
        with pytest.raises(DependencyUnavailableError) as refused:
            await answer(server)
        assert refused.value.retry_after_s == 1

    async def test_is_not_sent_again_when_the_model_would_refuse_it_again(
        self, server: OpenAiServer
    ) -> None:
        server.chat = Refusal(401)
        with pytest.raises(DependencyUnavailableError):
            await answer(server)
        assert len(server.requests) == 1

    async def test_is_not_carried_to_where_the_api_points(self, server: OpenAiServer) -> None:
        async with openai_server() as elsewhere:
            server.chat = Refusal(307, {"Location": f"{elsewhere.base_url}/chat/completions"})
            with pytest.raises(DependencyUnavailableError) as refused:
                await answer(server)
            assert refused.value.code == "model_unavailable"
            assert elsewhere.requests == []


class TestTrying:
    async def test_ends_after_the_third(self, server: OpenAiServer) -> None:
        server.chat = Refusal(500)
        with pytest.raises(DependencyUnavailableError):
            await answer(server)
        assert len(server.requests) == 3

    @pytest.mark.parametrize("first_events", [[], [chunk()], [chunk("")]])
    async def test_goes_on_until_the_first_piece(
        self, server: OpenAiServer, first_events: list[str]
    ) -> None:
        server.chats_before = [Refusal(503), ChatScript(first_events, ends="torn")]
        server.chat = said("28 ", "days")
        assert (await answer(server))[:-1] == ["28 ", "days"]
        assert len(server.requests) == 3

    async def test_stops_at_the_first_piece(self, server: OpenAiServer) -> None:
        server.chat = ChatScript([chunk("28 da")], ends="torn")
        with pytest.raises(DependencyUnavailableError):
            await answer(server)
        assert len(server.requests) == 1


class TestApiThatIsAway:
    async def test_is_unavailable(self) -> None:
        async with model_of("http://127.0.0.1:1/v1") as model:
            with pytest.raises(DependencyUnavailableError) as failed:
                [part async for part in model.stream(QUESTION)]
        assert failed.value.code == "model_unavailable"


class TestBeforeStart:
    def test_there_is_no_client(self) -> None:
        connection = OpenAiConnection(
            "completion_api", ApiAccess("http://localhost/v1", no_key, 5, 5)
        )
        with pytest.raises(RuntimeError):
            _ = connection.client
