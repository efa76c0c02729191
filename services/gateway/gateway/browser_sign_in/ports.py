"""What signing in needs from tables and issuers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from clientsphere_common.https_documents import FormAnswer
from clientsphere_common.paging import Page, PageWish
from gateway.browser_sign_in.model import Attempt, BrowserSession, Living
from gateway.ports import IssuerDocuments, KeyUsageStore


class IssuerHttp(IssuerDocuments, Protocol):
    async def post_form(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> FormAnswer:
        """What an issuer answers to a form.

        Raises DependencyUnavailableError for what is neither an acceptance nor a refusal.
        """
        ...


class AttemptStore(Protocol):
    async def add(self, attempt: Attempt, now: datetime) -> None:
        """Store it, and drop those of the tenant that have expired `now`.

        Raises NotFoundError without its issuer.
        """
        ...

    async def take(self, state_digest: bytes) -> Attempt | None:
        """Remove it and return it: nobody gets it a second time. Of any tenant."""
        ...


class SessionStore(KeyUsageStore, Protocol):
    """Every beginning and end is told to the audit trail, both or none."""

    async def add(self, session: BrowserSession) -> None:
        """Store it, and drop those of the tenant that have expired by then.

        Raises NotFoundError without its issuer.
        """
        ...

    async def find(self, secret_digest: bytes) -> BrowserSession | None:
        """Of any tenant: the tenant is known only once the session is."""
        ...

    async def find_own(self, tenant_id: str, session_id: str) -> BrowserSession | None:
        """A session of that tenant."""
        ...

    async def page(self, tenant_id: str, living: Living, wish: PageWish) -> Page[BrowserSession]:
        """Newest first."""
        ...

    async def end(self, session: BrowserSession, ended_by: str) -> None:
        """Remove it, and tell who did; one that is not there any more is as good."""
        ...
