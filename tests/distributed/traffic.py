"""Uploads and questions that go on while parts of the system die."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

_REQUEST_TIMEOUT_S = 10.0
_PAUSE_S = 0.05


@dataclass(frozen=True)
class Asked:
    """One question: when it was asked, and whether it was answered as it should be."""

    at_s: float
    took_s: float
    problem: str
    """Empty when it was answered."""


@dataclass
class Library:
    """Documents that are uploaded one after the other, each until it was accepted."""

    texts: dict[str, str]
    """Content by name."""
    pause_s: float
    ids: dict[str, str] = field(default_factory=dict)
    """Of the accepted ones, by name."""
    refusals: int = 0


class Traffic:
    """One client that uploads and one that asks, each in a thread, until `end`."""

    def __init__(
        self, url: str, api_key: str, library: Library, question: str, expected: str
    ) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._library = library
        self._question, self._expected = question, expected
        self._is_ending = threading.Event()
        self._clients = ThreadPoolExecutor(max_workers=2)
        self._work: list[Future[None]] = []
        self.asked: list[Asked] = []

    def begin(self) -> None:
        self._work = [self._clients.submit(self._upload_all), self._clients.submit(self._ask_on)]

    def end(self, timeout_s: float = 120.0) -> None:
        """Wait until everything was accepted, then stop asking; raises what a client met."""
        uploading, asking = self._work
        try:
            uploading.result(timeout_s)
        finally:
            self._is_ending.set()
            asking.result(_REQUEST_TIMEOUT_S * 2)

    def problems_since(self, at_s: float) -> list[Asked]:
        return [one for one in list(self.asked) if one.at_s >= at_s and one.problem]

    def has_been_answered_since(self, at_s: float) -> bool:
        return any(one.at_s >= at_s and not one.problem for one in list(self.asked))

    def _upload_all(self) -> None:
        with self._client() as client:
            for name, text in self._library.texts.items():
                while not self._is_ending.is_set() and not self._is_accepted(client, name, text):
                    self._library.refusals += 1
                    time.sleep(_PAUSE_S)
                time.sleep(self._library.pause_s)

    def _is_accepted(self, client: httpx.Client, name: str, text: str) -> bool:
        try:
            response = client.post("/v1/documents", files={"file": (name, text.encode())})
        except httpx.TransportError:
            return False
        if response.status_code in {200, 202}:
            self._library.ids[name] = response.json()["id"]
            return True
        _require_honest(response)
        return False

    def _ask_on(self) -> None:
        with self._client() as client:
            while not self._is_ending.is_set():
                started = time.monotonic()
                problem = self._problem(client)
                self.asked.append(Asked(started, time.monotonic() - started, problem))
                time.sleep(_PAUSE_S)

    def _problem(self, client: httpx.Client) -> str:
        try:
            response = client.post("/v1/chat", json={"question": self._question})
        except httpx.TransportError as error:
            return type(error).__name__
        if response.status_code != 200:
            _require_honest(response)
            return str(response.json()["code"])
        return "" if self._expected in response.json()["answer"] else "another answer"

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self._url, headers=self._headers, timeout=_REQUEST_TIMEOUT_S)


def _require_honest(response: httpx.Response) -> None:
    """Whatever dies, a client is told in a problem document that it may try again."""
    is_problem = response.headers["content-type"] == "application/problem+json"
    if not is_problem or response.status_code not in {429, 502, 503, 504}:
        raise AssertionError(f"{response.status_code}: {response.text}")


def wait_for(condition: Callable[[], bool], timeout_s: float, what: str) -> float:
    """How long it took, in seconds."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > timeout_s:
            raise AssertionError(f"{what} took longer than {timeout_s:.0f} s")
        time.sleep(_PAUSE_S)
    return time.monotonic() - started
