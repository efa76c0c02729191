"""Measures whether the time of an answer tells what other tenants have.

    python -m tests.bench.membership

One tenant asks for texts that only another tenant has, and for texts that nobody has, in turn, so
that a busy machine is busy for both; likewise for ids of another tenant and ids that nobody has.
What is compared are the two medians of the same run, and by the test of Mann and Whitney whether
the two could be of one distribution. Three tries: noise differs from one to the next, a difference
in the work does not.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from gateway.limit_rules import LimitName
from tests.harness.product import Product, Tenant, upload, wait_until_settled

PAIRS = 1000
WARM_UP = 20
TRIES = 3
MOST_DIFFERENCE = 0.05
LEAST_P = 0.01
DOCUMENTS = 4
UNLIMITED = {"per_minute": 1_000_000_000, "burst": 1_000_000}
SYLLABLES = ("ba", "ke", "li", "mo", "nu", "ra", "so", "ti", "vu", "ze")

Ask = Callable[[str], httpx.Response]


def sentence(words: random.Random) -> str:
    return " ".join("".join(words.choices(SYLLABLES, k=4)) for _ in range(8))


def p_of_one_distribution(first: list[float], second: list[float]) -> float:
    """Two-sided, by the normal approximation of the U test; times hardly ever tie."""
    ranked = sorted([(one, 0) for one in first] + [(one, 1) for one in second])
    ranks = sum(rank for rank, (_, side) in enumerate(ranked, start=1) if side == 0)
    n, m = len(first), len(second)
    u = ranks - n * (n + 1) / 2
    deviation = (n * m * (n + m + 1) / 12) ** 0.5
    return 2 * (1 - statistics.NormalDist().cdf(abs(u - n * m / 2) / deviation))


def times_ms(
    ask: Ask, theirs: Iterator[str], nobodys: Iterator[str]
) -> tuple[list[float], list[float]]:
    """Of `PAIRS` questions each, after some to warm up; which comes first is left to chance."""
    order = random.Random(7)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(PAIRS + WARM_UP):
        for side in order.sample((0, 1), 2):
            text = next((theirs, nobodys)[side])
            started = time.perf_counter()
            ask(text)
            times[side].append((time.perf_counter() - started) * 1000)
    return times[0][WARM_UP:], times[1][WARM_UP:]


def tells_nothing(name: str, ask: Ask, theirs: Iterator[str], nobodys: Iterator[str]) -> bool:
    for _ in range(TRIES):
        of_theirs, of_nobodys = times_ms(ask, theirs, nobodys)
        medians = statistics.median(of_theirs), statistics.median(of_nobodys)
        difference = abs(medians[0] / medians[1] - 1)
        p = p_of_one_distribution(of_theirs, of_nobodys)
        is_equal = difference < MOST_DIFFERENCE and p > LEAST_P
        verdict = "ok" if is_equal else "they differ"
        sys.stdout.write(
            f"{name:<22}theirs {medians[0]:6.2f} ms   nobody's {medians[1]:6.2f} ms"
            f"   ratio {medians[0] / medians[1]:.3f}   p {p:.3f}   {verdict}\n"
        )
        sys.stdout.flush()
        if is_equal:
            return True
    return False


def texts(seed: int) -> Iterator[str]:
    words = random.Random(seed)
    while True:
        yield sentence(words)


def keep_secrets(product: Product, owner: Tenant, of_others: list[str]) -> str:
    """The id of one of the documents in which `owner` has them."""
    with product.client(owner.api_key) as client:
        size = len(of_others) // DOCUMENTS
        ids = set[str]()
        for number in range(DOCUMENTS):
            piece = of_others[number * size : (number + 1) * size]
            content = "\n\n".join(f"# {one}\n\n{one}." for one in piece).encode()
            ids.add(upload(client, f"{number}.md", content).json()["id"])
        wait_until_settled(client, ids)
    return ids.pop()


def second_key(product: Product, owner: Tenant) -> str:
    with product.client(owner.api_key) as client:
        made = client.post("/v1/api-keys", json={"name": "second", "role": "viewer"})
    return str(made.json()["id"])


def again(value: str) -> Iterator[str]:
    while True:
        yield value


def measure(product: Product) -> bool:
    asking, other = product.create_tenant("asking"), product.create_tenant("other")
    secrets = [one for _, one in zip(range((PAIRS + WARM_UP) * 2 * TRIES), texts(1), strict=False)]
    keep_secrets(product, asking, [one for _, one in zip(range(400), texts(2), strict=False)])
    document_id = keep_secrets(product, other, secrets)
    key_id = second_key(product, other)
    theirs, nobodys = iter(secrets), texts(3)
    with product.client(asking.api_key) as client:

        def search(text: str) -> httpx.Response:
            return client.post("/v1/search", json={"question": text}).raise_for_status()

        def chat(text: str) -> httpx.Response:
            return client.post("/v1/chat", json={"question": text}).raise_for_status()

        def get_document(document_id: str) -> httpx.Response:
            return client.get(f"/v1/documents/{document_id}")

        def revoke_key(key_id: str) -> httpx.Response:
            return client.delete(f"/v1/api-keys/{key_id}")

        unknown = f"doc_{'0' * 32}", "key_00000000"
        return all(
            [
                tells_nothing("search for a text", search, theirs, nobodys),
                tells_nothing("question about a text", chat, theirs, nobodys),
                tells_nothing(
                    "id of a document", get_document, again(document_id), again(unknown[0])
                ),
                tells_nothing("id of a key", revoke_key, again(key_id), again(unknown[1])),
            ]
        )


def main() -> int:
    # Unlimited: what is measured is the work, not the limit.
    unlimited = {"CLIENTSPHERE_GATEWAY_LIMITS": json.dumps(dict.fromkeys(LimitName, UNLIMITED))}
    with tempfile.TemporaryDirectory() as folder:
        product = Product(Path(folder) / "data", environment=unlimited)
        product.start()
        try:
            return 0 if measure(product) else 1
        finally:
            product.stop()


if __name__ == "__main__":
    sys.exit(main())
