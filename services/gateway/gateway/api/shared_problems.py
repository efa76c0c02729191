"""The problems that any operation can answer with, documented once for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.api.problem_docs import problem_response
from gateway.problems import plain_problems

_OF_DEPENDENCIES: Mapping[str, tuple[int, str]] = {
    "value_not_storable": (
        400,
        "A value is too long or has characters that cannot be stored.",
    ),
    "message_too_large": (413, "The request, or its answer, is too large to be passed on."),
    "internal": (500, "Something went wrong on our side."),
    "object_damaged": (500, "The stored file is damaged."),
    "ciphertext_refused": (500, "What was stored was not encrypted for this tenant."),
    "reply_damaged": (500, "The stored reply is damaged."),
    "circuit_open": (503, "The index has stopped answering; calls to it wait a moment."),
    "database_unavailable": (503, "The database is not answering."),
    "database_login_refused": (503, "The database does not let this service in."),
    "database_not_migrated": (
        503,
        "The tables have not been migrated yet: run `clientsphere migrate`.",
    ),
    "embedding_incomplete": (503, "The embedding model did not give one vector per text."),
    "embedding_not_a_direction": (503, "The embedding model gave a vector without direction."),
    "embedding_shape_unexpected": (
        503,
        "The embedding model gave 768 numbers instead of 384.",
    ),
    "event_log_unavailable": (503, "The event log is not available."),
    "index_unavailable": (503, "The search index did not answer. Please try again."),
    "objects_unavailable": (503, "The object store is not answering."),
    "objects_not_writable": (503, "The folder of stored files cannot be written to."),
    "overloaded": (503, "There is too much to do right now."),
    "redis_denied": (503, "Redis does not let us in."),
    "redis_unavailable": (503, "Redis does not answer."),
    "root_key_unusable": (503, "The root of the tenants' keys cannot be read."),
    "secret_stale": (503, "The secret api_key_pepper was last confirmed 700 s ago."),
    "secret_unreadable": (503, "The secret api_key_pepper has no text in its field `value`."),
    "secret_unusable": (503, "The secret signing_key does not hold a key."),
    "service_not_ready": (503, "retrieval is not ready."),
    "service_outdated": (503, "A part of the system does not know this yet."),
    "service_overloaded": (503, "A part of the system has too much to do."),
    "service_stopping": (503, "The service is stopping."),
    "service_unavailable": (503, "A part of the system is not answering."),
    "too_many_calls": (503, "Too many calls to the index are waiting already."),
    "vault_credential_missing": (503, "The token, which proves us to Vault, cannot be read."),
    "vault_denied": (503, "Vault refused to encrypt: the role of this service does not allow it."),
    "vault_key_missing": (503, "Vault does not have the key of this tenant."),
    "vault_unavailable": (503, "Vault did not encrypt: it cannot be reached or is not ready."),
}
_NAMES: Mapping[int, str] = {
    400: "BadRequest",
    404: "NoSuchPath",
    405: "MethodNotAllowed",
    408: "RequestTimeout",
    413: "ContentTooLarge",
    414: "UriTooLong",
    431: "HeadersTooLarge",
    500: "InternalError",
    503: "Unavailable",
}
_OF_FIELDS = "invalid_request"
"""Stands with each operation that has fields."""


def shared_responses() -> dict[str, dict[str, Any]]:
    """By their names among the components of the document."""
    shared = {code: told for code, told in plain_problems().items() if code != _OF_FIELDS}
    responses: dict[str, dict[str, Any]] = {}
    for status, name in _NAMES.items():
        told = {
            code: detail
            for code, (its_status, detail) in {**shared, **_OF_DEPENDENCIES}.items()
            if its_status == status
        }
        responses[name] = problem_response(status, told)
    return responses
