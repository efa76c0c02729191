"""The address under which browsers reach the gateway: an origin, or the process does not start."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.settings import GatewaySettings


class TestPublicUrl:
    @pytest.mark.parametrize(
        ("written", "origin"),
        [
            ("https://rag.example.com", "https://rag.example.com"),
            ("https://rag.example.com/", "https://rag.example.com"),
            ("https://RAG.example.com:443", "https://rag.example.com"),
            ("https://rag.example.com:8443", "https://rag.example.com:8443"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ],
    )
    def test_is_written_as_browsers_write_origins(self, written: str, origin: str) -> None:
        assert GatewaySettings(public_url=written).public_url == origin

    @pytest.mark.parametrize(
        "written",
        [
            "http://rag.example.com",
            "rag.example.com",
            "https://",
            "https://rag.example.com/app",
            "https://rag.example.com?x",
            "https://rag.example.com#x",
            "https://ada@rag.example.com",
            "https://rag.example.com:x",
            "ftp://rag.example.com",
            "",
        ],
    )
    def test_is_nothing_else(self, written: str) -> None:
        with pytest.raises(ValidationError):
            GatewaySettings(public_url=written)
