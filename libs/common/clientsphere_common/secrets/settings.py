"""Settings of where secrets come from, read once at start from CLIENTSPHERE_SECRETS_* variables."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SecretsSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="CLIENTSPHERE_SECRETS_", frozen=True)

    source: Literal["embedded", "files", "vault"] = Field(
        default="embedded",
        description="Where secrets come from. `embedded`: the environment, else files of the data"
        " folder. `files`: the files of `folder`. `vault`: those files, else Vault itself.",
    )
    folder: Path = Field(
        default=Path("/vault/secrets"),
        description="Folder into which a Vault Agent or Kubernetes writes one file a secret.",
    )
    refresh_interval_s: float = Field(
        default=30,
        gt=0,
        le=3600,
        description="Time after which a changed secret is noticed at the latest, in seconds.",
    )


class VaultSettings(BaseSettings):
    """A missing or impossible value stops the process before it accepts a call."""

    model_config = SettingsConfigDict(env_prefix="CLIENTSPHERE_VAULT_", frozen=True)

    address: str = Field(
        pattern=r"^https?://", description="Address of Vault, such as `https://vault:8200`."
    )
    namespace: str | None = Field(default=None, description="Namespace of Vault Enterprise.")
    ca_file: Path | None = Field(
        default=None,
        description="Certificates that Vault's is checked against. Unset: public ones.",
    )
    timeout_s: float = Field(
        default=3, gt=0, le=60, description="Longest wait for an answer of Vault, in seconds."
    )
    retry_interval_s: float = Field(
        default=2, gt=0, le=300, description="Pause between attempts to log in, in seconds."
    )
    auth_method: Literal["approle", "kubernetes"] = Field(
        default="kubernetes", description="How services log in."
    )
    auth_mount: str = Field(
        default="", description="Mount point of the login method. Empty: named like the method."
    )
    role: str = Field(
        min_length=1, description="Role of this service: its name, for `approle` its role id."
    )
    secret_id_file: Path = Field(
        default=Path("/vault/approle/secret-id"),
        description="File of the secret id, for `approle`.",
    )
    service_account_token_file: Path = Field(
        default=Path("/var/run/secrets/kubernetes.io/serviceaccount/token"),
        description="File of the pod's own token, for `kubernetes`.",
    )
    kv_mount: str = Field(
        default="secret", min_length=1, description="Mount point of the KV engine, version 2."
    )
    kv_folder: str = Field(
        default="clientsphere",
        min_length=1,
        description="Folder of our secrets in it; each secret has one field, `value`.",
    )
    transit_mount: str = Field(
        default="transit", min_length=1, description="Mount point of the transit engine."
    )
    transit_key_prefix: str = Field(
        default="clientsphere-",
        pattern=r"^[a-z0-9-]*$",
        description="What the names of the tenants' keys begin with.",
    )
