"""What the gateway needs from the other services and from its own tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from clientsphere_common.audit_events import AuditFact
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from clientsphere_common.versions import UNCONDITIONAL, Precondition
from gateway.idempotency.model import Claim, Wish
from gateway.limit_rules import LimitRules
from gateway.model.access import DocumentAccess, KnowledgeBaseAccess
from gateway.model.answers import Delta, Finish, Passage, Question
from gateway.model.library import Document, DocumentChoice, Download, KnowledgeBase, Upload
from gateway.model.tenancy import ApiKey, CustomRole, KeyChoice, NewSecret, NewTenant, Tenant
from gateway.model.trail import TrailChoice, TrailPage
from gateway.token_issuers.model import TokenIssuer


class KnowledgeBases(Protocol):
    """The caller's; ids of others raise the same NotFoundError as ids that never existed."""

    async def create(self, new_id: str, name: str, access: KnowledgeBaseAccess) -> KnowledgeBase:
        """One that has this id already is returned: the request is repeated.

        Raises ConflictError when there is another one of this name, NotFoundError when the caller
        no longer sees the one of this id.
        """
        ...

    async def get(self, knowledge_base_id: str) -> KnowledgeBase: ...

    async def require_editor(self, knowledge_base_id: str) -> None:
        """Raises NotFoundError, PermissionDeniedError for a caller who may only read it."""
        ...

    async def page(self, wish: PageWish) -> Page[KnowledgeBase]:
        """Oldest first."""
        ...

    async def delete(self, knowledge_base_id: str) -> None: ...


class Documents(Protocol):
    """The caller's; ids of others raise the same NotFoundError as ids that never existed."""

    async def upload(self, upload: Upload) -> tuple[Document, bool]:
        """The document, and whether it is a new version: False when the bytes were there.

        An upload that has been accepted is answered again as it was.

        Reads the content as fast as it is taken in. What reading it raises ends the upload,
        leaves nothing behind and is raised.
        """
        ...

    async def get(self, document_id: str) -> Document: ...

    async def page(self, choice: DocumentChoice, wish: PageWish) -> Page[Document]:
        """Newest first."""
        ...

    async def delete(self, document_id: str) -> None: ...

    async def download(self, document_id: str) -> Download:
        """The bytes that were uploaded last."""
        ...

    async def extracted_text(self, document_id: str) -> Download:
        """The text in UTF-8 that citations count in."""
        ...


class AccessControl(Protocol):
    """What the caller does not see raises the same NotFoundError as an id that never existed."""

    async def of_knowledge_base(self, knowledge_base_id: str) -> KnowledgeBaseAccess: ...

    async def set_of_knowledge_base(
        self, knowledge_base_id: str, access: KnowledgeBaseAccess, only_if: Precondition
    ) -> KnowledgeBaseAccess:
        """What holds from now on, for every search that starts afterwards.

        Raises PreconditionFailedError.
        """
        ...

    async def of_document(self, document_id: str) -> DocumentAccess: ...

    async def set_of_document(
        self, document_id: str, access: DocumentAccess, only_if: Precondition
    ) -> DocumentAccess:
        """As `set_of_knowledge_base`."""
        ...


class PassageSearch(Protocol):
    async def search(self, question: Question, top_k: int) -> Sequence[Passage]:
        """At most `top_k` passages of the caller, best first, ranked from 1."""
        ...


class AnswerModel(Protocol):
    def answer(
        self, question: Question, instructions: str, passages: Sequence[Passage]
    ) -> AsyncIterator[Delta | Finish]:
        """The answer piece by piece, then one Finish. Leaving early stops the model."""
        ...


class AuditTrail(Protocol):
    async def page(self, choice: TrailChoice, wish: PageWish) -> TrailPage:
        """The caller's events, in order."""
        ...


class AuditJournal(Protocol):
    async def record(self, caller: Caller, fact: AuditFact) -> None:
        """Have `fact` join the trail of the caller's tenant; durable on return."""
        ...


class ClaimStore(Protocol):
    """Idempotency keys. A claim whose attempt is not the latest one changes nothing any more."""

    async def claim(self, wish: Wish) -> Claim:
        """Of many that wish for a key at once, on whichever gateways, one may act."""
        ...

    async def bind(self, claim: Claim, fingerprint: bytes) -> bytes | None:
        """The fingerprint that the key is bound to now; None when a later attempt has begun."""
        ...

    async def renew(self, claim: Claim, lease_ends_ms: int) -> None: ...

    async def release(self, claim: Claim) -> None:
        """Let a next attempt act at once."""
        ...

    async def finish(self, claim: Claim, reply: bytes) -> None:
        """Keep the reply, unless the key was never bound to a request; then as `release`."""
        ...

    async def forget(self, claim: Claim) -> None:
        """As if the key had never come, unless something has been made under it."""
        ...

    async def remove_expired(self, now_ms: int, limit: int) -> int:
        """At most `limit` keys of all tenants; returns how many."""
        ...


class TenantStore(Protocol):
    async def add(self, new: NewTenant, created_by: Caller) -> Tenant:
        """Store the tenant and its first key, and tell the audit trail, all or nothing.

        A tenant of that id is there already when the request is repeated: it is returned.
        """
        ...

    async def find(self, tenant_id: str) -> Tenant | None: ...


class KeyUsageStore(Protocol):
    async def mark_used(self, used_at: Mapping[str, datetime]) -> None:
        """Note when keys were used last, by their ids; an earlier time changes nothing."""
        ...


class ApiKeyStore(KeyUsageStore, Protocol):
    """Every change is told to the audit trail, both or none."""

    async def find(self, key_id: str) -> ApiKey | None:
        """A key of any tenant: the tenant is known only once its key is."""
        ...

    async def find_own(self, tenant_id: str, key_id: str) -> ApiKey | None:
        """A key of that tenant."""
        ...

    async def add(self, caller: Caller, key: ApiKey) -> ApiKey:
        """The key as it is stored, perhaps by an earlier attempt of the request in hand.

        Raises NotFoundError when its role is none of the tenant's.
        """
        ...

    async def page(
        self, tenant_id: str, choice: KeyChoice, at: datetime, wish: PageWish
    ) -> Page[ApiKey]:
        """Oldest first; `at` tells which have expired."""
        ...

    async def rotate(self, caller: Caller, key_id: str, secret: NewSecret) -> ApiKey:
        """Give the key its next secret; a secret older than the last one ends.

        Does nothing when an earlier attempt of the request in hand has done it.

        Raises NotFoundError for keys of other tenants, ConflictError for one that has ended.
        """
        ...

    async def revoke(self, caller: Caller, key_id: str, at: datetime) -> ApiKey:
        """End the key's life; a second time does nothing.

        Raises NotFoundError for keys of other tenants, ConflictError for the last owner's key
        that is alive.
        """
        ...


class RoleStore(Protocol):
    """The roles that tenants made. Every change is told to the audit trail, both or none."""

    async def find(self, tenant_id: str, role_id: str) -> CustomRole | None: ...

    async def page(self, tenant_id: str, wish: PageWish) -> Page[CustomRole]:
        """Oldest first."""
        ...

    async def add(self, caller: Caller, role: CustomRole) -> CustomRole:
        """The role as it is stored, perhaps by an earlier attempt of the request in hand.

        Raises ConflictError when there is one of this name.
        """
        ...

    async def update(
        self, caller: Caller, role: CustomRole, only_if: Precondition = UNCONDITIONAL
    ) -> CustomRole:
        """As `add`.

        Raises NotFoundError, PreconditionFailedError, and ConflictError when there is another
        one of this name.
        """
        ...

    async def delete(
        self, caller: Caller, role_id: str, at: datetime, only_if: Precondition = UNCONDITIONAL
    ) -> None:
        """Raises NotFoundError, PreconditionFailedError, and ConflictError when a key has it that
        is alive at `at`."""
        ...


class TokenIssuerStore(Protocol):
    async def list_all(self) -> Sequence[TokenIssuer]:
        """Of all tenants, oldest first: the tenant is known only once the issuer is."""
        ...

    async def page(self, tenant_id: str, wish: PageWish) -> Page[TokenIssuer]:
        """Of one tenant, oldest first."""
        ...

    async def add(self, caller: Caller, issuer: TokenIssuer) -> TokenIssuer:
        """Store the entry and tell the audit trail, both or none.

        An entry of that id is there already when the request is repeated: it is returned.

        Raises ConflictError when a token could be for it and for another entry.
        """
        ...

    async def remove(self, caller: Caller, issuer_id: str) -> None:
        """Remove an entry of the caller's tenant and tell the audit trail, both or none.

        Raises NotFoundError.
        """
        ...


class IssuerDocuments(Protocol):
    async def read(self, url: str) -> bytes:
        """What an issuer publishes at `url`, 64 KiB at most.

        Raises DependencyUnavailableError for everything else that it may answer.
        """
        ...


class LimitStore(Protocol):
    """What the operator changed of tenants' limits; tenants without changes are not in it."""

    async def all_changes(self) -> Mapping[str, LimitRules]:
        """By tenant. Raises DependencyUnavailableError, also while there is no such table."""
        ...

    async def changes_of(self, tenant_id: str) -> LimitRules:
        """Raises NotFoundError for a tenant that does not exist."""
        ...

    async def change(
        self, tenant_id: str, changes: LimitRules, only_if: Precondition = UNCONDITIONAL
    ) -> None:
        """Replace what was changed before and tell the audit trail, both or none.

        Raises NotFoundError for a tenant that does not exist, PreconditionFailedError.
        """
        ...
