"""The cookies of people who sign in with a browser, and when a session counts as a credential."""

from __future__ import annotations

from fastapi import Request, Response

from clientsphere_common.errors import PermissionDeniedError
from gateway.api.dependencies import services_of

# The prefix has browsers take these from this host alone, over TLS alone.
SESSION_COOKIE = "__Host-clientsphere_session"
SIGN_IN_COOKIE = "__Host-clientsphere_sign_in"


def session_secret(request: Request) -> str:
    """What the browser's session cookie holds; empty when there is none.

    Raises PermissionDeniedError for a change that a page of another origin may have asked for.
    """
    origin = services_of(request).sessions.policy.origin
    secret = cookie(request, SESSION_COOKIE)
    if origin is None or not secret:
        return ""
    if request.method != "GET" and not _is_from(request, origin):
        raise PermissionDeniedError(
            "foreign_origin", "With a session, only pages of this address may do this."
        )
    return secret


def cookie(request: Request, name: str) -> str:
    """The value of the one cookie of that name; empty when there is none, or are several."""
    pairs = [
        pair.strip(" ").partition("=")
        for header in request.headers.getlist("cookie")
        for pair in header.split(";")
    ]
    values = [value for found, _, value in pairs if found == name]
    return values[0] if len(values) == 1 else ""


def set_cookie(response: Response, name: str, secret: str, max_age_s: int) -> None:
    """Lax and not strict: the browser comes back from another site, and follows links from them."""
    response.set_cookie(
        name, secret, max_age=max_age_s, path="/", secure=True, httponly=True, samesite="lax"
    )


def delete_cookie(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def _is_from(request: Request, origin: str) -> bool:
    """Browsers send `Origin` with every change, and let no page write it."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    return request.headers.getlist("origin") == [origin] and site == "same-origin"
