"""What somebody may hand on: keys and roles that can do what they can, and no more."""

from __future__ import annotations

import pytest

from clientsphere_common.access.model import Permission, Role
from clientsphere_common.access.table import ROLE_PERMISSIONS
from clientsphere_common.errors import PermissionDeniedError
from clientsphere_common.request import Caller
from gateway.permissions import require_all, require_management_of


def caller(role: Role) -> Caller:
    return Caller("tnt_a", "key_a", (role.value,), permissions=frozenset(ROLE_PERMISSIONS[role]))


class TestRequireAll:
    def test_what_one_has_passes(self) -> None:
        require_all(caller(Role.VIEWER), {Permission.CHAT, Permission.SEARCH})

    def test_one_permission_too_many_is_denied_by_name(self) -> None:
        with pytest.raises(PermissionDeniedError, match="documents:write") as refused:
            require_all(caller(Role.VIEWER), {Permission.CHAT, Permission.DOCUMENTS_WRITE})
        assert refused.value.code == "permissions_above_own"


class TestRequireManagementOf:
    def test_an_admin_manages_admins(self) -> None:
        require_management_of(caller(Role.ADMIN), Role.ADMIN, ROLE_PERMISSIONS[Role.ADMIN])

    def test_an_admin_does_not_manage_owners_even_with_one_scope(self) -> None:
        with pytest.raises(PermissionDeniedError) as refused:
            require_management_of(caller(Role.ADMIN), Role.OWNER, {Permission.SEARCH})
        assert refused.value.code == "role_above_own"

    def test_an_owner_manages_owners(self) -> None:
        require_management_of(caller(Role.OWNER), Role.OWNER, ROLE_PERMISSIONS[Role.OWNER])

    def test_an_owner_with_scopes_hands_on_no_more_than_those(self) -> None:
        scoped = Caller(
            "tnt_a", "key_a", ("owner",), permissions=frozenset({Permission.API_KEYS_MANAGE})
        )
        with pytest.raises(PermissionDeniedError):
            require_management_of(scoped, Role.OWNER, ROLE_PERMISSIONS[Role.OWNER])
