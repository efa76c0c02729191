"""Keys of objects: whose they are, and what is none."""

from __future__ import annotations

import pytest

from clientsphere_common.objects.keys import checked_key, tenant_key, tenant_of


class TestTenantKey:
    def test_begins_with_the_tenant(self) -> None:
        assert tenant_key("tnt_a", "obj_1") == "tnt_a/obj_1"
        assert tenant_of(tenant_key("tnt_a", "folder/obj_1")) == "tnt_a"

    @pytest.mark.parametrize("tenant_id", ["", "tnt_a/tnt_b", "/", "..", ".", "tnt a"])
    def test_what_is_no_tenant_has_no_keys(self, tenant_id: str) -> None:
        with pytest.raises(ValueError, match=r"no tenant|not an object key"):
            tenant_key(tenant_id, "obj_1")

    @pytest.mark.parametrize("name", ["", "/", "../tnt_b/obj_1", "a//b", "a/../b", ".hidden", "a/"])
    def test_no_name_leads_out_of_the_tenant(self, name: str) -> None:
        with pytest.raises(ValueError, match="not an object key"):
            tenant_key("tnt_a", name)


class TestCheckedKey:
    @pytest.mark.parametrize("key", ["a", "tnt_1/doc-2.text", "a/b/c"])
    def test_is_the_key_itself(self, key: str) -> None:
        assert checked_key(key) == key

    @pytest.mark.parametrize("key", ["", "a b", "/a", "a/", "a\n", "\u00e4", "a\\b", "a/.b"])
    def test_other_words_are_refused(self, key: str) -> None:
        with pytest.raises(ValueError, match="not an object key"):
            checked_key(key)
