"""What is inside a document: the bytes that were uploaded, and the text that was read from them."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheServices, lookup_id
from gateway.api.problem_docs import problems
from gateway.model.library import Document

router = APIRouter(prefix="/v1/documents", tags=["Documents"], route_class=GuardedRoute)

_ANY_BYTES = "application/octet-stream"
_HARMLESS = (
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "text/csv",
    "text/markdown",
    "text/plain",
)
"""What browsers save, or show as text; HTML, the other kind that is read, they would run."""


@router.get(
    "/{document_id}/content",
    summary="Download a document",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file, with its own media type, or `application/octet-stream`"
            " for one that a browser could run.",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}, "example": "..."}
                for kind in (*_HARMLESS, _ANY_BYTES)
            },
        },
        **problems("permission_denied", "document_not_found", "object_not_found"),
    },
)
async def download_document(document_id: str, services: TheServices) -> StreamingResponse:
    """The bytes that were uploaded last."""
    download = await services.documents.download(lookup_id(document_id))
    document = download.document
    headers = {
        # Never shown in place: a page among the documents must not run as one of ours.
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(document.name, safe='')}",
        "Content-Length": str(document.size_bytes),
    }
    return StreamingResponse(download.content, headers=headers, media_type=_harmless(document))


@router.get(
    "/{document_id}/text",
    summary="Get the text of a document",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The extracted text.",
            "content": {"text/plain": {"example": "Employee handbook\n\nTime off\n..."}},
        },
        **problems(
            "permission_denied", "document_not_found", "document_not_ready", "object_not_found"
        ),
    },
)
async def read_document(document_id: str, services: TheServices) -> StreamingResponse:
    """The text in which `start` and `end` of passages and citations count, in code points."""
    download = await services.documents.extracted_text(lookup_id(document_id))
    return StreamingResponse(download.content, media_type="text/plain; charset=utf-8")


def _harmless(document: Document) -> str:
    return document.media_type if document.media_type in _HARMLESS else _ANY_BYTES
