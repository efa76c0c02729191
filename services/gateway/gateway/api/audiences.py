"""/v1/…/access: who may read and edit a knowledge base or a document."""

from __future__ import annotations

from fastapi import APIRouter, Response

from clientsphere_common.versions import version_of
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheServices, lookup_id
from gateway.api.problem_docs import problems
from gateway.api.schemas.access import (
    DocumentAccessBody,
    DocumentAccessWish,
    KnowledgeBaseAccessBody,
    KnowledgeBaseAccessWish,
)
from gateway.api.versions import NOT_MODIFIED, OnlyIf, TheNewVersion, TheVersions
from gateway.model.access import DocumentAccess, KnowledgeBaseAccess

router = APIRouter(prefix="/v1", tags=["Access"], route_class=GuardedRoute)


@router.get(
    "/knowledge-bases/{knowledge_base_id}/access",
    summary="Get who may read and edit a knowledge base",
    responses=NOT_MODIFIED | problems("permission_denied", "knowledge_base_not_found"),
    response_model=KnowledgeBaseAccessBody,
)
async def get_knowledge_base_access(
    knowledge_base_id: str, services: TheServices, versions: TheVersions
) -> KnowledgeBaseAccess | Response:
    """Beside those with the permission `documents:read_all`, who read everything."""
    access = await services.access.of_knowledge_base(lookup_id(knowledge_base_id))
    return versions.unless_known(access, version_of(access))


@router.put(
    "/knowledge-bases/{knowledge_base_id}/access",
    summary="Change who may read and edit a knowledge base",
    responses=problems(
        "invalid_request", "permission_denied", "knowledge_base_not_found", "precondition_failed"
    ),
    response_model=KnowledgeBaseAccessBody,
)
async def set_knowledge_base_access(
    knowledge_base_id: str,
    body: KnowledgeBaseAccessWish,
    services: TheServices,
    only_if: OnlyIf,
    versions: TheNewVersion,
) -> KnowledgeBaseAccess:
    """Replaces all of it. No search that starts after the response shows its passages to others.

    For those who are no readers it is not there: not in lists, not in counts, not by its id.
    """
    target = lookup_id(knowledge_base_id)
    access = await services.access.set_of_knowledge_base(target, body.to_access(), only_if)
    return versions.told(access, version_of(access))


@router.get(
    "/documents/{document_id}/access",
    summary="Get who may read a document",
    responses=NOT_MODIFIED | problems("permission_denied", "document_not_found"),
    response_model=DocumentAccessBody,
)
async def get_document_access(
    document_id: str, services: TheServices, versions: TheVersions
) -> DocumentAccess | Response:
    """Of the readers of its knowledge base, who must let them in too."""
    access = await services.access.of_document(lookup_id(document_id))
    return versions.unless_known(access, version_of(access.readers))


@router.put(
    "/documents/{document_id}/access",
    summary="Change who may read a document",
    responses=problems(
        "invalid_request", "permission_denied", "document_not_found", "precondition_failed"
    ),
    response_model=DocumentAccessBody,
)
async def set_document_access(
    document_id: str,
    body: DocumentAccessWish,
    services: TheServices,
    only_if: OnlyIf,
    versions: TheNewVersion,
) -> DocumentAccess:
    """Holds for all its versions. No search that starts after the response shows it to others."""
    access = await services.access.set_of_document(
        lookup_id(document_id), body.to_access(), only_if
    )
    return versions.told(access, version_of(access.readers))
