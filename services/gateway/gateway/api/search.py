"""POST /v1/search: the passages themselves."""

from __future__ import annotations

from fastapi import APIRouter, Request

from gateway.api.access import GuardedRoute
from gateway.api.connection import while_connected
from gateway.api.dependencies import TheCaller, TheServices, lookup_id
from gateway.api.problem_docs import problems
from gateway.api.schemas.search import PassageBody, PassageList, SearchBody
from gateway.model.answers import Question

router = APIRouter(tags=["Questions"], route_class=GuardedRoute)


@router.post(
    "/v1/search",
    summary="Search the documents",
    responses=problems("invalid_request", "permission_denied"),
)
async def search(
    body: SearchBody, request: Request, services: TheServices, caller: TheCaller
) -> PassageList:
    """The passages that fit a question best, by meaning and by words."""
    question = Question(body.question, tuple(map(lookup_id, body.knowledge_base_ids)))
    work = services.searching.search(caller, question, body.top_k)
    passages = await while_connected(request.receive, work)
    return PassageList(passages=[PassageBody.model_validate(one) for one in passages])
