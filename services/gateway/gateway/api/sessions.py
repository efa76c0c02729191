"""/v1/sessions and /v1/session: who is signed in with a browser, and how that ends."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from clientsphere_common.errors import UnauthenticatedError
from clientsphere_common.paging import Page
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheCaller, TheServices, lookup_id
from gateway.api.paging import ThePage
from gateway.api.problem_docs import problems
from gateway.api.schemas.sign_in import SessionBody, SessionList
from gateway.api.session_cookies import SESSION_COOKIE, delete_cookie, session_secret

router = APIRouter(prefix="/v1", tags=["Credentials"], route_class=GuardedRoute)


@router.delete(
    "/session",
    status_code=204,
    summary="Sign out",
    responses=problems("session_missing", "session_ended", "foreign_origin"),
)
async def sign_out(request: Request, response: Response, services: TheServices) -> None:
    """Ends the session of the browser that asks, at once."""
    secret = session_secret(request)
    if not secret:
        raise UnauthenticatedError(
            "session_missing", "This ends the session of a browser, and there is none."
        )
    await services.sessions.sign_out(secret)
    delete_cookie(response, SESSION_COOKIE)


@router.get(
    "/sessions",
    summary="List who is signed in with a browser",
    responses=problems("invalid_request", "invalid_page_token", "permission_denied"),
    response_model=SessionList,
)
async def list_sessions(
    services: TheServices, caller: TheCaller, page: ThePage
) -> Page[SessionBody]:
    """The tenant's, newest first, a page at a time."""
    return (await services.sessions.page(caller, page)).of(SessionBody.of)


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    summary="End a session",
    responses=problems(
        "permission_denied", "permissions_above_own", "role_above_own", "session_not_found"
    ),
)
async def revoke_session(session_id: str, services: TheServices, caller: TheCaller) -> None:
    """It ends within five seconds. Whoever had it can sign in again: that is their issuer's say."""
    await services.sessions.revoke(caller, lookup_id(session_id))
