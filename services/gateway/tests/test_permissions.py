"""The table of roles: what each may do, and whose keys it manages."""

from __future__ import annotations

import pytest

from clientsphere_common.errors import PermissionDeniedError
from gateway.permissions import (
    MANAGED_ROLES,
    ROLE_PERMISSIONS,
    Permission,
    Role,
    permissions_of,
    require,
    require_management_of,
)


class TestTheTable:
    def test_knows_every_role(self) -> None:
        assert set(ROLE_PERMISSIONS) == set(MANAGED_ROLES) == set(Role)

    def test_owners_may_do_everything(self) -> None:
        assert ROLE_PERMISSIONS[Role.OWNER] == frozenset(Permission)

    def test_each_role_may_do_all_that_the_one_below_it_may(self) -> None:
        owner, admin, editor, viewer = (
            ROLE_PERMISSIONS[role] for role in (Role.OWNER, Role.ADMIN, Role.EDITOR, Role.VIEWER)
        )
        assert owner >= admin > editor > viewer

    def test_viewers_change_nothing(self) -> None:
        assert ROLE_PERMISSIONS[Role.VIEWER] == {
            Permission.KNOWLEDGE_BASES_READ,
            Permission.DOCUMENTS_READ,
            Permission.SEARCH,
            Permission.CHAT,
        }

    def test_auditors_see_the_trail_and_no_document(self) -> None:
        assert ROLE_PERMISSIONS[Role.AUDITOR] == {Permission.AUDIT_READ}

    def test_nobody_manages_a_role_that_may_do_more(self) -> None:
        for role, managed in MANAGED_ROLES.items():
            assert all(ROLE_PERMISSIONS[one] <= ROLE_PERMISSIONS[role] for one in managed)

    def test_only_owners_manage_owners(self) -> None:
        assert [role for role in Role if Role.OWNER in MANAGED_ROLES[role]] == [Role.OWNER]


class TestRequire:
    def test_what_a_role_may_do_passes(self) -> None:
        require(("viewer",), Permission.CHAT)

    def test_what_no_role_may_do_is_denied_by_name(self) -> None:
        with pytest.raises(PermissionDeniedError, match="documents:write") as refused:
            require(("viewer", "auditor"), Permission.DOCUMENTS_WRITE)
        assert refused.value.code == "permission_denied"

    def test_several_roles_add_up(self) -> None:
        assert permissions_of(("viewer", "auditor")) > permissions_of(("auditor",))

    def test_no_role_may_do_nothing(self) -> None:
        assert permissions_of(()) == frozenset()


class TestRequireManagementOf:
    def test_an_admin_manages_admins(self) -> None:
        require_management_of(Role.ADMIN, ("admin",))

    def test_an_admin_does_not_manage_owners(self) -> None:
        with pytest.raises(PermissionDeniedError) as refused:
            require_management_of(Role.OWNER, ("admin",))
        assert refused.value.code == "role_above_own"
