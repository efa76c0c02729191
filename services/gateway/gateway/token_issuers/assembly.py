"""Puts together what knows the issuers of the tenants."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.ports import IssuerDocuments, TenantStore, TokenIssuerStore
from gateway.token_issuers.issuer_keys import KeysOfIssuers
from gateway.token_issuers.registration import IssuerRegistration
from gateway.token_issuers.registry import IssuerRegistry
from gateway.token_issuers.signed_in import SignedInElsewhere
from gateway.token_verifier import TokenVerifier


@dataclass(frozen=True)
class TokenIssuers:
    registry: IssuerRegistry
    registration: IssuerRegistration
    signed_in: SignedInElsewhere
    keys: KeysOfIssuers
    """A module: to be stopped before the documents are."""
    verifier: TokenVerifier
    """Knows the tokens of these issuers, and may know our own."""


def assemble(
    store: TokenIssuerStore,
    tenants: TenantStore,
    documents: IssuerDocuments,
    verifier: TokenVerifier,
    monotonic: Callable[[], float] = time.monotonic,
) -> TokenIssuers:
    registry = IssuerRegistry(store, monotonic)
    keys = KeysOfIssuers(documents, monotonic)
    return TokenIssuers(
        registry=registry,
        registration=IssuerRegistration(store, tenants, registry),
        signed_in=SignedInElsewhere(registry, keys, verifier),
        keys=keys,
        verifier=verifier,
    )
