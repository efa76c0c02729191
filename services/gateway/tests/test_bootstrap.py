"""The first start of an installation: a tenant, and a file to come in with."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from gateway.bootstrap import Bootstrap
from tests.harness.gateway import Gateway

URL = "http://127.0.0.1:8080"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestBootstrap:
    async def test_the_first_start_writes_credentials_that_work(
        self, gateway: Gateway, tmp_path: Path
    ) -> None:
        file = tmp_path / "credentials.json"
        bootstrap = Bootstrap(gateway.tenants, file, lambda: URL)
        await bootstrap.start()
        await bootstrap.stop()
        credentials = json.loads(file.read_text())
        assert set(credentials) == {"url", "tenant_id", "api_key"}
        caller = await gateway.api_keys.authenticate(credentials["api_key"], "")
        assert (caller.tenant_id, caller.roles) == (credentials["tenant_id"], ("owner",))
        assert credentials["url"] == URL
        assert mode_of(file) == 0o600

    async def test_later_starts_keep_them(self, gateway: Gateway, tmp_path: Path) -> None:
        file = tmp_path / "credentials.json"
        await Bootstrap(gateway.tenants, file, lambda: URL).start()
        before = file.read_text()
        await Bootstrap(gateway.tenants, file, lambda: URL).start()
        assert file.read_text() == before

    async def test_a_new_address_is_written_down(self, gateway: Gateway, tmp_path: Path) -> None:
        file = tmp_path / "credentials.json"
        await Bootstrap(gateway.tenants, file, lambda: URL).start()
        before = json.loads(file.read_text())
        await Bootstrap(gateway.tenants, file, lambda: "http://127.0.0.1:9").start()
        assert json.loads(file.read_text()) == {**before, "url": "http://127.0.0.1:9"}
