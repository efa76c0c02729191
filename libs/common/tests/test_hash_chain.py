"""A chain tells when any of its events was changed, removed, added or moved."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from clientsphere_common.hash_chain import (
    GENESIS_HASH,
    BrokenChainError,
    ChainLink,
    canonical_json,
    link_hash,
    verify_chain,
)


def chain(count: int) -> list[ChainLink]:
    links: list[ChainLink] = []
    previous_hash = GENESIS_HASH
    for sequence in range(1, count + 1):
        event = {"action": "document.uploaded", "occurred_at_ms": sequence, "details": {"n": "ü"}}
        event_id = f"evt_{sequence}"
        digest = link_hash(previous_hash, sequence, event_id, event)
        links.append(ChainLink(sequence, event_id, event, previous_hash, digest))
        previous_hash = digest
    return links


def verify(links: list[ChainLink], head: ChainLink) -> int:
    return verify_chain(links, head.sequence, head.hash)


class TestVerifyChain:
    def test_counts_the_events_of_an_unbroken_chain(self) -> None:
        links = chain(5)
        assert verify(links, links[-1]) == 5

    def test_a_tenant_without_events_has_an_empty_chain(self) -> None:
        assert verify_chain([], 0, "") == 0

    @pytest.mark.parametrize("position", [0, 2, 4])
    def test_a_changed_event_is_named(self, position: int) -> None:
        links = chain(5)
        links[position] = replace(links[position], event={"action": "nothing.happened"})
        with pytest.raises(BrokenChainError, match=f"event {position + 1} "):
            verify(links, links[-1])

    def test_a_changed_event_with_a_new_hash_of_its_own_breaks_the_link_after_it(self) -> None:
        links = chain(5)
        head = links[-1]
        forged = {"action": "nothing.happened"}
        new_hash = link_hash(links[1].previous_hash, 2, "evt_2", forged)
        links[1] = replace(links[1], event=forged, hash=new_hash)
        with pytest.raises(BrokenChainError, match="event 3 "):
            verify(links, head)

    def test_a_chain_rebuilt_from_a_changed_event_does_not_end_in_the_known_head(self) -> None:
        known_head = chain(3)[-1]
        rebuilt = chain(2)
        digest = link_hash(rebuilt[-1].hash, 3, "evt_3", {"action": "nothing.happened"})
        rebuilt.append(
            ChainLink(3, "evt_3", {"action": "nothing.happened"}, rebuilt[-1].hash, digest)
        )
        with pytest.raises(BrokenChainError, match="head"):
            verify(rebuilt, known_head)

    def test_a_removed_event_is_named(self) -> None:
        links = chain(5)
        with pytest.raises(BrokenChainError, match="event 3 "):
            verify(links[:2] + links[3:], links[-1])

    def test_an_event_that_came_twice_is_named(self) -> None:
        links = chain(5)
        with pytest.raises(BrokenChainError, match="event 4 "):
            verify(links[:3] + links[2:], links[-1])

    def test_moved_events_are_named(self) -> None:
        links = chain(5)
        with pytest.raises(BrokenChainError, match="event 2 "):
            verify([links[0], links[2], links[1], *links[3:]], links[-1])

    def test_a_missing_end_is_noticed_by_its_head(self) -> None:
        links = chain(5)
        with pytest.raises(BrokenChainError, match="ends at event 3, its head at 5"):
            verify(links[:3], links[-1])


class TestLinkHash:
    def test_is_sha256_over_length_prefixed_parts(self) -> None:
        parts = [b"prev", b"7", b"evt_1", b'{"action":"a"}']
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        assert link_hash("prev", 7, "evt_1", {"action": "a"}) == hashlib.sha256(framed).hexdigest()

    def test_does_not_depend_on_the_order_of_fields(self) -> None:
        assert link_hash("p", 1, "e", {"a": "1", "b": "2"}) == link_hash(
            "p", 1, "e", {"b": "2", "a": "1"}
        )


class TestCanonicalJson:
    def test_sorts_keys_and_writes_no_spaces_and_no_needless_escapes(self) -> None:
        event = {"b": 1, "a": {"ü": 'quote " and \n'}}
        assert canonical_json(event) == '{"a":{"ü":"quote \\" and \\n"},"b":1}'
