"""Tenants on the wire."""

from __future__ import annotations

from datetime import datetime

from gateway.api.schemas.common import Name, RequestBody, ResponseBody, examples

EXAMPLE_KEY = "cs_live_4fJk29Qz_0pWx7Yq3VbN8mTzR5sLcHd2KgJfA6uEoI1nMtXyPwQr_1aB2cD"


class NewTenantBody(RequestBody):
    model_config = examples({"name": "Kestrand Instruments"})

    name: Name


class OwnerKey(ResponseBody):
    id: str
    key: str
    """Shown this once."""


class CreatedTenant(ResponseBody):
    model_config = examples(
        {
            "id": "tnt_0d7b52a4c9e84f1fb6a3c2d1e0f98765",
            "name": "Kestrand Instruments",
            "created_at": "2026-11-22T09:30:00.125000Z",
            "owner_api_key": {"id": "key_4fJk29Qz", "key": EXAMPLE_KEY},
        }
    )

    id: str
    name: str
    created_at: datetime
    owner_api_key: OwnerKey
