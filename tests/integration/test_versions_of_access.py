"""The gateway tells the version of an access, ingestion compares it: both must mean the same."""

from __future__ import annotations

import pytest

import gateway.model.access
import ingestion.model
from clientsphere_common.access.audience import EVERYONE, Audience, audience
from clientsphere_common.versions import version_of

HR = audience(["hr"], ["key_1"])


@pytest.mark.parametrize("readers", [EVERYONE, HR, audience((), ())])
@pytest.mark.parametrize("editors", [EVERYONE, HR])
def test_both_services_have_one_version_for_one_access(
    readers: Audience, editors: Audience
) -> None:
    told = gateway.model.access.KnowledgeBaseAccess(readers, editors)
    kept = ingestion.model.KnowledgeBaseAccess(readers, editors)
    assert version_of(told) == version_of(kept)
