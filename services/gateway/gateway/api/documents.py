"""/v1/documents: files on their way into the index, and out again."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from clientsphere_common.paging import Page
from clientsphere_common.versions import version_of
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheServices, lookup_id
from gateway.api.filters import TheDocumentChoice
from gateway.api.paging import ThePage
from gateway.api.problem_docs import problems
from gateway.api.schemas.library import DocumentBody, DocumentList
from gateway.api.upload_request import bound_to_key, opened_upload
from gateway.api.versions import NOT_MODIFIED, TheVersions
from gateway.idempotency.attempt import repeatable_id
from gateway.model.library import Document
from gateway.uploads import READER_GROUP, READER_PRINCIPAL

router = APIRouter(prefix="/v1/documents", tags=["Documents"], route_class=GuardedRoute)

_READERS: dict[str, Any] = {
    "type": "array",
    "items": {"type": "string"},
    "description": "Before the file, each in a part of its own: who may see it. Both missing: all"
    " readers of the knowledge base.",
}
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "knowledge_base_id": {
                            "type": "string",
                            "description": "Before the file. Missing: the default one.",
                        },
                        READER_GROUP: _READERS,
                        READER_PRINCIPAL: _READERS,
                        "file": {"type": "string", "format": "binary"},
                    },
                },
                "example": {
                    "knowledge_base_id": "kb_6d0f8a1c2b3e4d5f8a7b6c5d4e3f2a1b",
                    "file": "employee-handbook.pdf",
                },
            }
        },
    }
}


@router.post(
    "",
    status_code=202,
    summary="Upload a document",
    openapi_extra=_FORM,
    responses={
        200: {"model": DocumentBody, "description": "The same bytes were there already."},
        **problems(
            "multipart_expected",
            "multipart_malformed",
            "upload_incomplete",
            "file_missing",
            "file_name_missing",
            "invalid_file_name",
            "too_many_files",
            "unexpected_field",
            "field_too_long",
            "field_after_file",
            "invalid_audience",
            "readers_without_yourself",
            "permission_denied",
            "not_an_editor",
            "knowledge_base_not_found",
            "readers_differ",
            "file_too_large",
            "empty_file",
            "unsupported_type",
        ),
    },
    response_model=DocumentBody,
)
async def upload_document(
    request: Request,
    response: Response,
    services: TheServices,
    knowledge_base_id: Annotated[str, Query()] = "",
) -> Document:
    """The file is stored and queued; `state` and `progress` of the document tell the rest.

    Another file under the same name is a new version of the document, with the readers that it has;
    if they are given, they must be the same. PDF, DOCX, HTML, Markdown,
    CSV and plain text are read.
    """
    async with opened_upload(request) as upload:
        document, is_new_version = await services.documents.upload(
            bound_to_key(request, replace(upload, id=repeatable_id("upl")))
        )
    response.status_code = 202 if is_new_version else 200
    response.headers["Location"] = f"/v1/documents/{document.id}"
    return document


@router.get(
    "",
    summary="List documents",
    responses=problems("invalid_request", "invalid_page_token", "permission_denied"),
    response_model=DocumentList,
)
async def list_documents(
    services: TheServices, choice: TheDocumentChoice, page: ThePage
) -> Page[Document]:
    """Newest first, a page at a time: all that you may see, or those that fit every filter."""
    return await services.documents.page(choice, page)


@router.get(
    "/{document_id}",
    summary="Get a document",
    responses=NOT_MODIFIED | problems("permission_denied", "document_not_found"),
    response_model=DocumentBody,
)
async def get_document(
    document_id: str, services: TheServices, versions: TheVersions
) -> Document | Response:
    """Where it stands: queued, processing, ready, or failed and why."""
    document = await services.documents.get(lookup_id(document_id))
    return versions.unless_known(document, version_of(document))


@router.delete(
    "/{document_id}",
    status_code=204,
    summary="Delete a document",
    responses=problems("permission_denied", "not_an_editor", "document_not_found"),
)
async def delete_document(document_id: str, services: TheServices) -> None:
    """No search that starts after the response finds it."""
    await services.documents.delete(lookup_id(document_id))
