"""Names of cached values: made of a tenant and parts, and never the same for two keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientsphere_common.cache.model import CacheKey

WORDS = st.text(alphabet=st.sampled_from("ab:%3A\x00*ä"), max_size=4)
KEYS = st.builds(
    CacheKey,
    st.text(alphabet="ab:%", min_size=1, max_size=3),
    st.lists(WORDS, min_size=1, max_size=3).map(tuple),
)


class TestCacheKey:
    @given(one=KEYS, other=KEYS)
    def test_two_keys_never_share_a_path(self, one: CacheKey, other: CacheKey) -> None:
        assert (one.path == other.path) is (one == other)

    def test_begins_with_its_tenant(self) -> None:
        assert CacheKey("tnt_a", ("question-vector", "ab")).path == "tnt_a:question-vector:ab"

    @pytest.mark.parametrize(("tenant_id", "parts"), [("", ("a",)), ("tnt_a", ())])
    def test_cannot_be_made_without_a_tenant_or_a_part(
        self, tenant_id: str, parts: tuple[str, ...]
    ) -> None:
        with pytest.raises(ValueError, match="needs a tenant and a part"):
            CacheKey(tenant_id, parts)
