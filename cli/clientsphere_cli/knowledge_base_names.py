"""Knowledge bases as people name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from clientsphere_cli.client import Client
from clientsphere_cli.failures import CliError
from clientsphere_cli.model.library import KnowledgeBase

KnowledgeBaseOption = Annotated[
    str | None,
    typer.Option("--knowledge-base", "-k", metavar="NAME", help="Name or id."),
]
KnowledgeBasesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--knowledge-base", "-k", metavar="NAME", help="Name or id; may be given several times."
    ),
]


async def find_knowledge_base(client: Client, name_or_id: str) -> KnowledgeBase:
    """Raises CliError that says which ones there are, or which ones share the name."""
    known = await client.knowledge_bases()
    meant = [one for one in known if name_or_id in (one.id, one.name)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        # Who made the second one does not see the first.
        ids = ", ".join(one.id for one in meant)
        raise CliError(f"There are several knowledge bases {name_or_id!r}: say which. {ids}")
    names = ", ".join(repr(one.name) for one in known) or "none yet"
    raise CliError(f"There is no knowledge base {name_or_id!r}. There are: {names}.")


async def knowledge_base_id(client: Client, name_or_id: str | None) -> str | None:
    """None stays None: the server's choice."""
    return (await find_knowledge_base(client, name_or_id)).id if name_or_id else None


async def knowledge_base_ids(client: Client, names_or_ids: Sequence[str] | None) -> Sequence[str]:
    return [(await find_knowledge_base(client, one)).id for one in names_or_ids or ()]
