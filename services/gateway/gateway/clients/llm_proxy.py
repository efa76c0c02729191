"""Answers from the models behind the llm-proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from clientsphere.llm.v1 import llm_service_pb2 as llm
from clientsphere.llm.v1 import llm_service_pb2_grpc
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rpc.calls import OutgoingCalls
from gateway.model.answers import Delta, Finish, Passage, Question, Usage

if TYPE_CHECKING:
    import grpc


class LlmProxyAnswers:
    """`model` is the one that is asked; empty stands for the default."""

    def __init__(
        self, channel: grpc.aio.Channel, calls: OutgoingCalls, model: str, answer_timeout_s: float
    ) -> None:
        self._stub = llm_service_pb2_grpc.LlmServiceStub(channel)
        self._calls = calls
        self._model = model
        self._timeout_s = answer_timeout_s

    async def answer(
        self, question: Question, instructions: str, passages: Sequence[Passage]
    ) -> AsyncIterator[Delta | Finish]:
        request = llm.CompleteRequest(
            messages=[
                llm.Message(role="system", text=instructions),
                llm.Message(role="user", text=question.text),
            ],
            passages=[_grounding(passage) for passage in passages],
            model=self._model,
        )
        is_finished = False
        async for response in self._calls.server_stream(
            self._stub.Complete, request, self._timeout_s
        ):
            is_finished = response.HasField("finish")
            yield _finish(response.finish) if is_finished else Delta(response.text)
        if not is_finished:
            raise DependencyUnavailableError("answer_cut_off", "The model stopped in mid answer.")


def _grounding(passage: Passage) -> llm.GroundingPassage:
    return llm.GroundingPassage(
        number=passage.rank, heading_path=passage.heading_path, text=passage.text
    )


def _finish(finish: llm.Finish) -> Finish:
    return Finish(
        declined=finish.reason == llm.FINISH_REASON_DECLINED,
        model=finish.model,
        usage=Usage(finish.usage.input_tokens, finish.usage.output_tokens),
    )
