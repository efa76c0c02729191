"""An authority of its own for tests, and the certificates that services show to each other.

authority = make_authority(folder)
files = authority.issue("retrieval", ["localhost", "127.0.0.1", "retrieval"])
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from clientsphere_common.rpc.tls import TlsFiles

_LIFETIME = timedelta(days=2)


@dataclass(frozen=True)
class CertificateAuthority:
    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def file(self) -> Path:
        return self.folder / "ca.pem"

    def issue(
        self, name: str, hosts: Sequence[str] = ("localhost", "127.0.0.1"), *, expired: bool = False
    ) -> TlsFiles:
        """A certificate for servers and clients; another one of the name takes its place."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_host(host) for host in hosts])
        usage = x509.ExtendedKeyUsage(
            [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        )
        since = datetime.now(UTC) - (2 * _LIFETIME if expired else _LIFETIME / 2)
        certificate = (
            _builder(name, key, since)
            .issuer_name(self.certificate.subject)
            .add_extension(alternatives, critical=False)
            .add_extension(usage, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        files = TlsFiles(self.folder / f"{name}.pem", self.folder / f"{name}-key.pem", self.file)
        files.key.write_bytes(_pem(key))
        files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        return files


def make_authority(folder: Path) -> CertificateAuthority:
    """Write `ca.pem` into `folder`; the certificates that it issues go there too."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder("ClientSphere tests", key, datetime.now(UTC) - _LIFETIME / 2)
        .issuer_name(_name("ClientSphere tests"))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority = CertificateAuthority(folder, certificate, key)
    authority.file.write_bytes(certificate.public_bytes(Encoding.PEM))
    return authority


def _builder(
    name: str, key: ec.EllipticCurvePrivateKey, since: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + _LIFETIME)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
