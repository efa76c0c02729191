"""/v1/knowledge-bases: named sets of documents that are searched together."""

from __future__ import annotations

from fastapi import APIRouter, Response

from clientsphere_common.paging import Page
from clientsphere_common.versions import version_of
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheServices, lookup_id
from gateway.api.paging import ThePage
from gateway.api.problem_docs import problems
from gateway.api.schemas.library import (
    KnowledgeBaseBody,
    KnowledgeBaseList,
    NewKnowledgeBaseBody,
)
from gateway.api.versions import NOT_MODIFIED, TheVersions
from gateway.idempotency.attempt import repeatable_id
from gateway.model.library import KnowledgeBase

router = APIRouter(prefix="/v1/knowledge-bases", tags=["Knowledge bases"], route_class=GuardedRoute)


@router.post(
    "",
    status_code=201,
    summary="Create a knowledge base",
    responses=problems(
        "invalid_request",
        "readers_without_yourself",
        "permission_denied",
        "knowledge_base_exists",
    ),
    response_model=KnowledgeBaseBody,
)
async def create_knowledge_base(
    body: NewKnowledgeBaseBody, services: TheServices, response: Response
) -> KnowledgeBase:
    """Its name is unique among those that you see."""
    created = await services.knowledge_bases.create(
        repeatable_id("kb"), body.name, body.to_access()
    )
    response.headers["Location"] = f"{router.prefix}/{created.id}"
    return created


@router.get(
    "",
    summary="List the knowledge bases",
    responses=problems("invalid_request", "invalid_page_token", "permission_denied"),
    response_model=KnowledgeBaseList,
)
async def list_knowledge_bases(services: TheServices, page: ThePage) -> Page[KnowledgeBase]:
    """Those that you may see, oldest first."""
    return await services.knowledge_bases.page(page)


@router.get(
    "/{knowledge_base_id}",
    summary="Get a knowledge base",
    responses=NOT_MODIFIED | problems("permission_denied", "knowledge_base_not_found"),
    response_model=KnowledgeBaseBody,
)
async def get_knowledge_base(
    knowledge_base_id: str, services: TheServices, versions: TheVersions
) -> KnowledgeBase | Response:
    """Its name and how many documents it has."""
    found = await services.knowledge_bases.get(lookup_id(knowledge_base_id))
    return versions.unless_known(found, version_of(found))


@router.delete(
    "/{knowledge_base_id}",
    status_code=204,
    summary="Delete a knowledge base and its documents",
    responses=problems("permission_denied", "not_an_editor", "knowledge_base_not_found"),
)
async def delete_knowledge_base(knowledge_base_id: str, services: TheServices) -> None:
    """No search that starts after the response finds anything of it.

    Documents that you do not see go with it.
    """
    await services.knowledge_bases.delete(lookup_id(knowledge_base_id))
