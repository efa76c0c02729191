"""Who may read and edit knowledge bases and documents."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Audience:
    everyone: bool = False
    groups: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()

    def wish(self) -> dict[str, object]:
        """As the server wants to be told: everyone, or names."""
        if self.everyone:
            return {"everyone": True}
        return {"groups": list(self.groups), "principals": list(self.principals)}

    def __str__(self) -> str:
        if self.everyone:
            return "everyone"
        groups = [f"group {group}" for group in self.groups]
        return ", ".join((*groups, *self.principals)) or "nobody"


@dataclass(frozen=True)
class KnowledgeBaseAccess:
    readers: Audience
    editors: Audience
