"""Settings of the object store, read once at start from CLIENTSPHERE_S3_* variables."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class S3Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="CLIENTSPHERE_S3_", frozen=True, hide_input_in_errors=True
    )

    bucket: str = Field(
        default="",
        description="Bucket of the stored files; it must exist. Empty: a folder of the data"
        " folder.",
    )
    region: str = Field(default="us-east-1", min_length=1, description="Region of the bucket.")
    endpoint_url: str = Field(
        default="",
        pattern=r"^(https?://[^@\s]+)?$",
        description="Address of the S3 API, for others than Amazon's own.",
    )
    encryption: Literal["", "AES256", "aws:kms"] = Field(
        default="",
        description="What the server encrypts with. Empty: what the bucket prescribes.",
    )
    kms_key_id: str = Field(default="", description="Key for `aws:kms`. Empty: the bucket's own.")
    connect_timeout_s: float = Field(
        default=3, gt=0, description="Longest time to connect, in seconds."
    )
    stall_timeout_s: float = Field(
        default=30,
        gt=0,
        description="Longest time for sending one part of 8 MiB, and for waiting for the next"
        " bytes, in seconds.",
    )
    transfer_timeout_s: float = Field(
        default=3600, gt=0, description="Longest time for reading one file, in seconds."
    )
    retries: int = Field(
        default=2, ge=0, le=10, description="Further tries of a request that failed."
    )
    encrypt_per_tenant: bool = Field(
        default=False,
        description="Encrypt every file under a key of its tenant before it is stored, in the"
        " bucket or the folder. Files stored before the change cannot be read after it.",
    )
