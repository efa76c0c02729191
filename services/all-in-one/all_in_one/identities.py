"""The key with which each service signs for the callers it acts for."""

from __future__ import annotations

from pathlib import Path

from clientsphere_common.caller_context import CallerSigner, CallerVerifier
from clientsphere_common.keys import load_or_create_key
from clientsphere_common.rpc.calls import OutgoingCalls

_CALLING_SERVICES = ("gateway", "ingestion", "retrieval")


class Identities:
    """One Ed25519 key a service, in files of the data directory; made on first use."""

    def __init__(self, folder: Path) -> None:
        self._keys = {
            service: load_or_create_key(folder / f"{service}-context.pem")
            for service in _CALLING_SERVICES
        }

    def calls_of(self, service: str) -> OutgoingCalls:
        return OutgoingCalls(CallerSigner(service, self._keys[service]))

    def verifier(self) -> CallerVerifier:
        return CallerVerifier({name: [key.public_key()] for name, key in self._keys.items()})
