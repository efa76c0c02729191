"""Documents are read over HTTPS from an honest server, and from no other in any way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.responses import Response

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.https_documents import FormAnswer, HttpsDocuments
from tests.harness.authorization_server import AuthorizationServer, authorization_server
from tests.harness.certificates import CertificateAuthority, make_authority
from tests.harness.modules import running
from tests.harness.oidc_issuer import OidcIssuer, Spoilt, oidc_issuer


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def issuer(authority: CertificateAuthority) -> AsyncIterator[OidcIssuer]:
    async with oidc_issuer(authority) as issuer:
        issuer.add_key("k1", "ES256")
        yield issuer


@pytest.fixture
async def documents(authority: CertificateAuthority) -> AsyncIterator[HttpsDocuments]:
    documents = HttpsDocuments(authority.file, timeout_s=0.5)
    async with running(documents):
        yield documents


class TestRead:
    async def test_gives_what_the_server_publishes(
        self, issuer: OidcIssuer, documents: HttpsDocuments
    ) -> None:
        assert b'"kid":"k1"' in await documents.read(issuer.key_set_url)

    @pytest.mark.parametrize(
        ("spoilt", "reason"),
        [
            (Spoilt.SLOW, "took longer than 0.5 s"),
            (Spoilt.HUGE, "larger than 64 KiB"),
            (Spoilt.ENDLESS, "larger than 64 KiB"),
            (Spoilt.REDIRECTING, "answered 307"),
            (Spoilt.COMPRESSED, "compressed"),
            (Spoilt.FAILING, "answered 500"),
        ],
    )
    async def test_has_no_patience_with_servers_that(
        self, issuer: OidcIssuer, documents: HttpsDocuments, spoilt: Spoilt, reason: str
    ) -> None:
        issuer.key_set = spoilt
        with pytest.raises(DependencyUnavailableError, match=reason):
            await documents.read(issuer.key_set_url)
        assert issuer.asked == ["/keys"]
        issuer.key_set = None
        assert await documents.read(issuer.key_set_url)

    @pytest.mark.parametrize(
        "url",
        [
            "http://localhost/keys",
            "file:///etc/passwd",
            "ftp://localhost/keys",
            "https://",
            "https:///keys",
            "//localhost/keys",
            "https://user:secret@localhost/keys",
            "https://localhost/keys#x",
            "https://localhost:99999/",
            "https://[::1/",
            "https://a..b/",
            "https://%00/",
            f"https://{'a' * 300}.example/",
            "https://xn--/",
            "",
        ],
    )
    async def test_goes_to_https_addresses_only(self, documents: HttpsDocuments, url: str) -> None:
        with pytest.raises(DependencyUnavailableError):
            await documents.read(url)

    async def test_is_told_where_nobody_answers(
        self, documents: HttpsDocuments, issuer: OidcIssuer
    ) -> None:
        with pytest.raises(DependencyUnavailableError, match="ConnectError"):
            await documents.read("https://localhost:1/keys")

    async def test_trusts_no_server_that_an_unknown_authority_vouches_for(
        self, issuer: OidcIssuer, tmp_path: Path
    ) -> None:
        for ca_file in (None, make_authority(tmp_path).file):
            stranger = HttpsDocuments(ca_file, timeout_s=0.5)
            async with running(stranger):
                with pytest.raises(DependencyUnavailableError, match="ConnectError"):
                    await stranger.read(issuer.key_set_url)
        assert issuer.asked == []

    async def test_minds_no_proxy_of_the_environment(
        self,
        issuer: OidcIssuer,
        documents: HttpsDocuments,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        assert await documents.read(issuer.key_set_url)

    async def test_keeps_no_cookie_of_a_server(
        self, issuer: OidcIssuer, documents: HttpsDocuments
    ) -> None:
        issuer.sets_cookie = True
        for _ in range(2):
            await documents.read(issuer.key_set_url)
        assert issuer.cookies == ["", ""]

    async def test_may_be_done_by_many_at_once(
        self, issuer: OidcIssuer, documents: HttpsDocuments
    ) -> None:
        read = await asyncio.gather(*(documents.read(issuer.key_set_url) for _ in range(8)))
        assert len(set(read)) == 1


class TestPostForm:
    @pytest.fixture
    async def server(self, authority: CertificateAuthority) -> AsyncIterator[AuthorizationServer]:
        async with authorization_server(authority) as server:
            yield server

    @pytest.mark.parametrize(
        ("status", "is_accepted"), [(200, True), (400, False), (401, False), (403, False)]
    )
    async def test_tells_acceptance_and_refusal_apart(
        self,
        server: AuthorizationServer,
        documents: HttpsDocuments,
        status: int,
        is_accepted: bool,
    ) -> None:
        server.token_answer = Response(b"{}", status)
        answer = await documents.post_form(f"{server.url}/token", {"a": "b & c"}, {})
        assert answer == FormAnswer(is_accepted, b"{}")
        assert server.forms == [{"a": "b & c"}]

    @pytest.mark.parametrize("status", [201, 204, 303, 307, 404, 500])
    async def test_takes_no_other_answer(
        self, server: AuthorizationServer, documents: HttpsDocuments, status: int
    ) -> None:
        server.token_answer = Response(b"", status, {"Location": "/elsewhere"})
        with pytest.raises(DependencyUnavailableError, match=f"answered {status}"):
            await documents.post_form(f"{server.url}/token", {"a": "b"}, {})
        assert "/elsewhere" not in server.asked

    async def test_goes_to_https_addresses_only(self, documents: HttpsDocuments) -> None:
        with pytest.raises(DependencyUnavailableError, match="https"):
            await documents.post_form("http://localhost/token", {}, {})
