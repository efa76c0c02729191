"""The text of an API key: random enough, and recognised before anything is looked up."""

from __future__ import annotations

import re
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientsphere_common.errors import UnauthenticatedError
from gateway.key_format import key_parts, new_key, new_lookup_id

SHAPE = re.compile(r"cs_live_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}")


def fresh_key() -> str:
    return new_key(new_lookup_id(secrets.token_bytes(64)), secrets.token_bytes(64))


class TestNewKey:
    def test_has_the_shape_that_secret_scanners_look_for(self) -> None:
        assert SHAPE.fullmatch(fresh_key())

    def test_a_thousand_keys_share_neither_id_nor_secret(self) -> None:
        parts = [key_parts(fresh_key()) for _ in range(1000)]
        assert len({lookup_id for lookup_id, _ in parts}) == 1000
        assert len({secret for _, secret in parts}) == 1000

    def test_every_letter_and_digit_occurs_about_as_often_as_the_others(self) -> None:
        text = "".join(key_parts(fresh_key())[1] for _ in range(1000))
        counts = [text.count(character) for character in set(text)]
        assert len(counts) == 62
        assert max(counts) < 1.4 * min(counts)

    def test_the_same_entropy_makes_the_same_key(self) -> None:
        assert new_key("AAAAAAAA", b"entropy" * 9) == new_key("AAAAAAAA", b"entropy" * 9)


class TestKeyParts:
    def test_the_checksum_never_changes_its_meaning(self) -> None:
        key = f"cs_live_AAAAAAAA_{'B' * 43}_0j2ofU"
        assert key_parts(key) == ("AAAAAAAA", "B" * 43)

    @pytest.mark.parametrize("place", range(8, 67))
    def test_any_changed_character_is_found(self, place: int) -> None:
        key = fresh_key()
        changed = key[:place] + ("x" if key[place] != "x" else "y") + key[place + 1 :]
        with pytest.raises(UnauthenticatedError):
            key_parts(changed)

    @given(st.text(max_size=100) | st.from_regex(SHAPE, fullmatch=True))
    def test_text_that_is_no_key_is_refused(self, text: str) -> None:
        with pytest.raises(UnauthenticatedError) as refused:
            key_parts(text)
        assert refused.value.code == "api_key_invalid"
