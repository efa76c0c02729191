"""The failures of each operation, as the API's documentation shows them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from gateway.idempotency.key import HEADER, PATTERN
from gateway.problems import PROBLEM_MEDIA_TYPE

PROBLEM_SCHEMA: Mapping[str, Any] = {
    "title": "Problem",
    "description": "Why a request failed (RFC 9457). Programs decide by `code`, which is stable.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "A URN that ends in the code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened, for a person."},
        "code": {"type": "string"},
        "request_id": {"type": "string", "description": "Quote it when asking for help."},
        "errors": {
            "type": "array",
            "description": "For invalid requests: what is wrong with each field.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}

_DETAILS: Mapping[str, tuple[int, str]] = {
    "invalid_request": (400, "question: String should have at most 4000 characters"),
    "scope_beyond_role": (400, "The role does not have the permission documents:write."),
    "invalid_json": (400, "body: not valid JSON at character 12"),
    "invalid_page_token": (400, "The page token is not one that was handed out."),
    "file_missing": (400, "The form has no part named 'file'."),
    "multipart_expected": (400, "Send the file as multipart/form-data with a boundary."),
    "multipart_malformed": (400, "The upload is not valid multipart/form-data."),
    "upload_incomplete": (400, "The upload stops before its end."),
    "file_name_missing": (400, "The file comes without its name."),
    "invalid_file_name": (400, "A file name has 1 to 255 printable characters."),
    "too_many_files": (400, "One upload takes one file."),
    "unexpected_field": (400, "The form has one 'knowledge_base_id' at most."),
    "field_too_long": (400, "'knowledge_base_id' is too long."),
    "object_not_found": (404, "The stored file is missing."),
    "answer_filtered": (400, "The model's provider withheld the answer."),
    "model_refused_request": (400, "The model refused the request; it may be too long."),
    "prompt_too_large": (413, "A prompt may have 400000 characters."),
    "model_overloaded": (429, "The model takes no more requests at the moment."),
    "model_access_refused": (503, "The model's API does not know our key or the model."),
    "model_unavailable": (503, "The model does not answer."),
    "answer_cut_off": (503, "The model stopped in the middle of its answer."),
    "answer_empty": (503, "The model answered nothing."),
    "answer_too_long": (503, "The model did not stop writing."),
    "model_timeout": (504, "The model did not answer in time."),
    "field_after_file": (400, "'knowledge_base_id' must come before the file."),
    "request_timeout_invalid": (
        400,
        "X-Request-Timeout-S is a number of seconds from 0.001, such as 2.5.",
    ),
    "invalid_audience": (400, "Everyone stands alone, without groups and principals."),
    "readers_without_yourself": (
        400,
        "You could not read it yourself: be one of its readers.",
    ),
    "credentials_missing": (
        401,
        "Send one header: Authorization: Bearer <access token or API key>.",
    ),
    "sign_in_expired": (
        400,
        "This sign-in is over, or was begun in another browser. Please sign in again.",
    ),
    "return_path_invalid": (
        400,
        "return_to must be a path such as /documents, of at most 512 characters.",
    ),
    "sign_in_refused": (401, "The identity provider did not sign you in."),
    "sign_in_unproven": (
        401,
        "What the identity provider answered does not prove who you are.",
    ),
    "session_ended": (401, "The session has ended. Please sign in again."),
    "session_missing": (401, "This ends the session of a browser, and there is none."),
    "token_expired": (401, "The access token has expired."),
    "token_invalid": (401, "This is not a valid access token."),
    "api_key_expired": (401, "The API key has expired."),
    "api_key_revoked": (401, "The API key has been revoked."),
    "principal_unknown": (401, "Its holder does not exist any more."),
    "issuer_unavailable": (503, "The keys of the token's issuer cannot be had."),
    "api_key_invalid": (401, "This is not a valid API key."),
    "operator_key_invalid": (401, "This needs the operator's key."),
    "permission_denied": (403, "This needs the permission documents:write."),
    "network_not_allowed": (403, "The API key may not be used from this network."),
    "not_an_editor": (
        403,
        "You may read this knowledge base, but not change what is in it.",
    ),
    "foreign_origin": (403, "With a session, only pages of this address may do this."),
    "permissions_above_own": (403, "You do not have the permission audit:read yourself."),
    "networks_above_own": (403, "The key could be used where your own may not."),
    "role_above_own": (403, "Keys of the role owner are above your own role."),
    "api_key_not_found": (404, "There is no such API key."),
    "sign_in_not_found": (404, "There is no such sign-in."),
    "session_not_found": (404, "There is no such session."),
    "tenant_not_found": (404, "There is no such tenant."),
    "token_issuer_not_found": (404, "There is no such token issuer."),
    "webhook_not_found": (404, "There is no such webhook."),
    "webhook_delivery_not_found": (404, "There is no such delivery."),
    "webhook_url_refused": (400, "The URL must have the port 443."),
    "too_many_webhooks": (409, "A tenant has at most 20 webhooks: remove one."),
    "webhook_disabled": (409, "The webhook is disabled: enable it first."),
    "webhook_delivery_pending": (409, "The delivery is still on its way."),
    "role_not_found": (404, "There is no such role."),
    "document_not_found": (404, "There is no such document."),
    "document_not_ready": (404, "This document has no readable text yet."),
    "knowledge_base_not_found": (404, "There is no such knowledge base."),
    "knowledge_base_exists": (409, "There is a knowledge base named 'handbooks' already."),
    "token_issuer_ambiguous": (
        409,
        "Tokens of this issuer for this audience are for another entry already.",
    ),
    "readers_differ": (409, "There is a document of this name, and it has other readers."),
    "precondition_failed": (412, "It was changed since you read it: read it again."),
    "api_key_ended": (409, "The API key has expired or was revoked."),
    "role_exists": (409, "There is a role named 'reviewer' already."),
    "role_in_use": (409, "API keys have this role: revoke them first."),
    "last_owner_key": (409, "This is the last key of an owner: create another one first."),
    "file_too_large": (413, "The file is larger than 100 MiB."),
    "empty_file": (400, "The file is empty."),
    "unsupported_type": (415, "Files of this type cannot be read."),
    "identity_provider_unavailable": (503, "The identity provider does not answer as it should."),
    "idempotency_key_malformed": (
        400,
        'Send one header Idempotency-Key: "<1 to 255 printable ASCII characters>".',
    ),
    "idempotency_key_in_use": (409, "A request with this idempotency key is being worked on."),
    "idempotency_key_reused": (422, "This idempotency key came with another request before."),
    "rate_limited": (429, "There were too many requests: tenant."),
    "limits_unavailable": (
        503,
        "Requests of this kind are refused while they cannot be counted.",
    ),
    "overloaded": (503, "There is too much to do right now."),
    "service_unavailable": (503, "A part of the system is not answering."),
    "deadline_exceeded": (504, "The request took too long."),
}
_OF_KEYS = ("idempotency_key_malformed", "idempotency_key_in_use", "idempotency_key_reused")
_OF_EVERY_CALLER = (
    "request_timeout_invalid",
    "credentials_missing",
    "token_expired",
    "token_invalid",
    "api_key_invalid",
    "api_key_expired",
    "api_key_revoked",
    "principal_unknown",
    "issuer_unavailable",
    "network_not_allowed",
    "rate_limited",
)
_OF_EVERY_SERVICE = ("overloaded", "service_unavailable", "deadline_exceeded")


KEY_PARAMETER: Mapping[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same for each attempt to send this one request, which is then done once."
    " 24 hours long it gets the response that it got first, with `Idempotency-Replayed: true`."
    " A string in quotes, or a bare token such as a UUID.",
    "schema": {"type": "string", "pattern": PATTERN},
    "example": '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
}
Responses = dict[int | str, dict[str, Any]]


def problems(*codes: str, signed_in: bool = True) -> Responses:
    """The `responses` of an operation that can fail with `codes`, and as every other can."""
    every = (*_OF_EVERY_CALLER, *_OF_EVERY_SERVICE) if signed_in else _OF_EVERY_SERVICE
    return _with(codes + every, {})


def with_key_problems(responses: Responses | None) -> Responses:
    """The same `responses`, and those that an idempotency key may bring."""
    return _with(_OF_KEYS, copy.deepcopy(responses or {}))


def _with(codes: Iterable[str], responses: Responses) -> Responses:
    for code in codes:
        status, detail = _DETAILS[code]
        response = responses.setdefault(status, problem_response(status, {}))
        examples = response["content"][PROBLEM_MEDIA_TYPE]["examples"]
        examples[code] = {"value": _example(status, code, detail)}
    return responses


def problem_response(status: int, details: Mapping[str, str]) -> dict[str, Any]:
    """With an example of each code."""
    schema = {"$ref": "#/components/schemas/Problem"}
    examples = {code: {"value": _example(status, code, detail)} for code, detail in details.items()}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {PROBLEM_MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def _example(status: int, code: str, detail: str) -> dict[str, Any]:
    return {
        "type": f"urn:clientsphere:error:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": "req_5f0c1d2e3b4a59687766554d",
    }
