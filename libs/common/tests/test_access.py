"""The access table: complete, without contradictions, and what it says of each role."""

from __future__ import annotations

import pytest

from clientsphere_common.access.enforcement import require
from clientsphere_common.access.model import Entry, Permission, Role, Row
from clientsphere_common.access.table import (
    METHOD_ACCESS,
    ROLE_PERMISSIONS,
    ROUTE_ACCESS,
    TABLE,
    route_access,
)
from clientsphere_common.errors import PermissionDeniedError
from clientsphere_common.request import Caller
from clientsphere_common.rpc.methods import method_names

READING = {
    Permission.KNOWLEDGE_BASES_READ,
    Permission.DOCUMENTS_READ,
    Permission.SEARCH,
    Permission.CHAT,
}
EDITING = READING | {
    Permission.KNOWLEDGE_BASES_WRITE,
    Permission.KNOWLEDGE_BASES_DELETE,
    Permission.DOCUMENTS_WRITE,
    Permission.DOCUMENTS_DELETE,
}


class TestTheTable:
    def test_has_one_row_for_each_way_in(self) -> None:
        assert [row.access for row in TABLE] == list(dict.fromkeys(row.access for row in TABLE))
        assert {row.access for row in TABLE} == {*Entry, *Permission}

    def test_has_every_grpc_method_and_no_other(self) -> None:
        assert METHOD_ACCESS.keys() == method_names()

    def test_opens_something_with_every_permission_but_the_one_that_widens_others(self) -> None:
        assert set(Permission) - set(ROUTE_ACCESS.values()) == {Permission.DOCUMENTS_READ_ALL}

    def test_leaves_no_grpc_method_to_the_public_or_to_the_operator(self) -> None:
        for method, ways_in in METHOD_ACCESS.items():
            assert not {Entry.PUBLIC, Entry.OPERATOR} & set(ways_in), method

    def test_cannot_say_two_things_of_one_route(self) -> None:
        rows = [Row(Entry.PUBLIC, routes=("GET /x",)), Row(Permission.CHAT, routes=("GET /x",))]
        with pytest.raises(ValueError, match="GET /x is twice"):
            route_access(rows)


class TestRoles:
    def test_owners_may_do_everything(self) -> None:
        assert ROLE_PERMISSIONS[Role.OWNER] == frozenset(Permission)

    def test_admins_may_do_all_that_owners_may_but_manage_owners(self) -> None:
        assert ROLE_PERMISSIONS[Role.ADMIN] == ROLE_PERMISSIONS[Role.OWNER]

    def test_editors_change_documents_and_no_access(self) -> None:
        assert ROLE_PERMISSIONS[Role.EDITOR] == EDITING

    def test_viewers_change_nothing(self) -> None:
        assert ROLE_PERMISSIONS[Role.VIEWER] == READING

    def test_auditors_see_the_trail_and_no_document(self) -> None:
        assert ROLE_PERMISSIONS[Role.AUDITOR] == {Permission.AUDIT_READ}


class TestRequire:
    def test_one_of_several_ways_in_is_enough(self) -> None:
        caller = Caller("tnt_a", "key_a", permissions=frozenset({"chat"}))
        require(caller, Permission.SEARCH, Permission.CHAT)

    def test_whoever_is_signed_in_passes_where_that_is_all_that_is_asked(self) -> None:
        require(Caller("tnt_a", "key_a"), Entry.SIGNED_IN)

    def test_a_role_alone_opens_nothing(self) -> None:
        owner_by_name = Caller("tnt_a", "key_a", ("owner",))
        with pytest.raises(PermissionDeniedError, match="search or chat") as refused:
            require(owner_by_name, Permission.SEARCH, Permission.CHAT)
        assert refused.value.code == "permission_denied"
