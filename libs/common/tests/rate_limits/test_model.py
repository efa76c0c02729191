"""Rates as whole microseconds, and names of what is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clientsphere_common.rate_limits.model import Bucket, RateLimit

TEXTS = st.text(alphabet="ab:%3A", max_size=4)
BUCKETS = st.builds(lambda name, key: Bucket(RateLimit(name, 60, 1), key), TEXTS, TEXTS)


class TestRateLimit:
    @given(per_minute=st.integers(1, 60_000_000))
    def test_rounding_never_admits_more(self, per_minute: int) -> None:
        assert RateLimit("one", per_minute, 1).interval_us * per_minute >= 60_000_000

    def test_a_rate_that_divides_the_minute_is_kept_exactly(self) -> None:
        assert RateLimit("one", 240, 1).interval_us == 250_000


class TestBucket:
    @given(one=BUCKETS, other=BUCKETS)
    def test_two_never_share_a_path(self, one: Bucket, other: Bucket) -> None:
        assert (one.path == other.path) is (one == other)
