"""The certificates with which services prove to each other who they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

log = structlog.get_logger(__name__)


class TlsFilesError(ValueError):
    """The files cannot be read, are no PEM, or do not belong together."""


@dataclass(frozen=True)
class Certificates:
    """Contents of the files, in PEM."""

    certificate_chain: bytes
    private_key: bytes
    authority: bytes


@dataclass(frozen=True)
class TlsFiles:
    """PEM files of one service: its chain, its key, and the authority of all services."""

    certificate: Path
    key: Path
    authority: Path

    def read(self) -> Certificates:
        """Raises TlsFilesError, such as while the files are being replaced one by one."""
        try:
            read = Certificates(
                self.certificate.read_bytes(), self.key.read_bytes(), self.authority.read_bytes()
            )
            chain = x509.load_pem_x509_certificates(read.certificate_chain)
            key = load_pem_private_key(read.private_key, password=None)
            x509.load_pem_x509_certificates(read.authority)
        except (OSError, ValueError, TypeError) as error:
            raise TlsFilesError(f"{self} cannot be used: {error}") from error
        if chain[0].public_key() != key.public_key():
            raise TlsFilesError(f"{self.certificate} is not the certificate of {self.key}")
        return read

    def __str__(self) -> str:
        return f"{self.certificate}, {self.key}, {self.authority}"


def channel_credentials(certificates: Certificates) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=certificates.authority,
        private_key=certificates.private_key,
        certificate_chain=certificates.certificate_chain,
    )


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Ask every client for a certificate of the authority; read replaced files anew.

    Raises TlsFilesError when the files cannot be used now. Later ones that cannot be are passed
    over: the certificates in use stay in use.
    """
    followed = _FollowedFiles(files)
    return grpc.dynamic_ssl_server_credentials(
        _server_configuration(followed.in_use),
        followed.changed,  # type: ignore[arg-type]  # None, for no change, is missing in the stubs
        require_client_authentication=True,
    )


class _FollowedFiles:
    """gRPC asks for changes before each handshake."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self.in_use = files.read()

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        try:
            found = self._files.read()
        except TlsFilesError as error:
            log.warning("certificates_not_replaced", error=str(error))
            return None
        if found == self.in_use:
            return None
        self.in_use = found
        log.info("certificates_replaced", file=str(self._files.certificate))
        return _server_configuration(found)


def _server_configuration(certificates: Certificates) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(certificates.private_key, certificates.certificate_chain)], certificates.authority
    )
