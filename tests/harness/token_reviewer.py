"""The part of Kubernetes that Vault asks whose token it was given."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

SERVICE_ACCOUNT, NAMESPACE = "gateway", "clientsphere"


def service_account_token(account: str = SERVICE_ACCOUNT) -> str:
    """A token of the account, signed by nobody: whether it is good is for the reviewer to say."""
    claims = {
        "iss": "kubernetes/serviceaccount",
        "sub": f"system:serviceaccount:{NAMESPACE}:{account}",
        "kubernetes.io/serviceaccount/namespace": NAMESPACE,
        "kubernetes.io/serviceaccount/service-account.name": account,
        "kubernetes.io/serviceaccount/service-account.uid": "uid-1",
    }
    parts = [{"alg": "RS256", "typ": "JWT"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, base64.urlsafe_b64encode(bytes(256)).rstrip(b"=")]).decode()


def any_authority() -> str:
    """A certificate in PEM: Vault wants one of the reviewer even where it does not look at it."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "reviewer")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, None)
    )
    return certificate.public_bytes(Encoding.PEM).decode()


class _Review(BaseHTTPRequestHandler):
    """Says of every token that it belongs to the gateway's account."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        user = {
            "username": f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}",
            "uid": "uid-1",
            "groups": ["system:serviceaccounts"],
        }
        answer = json.dumps(
            {
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenReview",
                "status": {"authenticated": True, "user": user},
            }
        ).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests tell what went wrong."""


@contextmanager
def running_token_reviewer() -> Iterator[str]:
    """Yields the address under which it is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Review)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
