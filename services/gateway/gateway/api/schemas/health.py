"""The state of the process on the wire."""

from __future__ import annotations

from typing import Literal

from clientsphere_common.readiness import Finding, Report
from gateway.api.schemas.common import ResponseBody, examples


class Liveness(ResponseBody):
    model_config = examples({"status": "ok"})

    status: Literal["ok"] = "ok"


class CheckBody(ResponseBody):
    status: Literal["ok", "failing"]
    required: bool
    error: str | None = None

    @classmethod
    def of(cls, finding: Finding) -> CheckBody:
        return cls(
            status="failing" if finding.error else "ok",
            required=finding.is_required,
            error=finding.error,
        )


class Readiness(ResponseBody):
    model_config = examples(
        {
            "status": "degraded",
            "checks": {
                "gateway tables": {"status": "ok", "required": True, "error": None},
                "retrieval": {
                    "status": "failing",
                    "required": False,
                    "error": "A part of the system is not answering.",
                },
            },
        }
    )

    status: Literal["ok", "degraded", "failing"]
    checks: dict[str, CheckBody]

    @classmethod
    def of(cls, report: Report) -> Readiness:
        checks = {finding.name: CheckBody.of(finding) for finding in report.findings}
        return cls(status=report.state, checks=checks)
