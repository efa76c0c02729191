"""How signing in fails: few kinds, so that who tries learns little."""

from __future__ import annotations

from clientsphere_common.errors import (
    DependencyUnavailableError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
)


def sign_in_not_found() -> NotFoundError:
    return NotFoundError("sign_in_not_found", "There is no such sign-in.")


def sign_in_expired() -> InvalidInputError:
    return InvalidInputError(
        "sign_in_expired",
        "This sign-in is over, or was begun in another browser. Please sign in again.",
    )


def sign_in_refused() -> UnauthenticatedError:
    return UnauthenticatedError("sign_in_refused", "The identity provider did not sign you in.")


def sign_in_unproven() -> UnauthenticatedError:
    return UnauthenticatedError(
        "sign_in_unproven", "What the identity provider answered does not prove who you are."
    )


def identity_provider_unavailable() -> DependencyUnavailableError:
    return DependencyUnavailableError(
        "identity_provider_unavailable",
        "The identity provider does not answer as it should.",
        retry_after_s=5,
    )


def session_ended() -> UnauthenticatedError:
    return UnauthenticatedError("session_ended", "The session has ended. Please sign in again.")
