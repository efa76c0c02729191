"""Which calls a channel may send again."""

from __future__ import annotations

import json
import re
from pathlib import Path

from clientsphere_common.rpc.methods import SERVICES, is_repeatable, service_config

PROTOS = Path(__file__).parents[4] / "protos" / "clientsphere"
REPEATABLE = {
    "clientsphere.audit.v1.AuditService/ListEvents",
    "clientsphere.audit.v1.AuditService/GetHead",
    "clientsphere.ingestion.v1.IngestionService/GetKnowledgeBase",
    "clientsphere.ingestion.v1.IngestionService/GetKnowledgeBaseAccess",
    "clientsphere.ingestion.v1.IngestionService/GetDocumentAccess",
    "clientsphere.ingestion.v1.IngestionService/ListKnowledgeBases",
    "clientsphere.ingestion.v1.IngestionService/GetDocument",
    "clientsphere.ingestion.v1.IngestionService/ListDocuments",
    "clientsphere.ingestion.v1.IngestionService/DownloadDocument",
    "clientsphere.llm.v1.LlmService/Embed",
    "clientsphere.llm.v1.LlmService/ListModels",
    "clientsphere.retrieval.v1.RetrievalService/Search",
}
"""Written out: a call that is sent twice by mistake costs more than this list."""


class TestServices:
    def test_are_all_that_the_protos_define(self) -> None:
        defined = {
            f"{package.group(1)}.{name}"
            for path in PROTOS.rglob("*.proto")
            if (package := re.search(r"^package (\S+);", path.read_text(), re.MULTILINE))
            for name in re.findall(r"^service (\w+)", path.read_text(), re.MULTILINE)
        }
        assert {service.full_name for service in SERVICES} == defined


class TestServiceConfig:
    def test_repeats_exactly_these_methods_and_only_when_nobody_answered(self) -> None:
        (retried,) = json.loads(service_config())["methodConfig"]
        names = {f"{name['service']}/{name['method']}" for name in retried["name"]}
        assert names == REPEATABLE
        assert retried["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]

    def test_a_stream_from_the_client_is_never_repeated(self) -> None:
        streams = [m for service in SERVICES for m in service.methods if m.client_streaming]
        assert streams
        assert not any(is_repeatable(method) for method in streams)
