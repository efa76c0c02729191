"""Which addresses of Redis are accepted, and what is said about the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from clientsphere_common.redis.settings import RedisSettings


class TestRedisSettings:
    @pytest.mark.parametrize(
        "url", ["", "redis://redis", "redis://redis:6379/0", "rediss://[::1]:6380"]
    )
    def test_takes_the_address_of_a_server_or_none(self, url: str) -> None:
        assert RedisSettings(url=url).url == url

    @pytest.mark.parametrize(
        "url",
        [
            "redis:6379",
            "http://redis",
            "unix:///run/redis.sock",
            "redis://:open-sesame@redis",
            "redis://redis?password=open-sesame",
        ],
    )
    def test_refuses_others_without_repeating_them(self, url: str) -> None:
        with pytest.raises(ValidationError) as failure:
            RedisSettings(url=url)
        assert url not in str(failure.value)
        assert "open-sesame" not in str(failure.value)

    def test_certificates_are_only_for_tls(self, tmp_path: Path) -> None:
        assert RedisSettings(url="rediss://redis", ca_file=tmp_path).ca_file == tmp_path
        with pytest.raises(ValidationError, match="CLIENTSPHERE_REDIS_CA_FILE"):
            RedisSettings(url="redis://redis", ca_file=tmp_path)
