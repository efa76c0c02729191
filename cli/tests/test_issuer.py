"""How patiently a command line asks an issuer whether the person has agreed."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from clientsphere_cli.failures import CliError
from clientsphere_cli.issuer import Discovery, Issuer
from clientsphere_cli.model.sign_in import DeviceCode
from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.https_documents import FormAnswer

URL = "https://login.example"
TOKENS = {"access_token": "token", "token_type": "Bearer", "expires_in": 60}


class FakeHttp:
    """Answers in turn; the last answer for ever. None: no answer in time."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.forms: list[Mapping[str, str]] = []

    async def post_form(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> FormAnswer:
        self.forms.append(form)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise DependencyUnavailableError("issuer_document_unavailable", f"{url} is slow.")
        if isinstance(answer, str):
            return FormAnswer(False, json.dumps({"error": answer}).encode())
        return FormAnswer(True, json.dumps(answer).encode())


class Time:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    async def sleep(self, pause_s: float) -> None:
        self.slept.append(pause_s)
        self.now_s += pause_s


def issuer(http: FakeHttp, time: Time) -> Issuer:
    discovery = Discovery(URL, f"{URL}/token", f"{URL}/device")
    return Issuer(http, discovery, "cli", time.sleep, time.monotonic)


def code(interval: int = 5, expires_in: int = 600) -> DeviceCode:
    return DeviceCode("device", "ABCD", f"{URL}/activate", expires_in, interval)


class TestWaiting:
    @pytest.mark.parametrize(
        ("answers", "slept"),
        [
            ([TOKENS], [5]),
            (["authorization_pending", "authorization_pending", TOKENS], [5, 5, 5]),
            (["slow_down", "authorization_pending", "slow_down", TOKENS], [5, 10, 10, 15]),
            ([None, None, TOKENS], [5, 10, 20]),
            ([None, None, None, None, None, TOKENS], [5, 10, 20, 40, 60, 60]),
        ],
        ids=str,
    )
    async def test_is_as_long_as_the_issuer_likes(
        self, answers: list[object], slept: list[float]
    ) -> None:
        http, time = FakeHttp(*answers), Time()
        tokens = await issuer(http, time).wait_for(code())
        assert tokens.access_token == "token"
        assert time.slept == slept
        assert {form["device_code"] for form in http.forms} == {"device"}

    @pytest.mark.parametrize(("interval", "pause_s"), [(0, 1), (-5, 1), (1, 1), (9999, 60)])
    async def test_is_never_a_storm_and_never_an_age(self, interval: int, pause_s: float) -> None:
        time = Time()
        await issuer(FakeHttp(TOKENS), time).wait_for(code(interval))
        assert time.slept == [pause_s]

    @pytest.mark.parametrize("answer", ["authorization_pending", "slow_down", None])
    async def test_ends_with_the_code(self, answer: str | None) -> None:
        time = Time()
        with pytest.raises(CliError, match="expired before it was entered"):
            await issuer(FakeHttp(answer), time).wait_for(code(expires_in=60))
        assert time.now_s < 60

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ("access_denied", "refused the sign-in"),
            ("expired_token", "expired before"),
            ("invalid_client", "failed: invalid_client"),
            ({**TOKENS, "token_type": "mac"}, "tokens of a kind"),
            ({**TOKENS, "access_token": "a\r\nb"}, "tokens of a kind"),
            ({"token_type": "Bearer"}, "is not understood"),
        ],
    )
    async def test_ends_with_any_other_answer(self, answer: object, words: str) -> None:
        with pytest.raises(CliError, match=words):
            await issuer(FakeHttp(answer), Time()).wait_for(code())


class TestBeginning:
    @pytest.mark.parametrize(
        "uri", ["http://login.example", "javascript:alert(1)", "https://", "https://a@b"]
    )
    async def test_sends_nobody_to_an_address_without_tls(self, uri: str) -> None:
        answer = {**vars(code()), "verification_uri": uri}
        with pytest.raises(CliError, match="https"):
            await issuer(FakeHttp(answer), Time()).begin(("openid",))

    async def test_asks_for_the_scopes(self) -> None:
        http = FakeHttp(vars(code()))
        assert (await issuer(http, Time()).begin(("openid", "x"))).user_code == "ABCD"
        await issuer(http, Time()).begin(())
        assert http.forms == [{"client_id": "cli", "scope": "openid x"}, {"client_id": "cli"}]

    @pytest.mark.parametrize("answer", ["invalid_client", None])
    async def test_says_why_there_is_no_code(self, answer: str | None) -> None:
        with pytest.raises(CliError, match=r"invalid_client|slow"):
            await issuer(FakeHttp(answer), Time()).begin(("openid",))
