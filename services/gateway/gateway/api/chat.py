"""POST /v1/chat: answers with citations."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.api.access import GuardedRoute
from gateway.api.answer_stream import AnswerStream
from gateway.api.connection import while_connected
from gateway.api.dependencies import TheCaller, TheServices, lookup_id
from gateway.api.fingerprints import EVENT_STREAM, wants_stream
from gateway.api.problem_docs import problems
from gateway.api.schemas.answers import EXAMPLE_ANSWER, AnswerBody, ChatBody
from gateway.model.answers import Answer, Question

router = APIRouter(tags=["Questions"], route_class=GuardedRoute)

_STREAM_EXAMPLE = """\
event: delta
data: {"text": "Full-time employees get 25 days of paid annual leave. [1]"}

event: citations
data: {"citations": [...]}

event: done
data: {"id": "ans_2f1e0d9c8b7a69584736251403f2e1d0", "answered": true, ...}
"""


@router.post(
    "/v1/chat",
    summary="Ask a question",
    responses={
        200: {
            "description": "The answer, or its events: `delta` pieces of the text, `citations`,"
            " then `done` with the whole answer, which counts; `error` with a problem when it"
            " breaks off.",
            "content": {
                "application/json": {"example": EXAMPLE_ANSWER},
                EVENT_STREAM: {"example": _STREAM_EXAMPLE},
            },
        },
        **problems(
            "invalid_request",
            "answer_filtered",
            "model_refused_request",
            "permission_denied",
            "prompt_too_large",
            "model_overloaded",
            "model_access_refused",
            "model_unavailable",
            "answer_cut_off",
            "answer_empty",
            "answer_too_long",
            "model_timeout",
        ),
    },
    response_model=AnswerBody,
)
async def chat(
    body: ChatBody, request: Request, services: TheServices, caller: TheCaller
) -> Answer | Response:
    """An answer from the documents alone, each sentence tied to the words that it rests on.

    When the documents do not contain the answer, `answered` is false and nothing is made up.
    """
    question = Question(body.question, tuple(map(lookup_id, body.knowledge_base_ids)))
    if wants_stream(request) if body.stream is None else body.stream:
        return AnswerStream(services.answering.ask(caller, question))
    return await while_connected(request.receive, services.answering.answer(caller, question))
