"""The state of the process on the wire."""

from __future__ import annotations

from typing import Literal

from gateway.api.schemas.common import ResponseBody, examples


class Liveness(ResponseBody):
    model_config = examples({"status": "ok"})

    status: Literal["ok"] = "ok"


class CheckBody(ResponseBody):
    status: Literal["ok", "failing"]
    error: str | None = None


class Readiness(ResponseBody):
    model_config = examples(
        {"status": "ok", "checks": {"gateway tables": {"status": "ok", "error": None}}}
    )

    status: Literal["ok", "failing"]
    checks: dict[str, CheckBody]
