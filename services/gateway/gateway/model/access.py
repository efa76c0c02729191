"""Who may read and edit knowledge bases and documents, as the gateway shows it."""

from __future__ import annotations

from dataclasses import dataclass

from clientsphere_common.access.audience import EVERYONE, Audience


@dataclass(frozen=True)
class KnowledgeBaseAccess:
    readers: Audience = EVERYONE
    editors: Audience = EVERYONE


@dataclass(frozen=True)
class DocumentAccess:
    readers: Audience
