"""The hash chain of a tenant's audit trail, checkable by anyone who holds its events."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

GENESIS_HASH = "0" * 64
"""What the first event of a chain names as the hash before it."""


@dataclass(frozen=True)
class ChainLink:
    sequence: int
    """Counts from 1 without gaps."""
    event_id: str
    event: Mapping[str, object]
    """The event's fields: strings, whole numbers, and maps of strings."""
    previous_hash: str
    hash: str


class BrokenChainError(Exception):
    """The events do not form the chain they claim to form; the message names the first bad one."""


def link_hash(previous_hash: str, sequence: int, event_id: str, event: Mapping[str, object]) -> str:
    """SHA-256, hexadecimal, over the previous hash, the sequence, the id and the event's JSON.

    Each part is preceded by its length in 8 bytes, big-endian, so that no two different lists of
    parts give the same input. The JSON has sorted keys and no spaces, as in RFC 8785 for the
    kinds of value that events hold.
    """
    digest = hashlib.sha256()
    for part in (previous_hash, str(sequence), event_id, canonical_json(event)):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def canonical_json(event: Mapping[str, object]) -> str:
    return json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def verify_chain(links: Iterable[ChainLink], head_sequence: int, head_hash: str) -> int:
    """The number of events in an unbroken chain from the first event to the head.

    Raises BrokenChainError when an event was changed, removed, added or moved, or when the chain
    does not end at the head.
    """
    previous_hash, sequence = GENESIS_HASH, 0
    for link in links:
        sequence += 1
        expected = link_hash(previous_hash, sequence, link.event_id, link.event)
        if (link.sequence, link.previous_hash, link.hash) != (sequence, previous_hash, expected):
            raise BrokenChainError(f"event {sequence} is not what was recorded")
        previous_hash = expected
    if sequence != head_sequence:
        raise BrokenChainError(f"the chain ends at event {sequence}, its head at {head_sequence}")
    if sequence and previous_hash != head_hash:
        raise BrokenChainError("the chain does not end in the hash of its head")
    return sequence
