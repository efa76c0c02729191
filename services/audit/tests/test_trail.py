"""The trail as its tenants and their auditors meet it, kept in real tables."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from audit.model import AuditEvent, Head, TrailChoice
from audit.trail import AuditTrail
from clientsphere_common.errors import InvalidInputError
from clientsphere_common.hash_chain import ChainLink, verify_chain
from clientsphere_common.paging import Page
from clientsphere_common.request import Caller

AUDITOR = Caller("tnt_a", "usr_auditor", ("auditor",))
STRANGER = Caller("tnt_b", "usr_stranger", ("owner",))
UPLOADED = AuditEvent(
    event_id="evt_1",
    action="document.uploaded",
    principal_id="usr_1",
    target_type="document",
    target_id="doc_1",
    outcome="succeeded",
    occurred_at_ms=1_700_000_000_000,
    request_id="req_1",
    details={"name": "Überblick.pdf", "version": "2"},
)


def uploaded(number: int) -> AuditEvent:
    return replace(UPLOADED, event_id=f"evt_{number}", target_id=f"doc_{number}")


async def record(trail: AuditTrail, count: int) -> None:
    for number in range(1, count + 1):
        await trail.record("tnt_a", uploaded(number))


async def chain(trail: AuditTrail, caller: Caller) -> list[ChainLink]:
    return [
        ChainLink(one.sequence, one.event.event_id, one.event.facts(), one.previous_hash, one.hash)
        for one in (await trail.page(caller, TrailChoice(), 1000)).items
    ]


async def sequences(
    trail: AuditTrail, after_sequence: int = 0, page_size: int = 0, action: str = ""
) -> list[int]:
    page = await trail.page(AUDITOR, TrailChoice(after_sequence, action), page_size)
    return [link.sequence for link in page.items]


class TestRecord:
    async def test_an_event_comes_back_exactly_as_it_was_recorded(self, trail: AuditTrail) -> None:
        await trail.record("tnt_a", UPLOADED)
        (link,) = (await trail.page(AUDITOR, TrailChoice(), 0)).items
        assert link.event == UPLOADED

    async def test_what_was_recorded_is_an_unbroken_chain_that_ends_at_the_head(
        self, trail: AuditTrail
    ) -> None:
        await record(trail, 5)
        head = await trail.head(AUDITOR)
        assert verify_chain(await chain(trail, AUDITOR), head.sequence, head.hash) == 5

    async def test_an_event_delivered_again_changes_nothing(self, trail: AuditTrail) -> None:
        await record(trail, 3)
        before = await trail.head(AUDITOR)
        await record(trail, 3)
        assert await trail.head(AUDITOR) == before
        assert await sequences(trail) == [1, 2, 3]

    async def test_deliveries_at_the_same_time_do_not_fork_the_chain(
        self, trail: AuditTrail
    ) -> None:
        deliveries = [uploaded(number) for number in range(15)] * 2
        await asyncio.gather(*(trail.record("tnt_a", event) for event in deliveries))
        head = await trail.head(AUDITOR)
        assert verify_chain(await chain(trail, AUDITOR), head.sequence, head.hash) == 15

    async def test_each_tenant_has_a_chain_of_its_own(self, trail: AuditTrail) -> None:
        await trail.record("tnt_a", uploaded(1))
        await trail.record("tnt_b", uploaded(1))
        await trail.record("tnt_b", uploaded(2))
        for caller, count in ((AUDITOR, 1), (STRANGER, 2)):
            head = await trail.head(caller)
            assert verify_chain(await chain(trail, caller), head.sequence, head.hash) == count

    @pytest.mark.parametrize(
        "event", [replace(UPLOADED, action=""), replace(UPLOADED, outcome="maybe")]
    )
    async def test_an_event_that_does_not_say_what_happened_is_refused(
        self, trail: AuditTrail, event: AuditEvent
    ) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await trail.record("tnt_a", event)
        assert refused.value.code == "invalid_audit_event"
        assert await trail.head(AUDITOR) == Head()


class TestHead:
    async def test_before_the_first_event_there_is_none(self, trail: AuditTrail) -> None:
        assert await trail.head(AUDITOR) == Head(sequence=0, hash="")

    async def test_is_the_newest_link(self, trail: AuditTrail) -> None:
        await record(trail, 3)
        newest = (await trail.page(AUDITOR, TrailChoice(2), 0)).items[0]
        assert await trail.head(AUDITOR) == Head(3, newest.hash)

    async def test_a_tenant_learns_nothing_of_another(self, trail: AuditTrail) -> None:
        await record(trail, 3)
        assert await trail.head(STRANGER) == Head()
        assert await trail.page(STRANGER, TrailChoice(), 0) == Page(())


class TestLinks:
    async def test_come_in_the_order_of_their_sequence(self, trail: AuditTrail) -> None:
        await record(trail, 12)
        assert await sequences(trail) == list(range(1, 13))

    async def test_a_page_goes_on_after_the_one_before(self, trail: AuditTrail) -> None:
        await record(trail, 5)
        assert await sequences(trail, page_size=2) == [1, 2]
        assert await sequences(trail, after_sequence=2, page_size=2) == [3, 4]
        assert await sequences(trail, after_sequence=4, page_size=2) == [5]
        assert await sequences(trail, after_sequence=5, page_size=2) == []

    async def test_a_page_has_100_links_unless_told_otherwise(self, trail: AuditTrail) -> None:
        await record(trail, 101)
        assert len(await sequences(trail)) == 100
        assert len(await sequences(trail, page_size=1000)) == 101

    async def test_a_page_leads_to_the_next_for_the_same_question_only(
        self, trail: AuditTrail
    ) -> None:
        await record(trail, 5)
        choice, token, found = TrailChoice(after_sequence=1), "", []
        for _ in range(2):
            page = await trail.page(AUDITOR, choice, 2, token)
            found += [link.sequence for link in page.items]
            token = page.next_page_token or ""
        assert (found, token) == ([2, 3, 4, 5], "")
        token = (await trail.page(AUDITOR, choice, 1)).next_page_token or ""
        for caller, other in ((STRANGER, choice), (AUDITOR, TrailChoice())):
            with pytest.raises(InvalidInputError) as refused:
                await trail.page(caller, other, 2, token)
            assert refused.value.code == "invalid_page_token"

    async def test_can_be_those_of_one_action(self, trail: AuditTrail) -> None:
        await record(trail, 2)
        asked = replace(UPLOADED, event_id="evt_asked", action="question.asked")
        await trail.record("tnt_a", asked)
        assert await sequences(trail, action="question.asked") == [3]
        assert await sequences(trail, action="question.forgotten") == []

    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            (TrailChoice(principal_id="usr_2"), [2]),
            (TrailChoice(principal_id="usr_"), []),
            (TrailChoice(outcome="denied"), [2, 3]),
            (TrailChoice(outcome="denied", action="question.asked"), [3]),
            (TrailChoice(occurred_from_ms=2000), [1, 3]),
            (TrailChoice(occurred_from_ms=2001), [3]),
            (TrailChoice(occurred_before_ms=2000), [2]),
            (TrailChoice(occurred_from_ms=1000, occurred_before_ms=3000), [1, 2]),
            (TrailChoice(after_sequence=1, occurred_before_ms=3000), [2]),
        ],
        ids=str,
    )
    async def test_can_be_those_that_fit_every_filter(
        self, trail: AuditTrail, choice: TrailChoice, expected: list[int]
    ) -> None:
        """The second one came late: it had happened first."""
        for number, changes in enumerate(
            (
                {"occurred_at_ms": 2000},
                {"occurred_at_ms": 1000, "principal_id": "usr_2", "outcome": "denied"},
                {"occurred_at_ms": 3000, "action": "question.asked", "outcome": "denied"},
            )
        ):
            event = replace(UPLOADED, event_id=f"evt_{number}", **changes)  # type: ignore[arg-type] # chosen above
            await trail.record("tnt_a", event)
        page = await trail.page(AUDITOR, choice, 0)
        assert [link.sequence for link in page.items] == expected

    @pytest.mark.parametrize(
        "other",
        [
            TrailChoice(),
            TrailChoice(principal_id="usr_1"),
            TrailChoice(outcome="succeeded"),
            TrailChoice(principal_id="usr_1", outcome="succeeded", occurred_from_ms=0),
            TrailChoice(principal_id="usr_1", outcome="succeeded", occurred_before_ms=2**60),
        ],
        ids=str,
    )
    async def test_are_led_on_to_with_the_same_filters_only(
        self, trail: AuditTrail, other: TrailChoice
    ) -> None:
        await record(trail, 3)
        choice = TrailChoice(principal_id="usr_1", outcome="succeeded")
        token = (await trail.page(AUDITOR, choice, 1)).next_page_token or ""
        assert [link.sequence for link in (await trail.page(AUDITOR, choice, 9, token)).items] == [
            2,
            3,
        ]
        with pytest.raises(InvalidInputError) as refused:
            await trail.page(AUDITOR, other, 9, token)
        assert refused.value.code == "invalid_page_token"

    @pytest.mark.parametrize("page_size", [-1, 1001])
    async def test_a_page_of_an_impossible_size_is_refused(
        self, trail: AuditTrail, page_size: int
    ) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await trail.page(AUDITOR, TrailChoice(), page_size)
        assert refused.value.code == "invalid_page_size"

    async def test_a_negative_sequence_is_refused(self, trail: AuditTrail) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await trail.page(AUDITOR, TrailChoice(-1), 0)
        assert refused.value.code == "invalid_sequence"
