"""Tables of what a tenant has: documents, knowledge bases, keys, audit events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from clientsphere_cli.model.library import Document, KnowledgeBase
from clientsphere_cli.model.tenancy import ApiKey, Limit, Role
from clientsphere_cli.model.webhooks import Delivery, Webhook
from clientsphere_cli.output.quantities import moment, size
from clientsphere_cli.output.terminal import listing, plain
from clientsphere_common.hash_chain import ChainLink

_STATE_STYLES = {
    "ready": "green",
    "failed": "red",
    "revoked": "red",
    "expired": "red",
    "dead": "red",
}
_SHORT_ID_CHARS = 12


def document_table(documents: Iterable[Document], *, wide: bool) -> Table:
    if not wide:
        table = listing("Name", "State", "Id")
        for document in documents:
            table.add_row(plain(document.name), state(document.state), plain(document.id))
        return table
    table = listing(
        "Name", "State", "Pages", "Chunks", "Size", "Id", numbers=("Pages", "Chunks", "Size")
    )
    for document in documents:
        table.add_row(
            plain(document.name),
            state(document.state),
            f"{document.page_count:,}" if document.page_count else "",
            f"{document.chunk_count:,}",
            size(document.size_bytes),
            plain(document.id),
        )
    return table


def document_details(document: Document) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    rows = {
        "Name": document.name,
        "State": document.state,
        "Reason": document.failure.message if document.failure else "",
        "Stage": "" if document.is_settled else document.progress.stage,
        "Version": str(document.version),
        "Pages": f"{document.page_count:,}" if document.page_count else "",
        "Chunks": f"{document.chunk_count:,}",
        "Size": size(document.size_bytes),
        "Type": document.media_type,
        "SHA-256": document.sha256,
        "Uploaded": f"{moment(document.created_at)} UTC",
        "Changed": f"{moment(document.updated_at)} UTC",
        "Knowledge base": document.knowledge_base_id,
        "Id": document.id,
    }
    for name, value in rows.items():
        if value:
            grid.add_row(name, plain(value))
    return grid


def knowledge_base_table(knowledge_bases: Iterable[KnowledgeBase]) -> Table:
    table = listing("Name", "Documents", "Id", numbers=("Documents",))
    for one in knowledge_bases:
        table.add_row(plain(one.name), f"{one.document_count:,}", plain(one.id))
    return table


def api_key_table(api_keys: Iterable[ApiKey], *, wide: bool) -> Table:
    if not wide:
        table = listing("Name", "Role", "State", "Id")
        for key in api_keys:
            table.add_row(plain(key.name), plain(key.role), state(_key_state(key)), plain(key.id))
        return table
    table = listing("Name", "Role", "State", "Begins with", "Last used (UTC)", "Id")
    for key in api_keys:
        table.add_row(
            plain(key.name),
            plain(key.role),
            state(_key_state(key)),
            plain(key.prefix),
            moment(key.last_used_at),
            plain(key.id),
        )
    return table


def role_table(roles: Iterable[Role]) -> Table:
    table = listing("Name", "Permissions", "Id")
    for role in roles:
        table.add_row(plain(role.name), plain(", ".join(role.permissions)), plain(role.id))
    return table


def limit_table(limits: Mapping[str, Limit]) -> Table:
    table = listing("Limit", "A minute", "At once", "Refuses", numbers=("A minute", "At once"))
    for name, limit in limits.items():
        refuses = "no (shadow)" if limit.shadow else "yes"
        table.add_row(plain(name), f"{limit.per_minute:,}", f"{limit.burst:,}", plain(refuses))
    return table


def webhook_table(webhooks: Iterable[Webhook]) -> Table:
    table = listing("Receiver", "Events", "State", "Id")
    for one in webhooks:
        condition = "enabled" if one.enabled else f"disabled: {one.disabled_reason}"
        table.add_row(
            plain(one.url), plain(", ".join(one.event_types)), state(condition), plain(one.id)
        )
    return table


def delivery_table(deliveries: Iterable[Delivery]) -> Table:
    table = listing("At (UTC)", "Event", "State", "Attempts", "Answer", numbers=("Attempts",))
    for one in deliveries:
        answer = " ".join(str(part) for part in (one.response_status, one.reason) if part)
        table.add_row(
            moment(one.created_at),
            plain(one.event_type),
            state(one.state),
            str(one.attempts),
            plain(answer),
        )
    return table


def event_table(links: Iterable[ChainLink], *, wide: bool) -> Table:
    """Ids are shortened: `audit events --json` has them whole."""
    columns = ["Nr", "At (UTC)", "Action", "Outcome", "Target"]
    table = listing(*columns, *(["By"] if wide else []), numbers=("Nr",))
    for link in links:
        event = link.event
        row = [
            plain(str(link.sequence)),
            plain(_event_time(event.get("occurred_at_ms"))),
            plain(str(event.get("action", ""))),
            plain(str(event.get("outcome", ""))),
            plain(_short_id(event.get("target_id"))),
        ]
        table.add_row(*row, *([plain(_short_id(event.get("principal_id")))] if wide else []))
    return table


def state(name: str) -> Text:
    return plain(name, style=_STATE_STYLES.get(name, ""))


def _key_state(key: ApiKey) -> str:
    if key.revoked_at:
        return "revoked"
    if key.expires_at and key.expires_at <= datetime.now(UTC):
        return "expired"
    return "active"


def _event_time(at_ms: object) -> str:
    return moment(datetime.fromtimestamp(at_ms / 1000, UTC)) if isinstance(at_ms, int) else ""


def _short_id(value: object) -> str:
    text = str(value or "")
    return text if len(text) <= _SHORT_ID_CHARS + 1 else f"{text[:_SHORT_ID_CHARS]}…"
