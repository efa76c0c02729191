"""Holds a caller to the access table."""

from __future__ import annotations

from clientsphere_common.access.model import Access, Entry
from clientsphere_common.errors import PermissionDeniedError
from clientsphere_common.request import Caller


def require(caller: Caller, *ways_in: Access) -> None:
    """Raise PermissionDeniedError unless `caller`, who is signed in, has one of `ways_in`."""
    if Entry.SIGNED_IN in ways_in or not caller.permissions.isdisjoint(ways_in):
        return
    names = " or ".join(way_in.value for way_in in ways_in)
    raise PermissionDeniedError("permission_denied", f"This needs the permission {names}.")
