"""Lets a request through: who is it, is it one too many, may they do this."""

from __future__ import annotations

import structlog
from fastapi import Request

from clientsphere_common.access.enforcement import require
from clientsphere_common.access.model import Access
from clientsphere_common.errors import PermissionDeniedError, UnauthenticatedError
from clientsphere_common.request import Caller, set_caller
from gateway.api.dependencies import services_of
from gateway.api.session_cookies import session_secret
from gateway.limit_rules import RouteClass
from gateway.limits import Admission, Visit
from gateway.middleware.request_limits import address_of, admissions_of, tell_limits
from gateway.spending import set_spending


async def admit(request: Request, access: Access, route_class: RouteClass) -> None:
    """Make the request act for its caller. Raises what stands in the way."""
    limits, address = services_of(request).limits, address_of(request.scope)
    visit = Visit(address.network, route_class)
    try:
        caller = await _caller(request, address.text)
    except (UnauthenticatedError, PermissionDeniedError):
        _note(request, await limits.admit_stranger(visit))
        raise
    _act_for(caller)
    _note(request, await limits.admit_caller(caller, visit))
    require(caller, access)


async def admit_stranger(request: Request, route_class: RouteClass) -> None:
    """Count a request before its credential is looked at. Raises LimitExceededError."""
    visit = Visit(address_of(request.scope).network, route_class)
    _note(request, await services_of(request).limits.admit_stranger(visit))


def require_operator(request: Request) -> None:
    services_of(request).authentication.require_operator(_credential(request))


async def enter(request: Request, caller: Caller) -> None:
    """Act for `caller`, who came in as a stranger. Raises LimitExceededError."""
    _act_for(caller)
    _note(request, await services_of(request).limits.admit_known_visit(caller))


def _act_for(caller: Caller) -> None:
    set_caller(caller)
    structlog.contextvars.bind_contextvars(tenant=caller.tenant_id, principal=caller.principal_id)


def _note(request: Request, admission: Admission) -> None:
    admissions = admissions_of(request.scope)
    admissions.append(admission)
    set_spending(admission.spending)
    tell_limits(request.scope, [one for each in admissions for one in each.standings])
    admission.require()


async def _caller(request: Request, address: str) -> Caller:
    """Whom the credential stands for; a session counts where there is no other."""
    services = services_of(request)
    if "authorization" not in request.headers and (secret := session_secret(request)):
        return await services.sessions.caller(secret)
    return await services.authentication.caller(_credential(request), address)


def _credential(request: Request) -> str:
    headers = request.headers.getlist("authorization")
    scheme, _, credential = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not credential.strip(" "):
        raise UnauthenticatedError(
            "credentials_missing",
            "Send one header: Authorization: Bearer <access token or API key>.",
        )
    return credential.strip(" ")
