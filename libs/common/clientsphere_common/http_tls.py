"""The certificate that an HTTP server shows, read anew when its files change."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import structlog

from clientsphere_common.errors import DependencyUnavailableError

log = structlog.get_logger(__name__)

_CIPHERS_OF_TLS_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Those with forward secrecy and authenticated encryption; TLS 1.3 has no others."""
_NO_PASSWORD = ""
"""Without it a key that has one would make the process ask a terminal that nobody sees."""


@dataclass(frozen=True)
class ServerCertificate:
    """PEM files: a chain and its key."""

    certificate: Path
    key: Path


def server_context(files: ServerCertificate) -> ssl.SSLContext:
    """TLS 1.2 or 1.3; each handshake shows what the files hold by then.

    Raises DependencyUnavailableError when they cannot be used now: whoever writes them may be
    slower than we are. Later ones that cannot be are passed over, and what is in use stays.
    """
    try:
        followed = _FollowedFiles(files)
    except (OSError, ssl.SSLError) as error:
        raise DependencyUnavailableError(
            "certificates_unusable", f"{files.certificate} and {files.key} cannot be used: {error}"
        ) from error
    return followed.listening


class _FollowedFiles:
    def __init__(self, files: ServerCertificate) -> None:
        self._files = files
        self._stamps = _stamps(files)
        self._in_use = _context(files)
        self.listening = _context(files)
        # Called for each handshake, also for those that name no server.
        self.listening.sni_callback = self._choose

    def _choose(
        self, connection: ssl.SSLObject, _server_name: str | None, _context: ssl.SSLContext
    ) -> None:
        self._follow()
        connection.context = self._in_use

    def _follow(self) -> None:
        try:
            stamps = _stamps(self._files)
            if stamps == self._stamps:
                return
            self._in_use = _context(self._files)
        except (OSError, ssl.SSLError) as error:
            # Now and then while files are replaced one by one; for ever only by mistake.
            log.warning("certificates_not_replaced", error=str(error))
            return
        self._stamps = stamps
        log.info("certificates_replaced", file=str(self._files.certificate))


def _stamps(files: ServerCertificate) -> tuple[tuple[int, int, int], ...]:
    """What changes when a file is written, or another one takes its place."""
    found = (files.certificate.stat(), files.key.stat())
    return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in found)


def _context(files: ServerCertificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS_OF_TLS_1_2)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    # Fails for a key that is not the certificate's.
    context.load_cert_chain(files.certificate, files.key, password=_NO_PASSWORD)
    return context
