"""The secrets of the compose file are those that the services read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from clientsphere_common.keys import read_private_key, read_public_keys
from clientsphere_common.secrets.local_keys import load_root_key
from deploy.compose.make_secrets import (
    BUCKET,
    READERS,
    SERVICES,
    Authority,
    Keeper,
    keep_given,
    main,
)
from tests.stack.secrets import READERS as READERS_IN_VAULT
from tests.stack.secrets import GeneratedSecrets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path)
    return tmp_path / "secrets"


def make(folder: Path) -> None:
    for name in ("secrets", "objects"):
        (folder / name).mkdir(exist_ok=True)
    main(str(folder / "secrets"), str(folder / "objects"))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_process_gets_what_it_reads_in_vault(tmp_path: Path) -> None:
    made = {name for name, _ in GeneratedSecrets(tmp_path).of_services()}
    for process, names in READERS_IN_VAULT.items():
        assert made & set(names) <= set(READERS[process])


def test_nothing_changes_the_second_time(folder: Path) -> None:
    before = contents(folder)
    make(folder.parent)
    assert contents(folder) == before


def test_keys_are_usable_and_fit(folder: Path) -> None:
    for service in ("gateway", "ingestion", "retrieval"):
        key = read_private_key((folder / service / f"{service}-context-key").read_text())
        known = (folder / "audit" / f"{service}-context-public-key").read_text()
        assert read_public_keys(known) == [key.public_key()]


def test_all_services_share_the_root_of_the_tenants_keys(folder: Path) -> None:
    assert len({load_root_key(folder / one / "envelope-root-key") for one in SERVICES}) == 1


def test_certificates_are_of_one_authority_and_for_the_name_in_the_network(folder: Path) -> None:
    for service in SERVICES:
        certificate = x509.load_pem_x509_certificate((folder / service / "tls.pem").read_bytes())
        authority = x509.load_pem_x509_certificate((folder / service / "ca.pem").read_bytes())
        certificate.verify_directly_issued_by(authority)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        assert names.value.get_values_for_type(x509.DNSName) == [service]


def test_a_certificate_that_ends_soon_is_renewed(folder: Path) -> None:
    old, _ = Authority(Keeper(folder / "authority")).issue("audit", timedelta(days=29))
    (folder / "audit" / "tls.pem").chmod(0o644)
    (folder / "audit" / "tls.pem").write_bytes(old)
    make(folder.parent)
    renewed = x509.load_pem_x509_certificate((folder / "audit" / "tls.pem").read_bytes())
    assert renewed.not_valid_after_utc - datetime.now(UTC) > timedelta(days=300)


def test_the_bucket_is_there(folder: Path) -> None:
    assert (folder.parent / "objects" / BUCKET).is_dir()


def test_what_people_give_is_kept_for_as_long_as_they_give_it(folder: Path) -> None:
    file = folder / "llm-proxy" / "llm-proxy-completion-api-key"
    keep_given(folder, {"CLIENTSPHERE_LLM_PROXY_COMPLETION_API_KEY": "given"})
    assert file.read_text() == "given"
    keep_given(folder, {})
    assert not file.exists()
