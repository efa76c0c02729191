"""What endpoints ask for beside their parameters: the services and the caller."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Request

from clientsphere_common.request import Caller, current_caller
from gateway.services import Services

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ID_OF_NOTHING = "-"


def services_of(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)  # noqa: S101 - put there by create_app
    return services


# Coroutines, although they wait for nothing: plain functions would be sent to a thread.
async def _services(request: Request) -> Services:
    return services_of(request)


async def _caller() -> Caller:
    return current_caller()


TheServices = Annotated[Services, Depends(_services)]
TheCaller = Annotated[Caller, Depends(_caller)]


def lookup_id(written: str) -> str:
    """The id to look up for what a client wrote.

    A malformed id names nothing, so it is looked up as one that cannot exist: its answer is the
    same, to the byte, as that to an id of another tenant.
    """
    return written if _ID.fullmatch(written) else _ID_OF_NOTHING
