"""Whoever can write to the tables still cannot change the past unnoticed."""

from __future__ import annotations

import pytest

from audit.model import AuditEvent, Head, TrailChoice
from audit.trail import AuditTrail
from clientsphere_common.hash_chain import BrokenChainError, ChainLink, verify_chain
from clientsphere_common.request import Caller
from tests.harness.databases import DatabaseUnderTest

AUDITOR = Caller("tnt_a", "usr_auditor", ("auditor",))


@pytest.fixture
async def recorded(trail: AuditTrail) -> AuditTrail:
    """A trail of five events that verifies."""
    for number in range(1, 6):
        event = AuditEvent(
            event_id=f"evt_{number}",
            action="question.asked",
            principal_id="usr_1",
            target_type="answer",
            target_id=f"ans_{number}",
            outcome="succeeded",
            occurred_at_ms=1_700_000_000_000 + number,
            request_id=f"req_{number}",
            details={"question_sha256": "ab" * 32},
        )
        await trail.record("tnt_a", event)
    assert await verified(trail) == 5
    return trail


async def verified(trail: AuditTrail) -> int:
    head = await trail.head(AUDITOR)
    return verify_chain(await chain(trail), head.sequence, head.hash)


async def chain(trail: AuditTrail) -> list[ChainLink]:
    return [
        ChainLink(one.sequence, one.event.event_id, one.event.facts(), one.previous_hash, one.hash)
        for one in (await trail.page(AUDITOR, TrailChoice(), 1000)).items
    ]


async def first_broken(trail: AuditTrail) -> str:
    with pytest.raises(BrokenChainError) as broken:
        await verified(trail)
    return str(broken.value)


class TestTampering:
    @pytest.mark.parametrize(
        "change",
        [
            "action = 'nothing.happened'",
            "principal_id = 'usr_2'",
            "target_type = 'document'",
            "target_id = 'ans_9'",
            "outcome = 'denied'",
            "occurred_at_ms = occurred_at_ms + 1",
            "request_id = ''",
            "details = '{}'",
            "event_id = 'evt_9'",
            "hash = previous_hash",
            "previous_hash = hash",
        ],
    )
    async def test_an_event_changed_in_any_field_is_named(
        self, recorded: AuditTrail, tables: DatabaseUnderTest, change: str
    ) -> None:
        tables.tamper(f"UPDATE audit_links SET {change} WHERE sequence = 3")
        assert await first_broken(recorded) == "event 3 is not what was recorded"

    async def test_a_deleted_event_is_named(
        self, recorded: AuditTrail, tables: DatabaseUnderTest
    ) -> None:
        tables.tamper("DELETE FROM audit_links WHERE sequence = 2")
        assert await first_broken(recorded) == "event 2 is not what was recorded"

    async def test_a_deleted_event_is_named_when_the_others_close_the_gap(
        self, recorded: AuditTrail, tables: DatabaseUnderTest
    ) -> None:
        tables.tamper(
            "DELETE FROM audit_links WHERE sequence = 2",
            "UPDATE audit_links SET sequence = 2 WHERE sequence = 3",
            "UPDATE audit_links SET sequence = 3 WHERE sequence = 4",
            "UPDATE audit_links SET sequence = 4 WHERE sequence = 5",
        )
        assert await first_broken(recorded) == "event 2 is not what was recorded"

    async def test_an_inserted_event_is_named(
        self, recorded: AuditTrail, tables: DatabaseUnderTest
    ) -> None:
        columns = (
            "tenant_id, action, principal_id, target_type, target_id, outcome, occurred_at_ms,"
            " request_id, details, previous_hash, hash"
        )
        tables.tamper(
            "UPDATE audit_links SET sequence = 6 WHERE sequence = 5",
            f"INSERT INTO audit_links (sequence, event_id, {columns})"
            f" SELECT 5, 'evt_forged', {columns} FROM audit_links WHERE sequence = 4",
        )
        assert await first_broken(recorded) == "event 5 is not what was recorded"

    async def test_events_that_changed_places_are_named(
        self, recorded: AuditTrail, tables: DatabaseUnderTest
    ) -> None:
        tables.tamper(
            "UPDATE audit_links SET sequence = 99 WHERE sequence = 2",
            "UPDATE audit_links SET sequence = 2 WHERE sequence = 4",
            "UPDATE audit_links SET sequence = 4 WHERE sequence = 99",
        )
        assert await first_broken(recorded) == "event 2 is not what was recorded"

    async def test_events_cut_off_at_the_end_are_missed_by_the_head(
        self, recorded: AuditTrail, tables: DatabaseUnderTest
    ) -> None:
        tables.tamper("DELETE FROM audit_links WHERE sequence > 3")
        assert await first_broken(recorded) == "the chain ends at event 3, its head at 5"

    async def test_events_recorded_after_a_cut_do_not_cover_it_up(
        self, recorded: AuditTrail, tables: DatabaseUnderTest
    ) -> None:
        tables.tamper("DELETE FROM audit_links WHERE sequence > 3")
        (link,) = (await recorded.page(AUDITOR, TrailChoice(2), 0)).items
        await recorded.record(
            "tnt_a", link.event.__class__(**{**vars(link.event), "event_id": "n"})
        )
        assert await first_broken(recorded) == "event 4 is not what was recorded"

    async def test_a_head_moved_back_with_the_cut_differs_from_the_copy_of_an_auditor(
        self, recorded: AuditTrail, tables: DatabaseUnderTest
    ) -> None:
        copy = await recorded.head(AUDITOR)
        tables.tamper(
            "DELETE FROM audit_links WHERE sequence > 3",
            "UPDATE audit_heads SET sequence = 3,"
            " hash = (SELECT hash FROM audit_links WHERE sequence = 3)",
        )
        assert await verified(recorded) == 3
        assert await recorded.head(AUDITOR) == Head(3, (await chain(recorded))[-1].hash)
        with pytest.raises(BrokenChainError, match="its head at 5"):
            verify_chain(await chain(recorded), copy.sequence, copy.hash)
