"""Who may hand which permissions on: nobody more than they have themselves."""

from __future__ import annotations

from collections.abc import Iterable

from clientsphere_common.access.model import Role
from clientsphere_common.errors import PermissionDeniedError
from clientsphere_common.request import Caller


def require_all(caller: Caller, permissions: Iterable[str]) -> None:
    """Raise PermissionDeniedError unless `caller` has every one of `permissions`."""
    missing = sorted(set(permissions) - caller.permissions)
    if missing:
        raise PermissionDeniedError(
            "permissions_above_own", f"You do not have the permission {missing[0]} yourself."
        )


def require_management_of(caller: Caller, role: str, permissions: Iterable[str]) -> None:
    """Raise PermissionDeniedError unless `caller` may manage keys of `role` with `permissions`.

    Only owners manage keys of owners, who could otherwise be locked out by an admin.
    """
    if role == Role.OWNER and Role.OWNER not in caller.roles:
        raise PermissionDeniedError(
            "role_above_own", f"Keys of the role {role} are above your own role."
        )
    require_all(caller, permissions)
