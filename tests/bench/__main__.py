"""Measures the embedded product: start, memory, and speed as ratios to floors of the same run.

    make bench

The floors: a request that does nothing (`GET /health/live`) for everything over HTTP, and pdfium
reading the same pages without us for ingestion. Ratios travel between machines; seconds do not.
"""

from __future__ import annotations

import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pypdfium2
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate

from gateway.limit_rules import LimitName
from tests.harness.product import Product, upload, wait_until_settled

REPEATS = 200
DOCUMENTS = 12
PAGES_ABOUT = 40
UNLIMITED = {"per_minute": 1_000_000_000, "burst": 1_000_000_000}
QUESTION = {"question": "At which pressure does the valve of machine 7 open in part 21?"}


def report_pdf(number: int) -> bytes:
    """A text-only report of about 40 pages, the same for the same number."""
    style = getSampleStyleSheet()["BodyText"]
    story = [
        Paragraph(
            f"The valve of machine {number} opens at {number * 100 + part} kilopascal in part"
            f" {part}. " + f"Its seal number {part} is replaced after {part + 2} months. " * 40,
            style,
        )
        for part in range(PAGES_ABOUT * 2)
    ]
    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, invariant=1).build(story)
    return buffer.getvalue()


def median_ms(call: Callable[[], httpx.Response]) -> tuple[float, float]:
    """Median and 95th percentile of `REPEATS` calls, in milliseconds, after ten to warm up."""
    times = []
    for _ in range(REPEATS + 10):
        started = time.perf_counter()
        call().raise_for_status()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times[10:]), statistics.quantiles(times[10:], n=20)[18]


def memory_mib(product: Product) -> float:
    """Resident memory of the process and its children."""
    assert product.process is not None
    parent = psutil.Process(product.process.pid)
    family = [parent, *parent.children(recursive=True)]
    return float(sum(one.memory_info().rss for one in family) / 2**20)


def read_with_pdfium(contents: list[bytes]) -> tuple[float, int]:
    """Seconds that reading all pages takes without us, and their number."""
    started, pages = time.perf_counter(), 0
    for content in contents:
        pdf = pypdfium2.PdfDocument(content)
        for page in pdf:
            page.get_textpage().get_text_range()
            pages += 1
        pdf.close()
    return time.perf_counter() - started, pages


def bench_start(product: Product) -> None:
    starts = []
    for _ in range(5):
        started = time.perf_counter()
        product.start()
        starts.append(time.perf_counter() - started)
        product.stop()
    say("start to ready, median of 5", f"{statistics.median(starts):.2f} s")
    product.start()
    say("idle memory, with the index process", f"{memory_mib(product):.0f} MiB")


def bench_ingestion(client: httpx.Client) -> None:
    contents = [report_pdf(number) for number in range(DOCUMENTS)]
    floor_s, pages = read_with_pdfium(contents)
    started = time.perf_counter()
    ids = {
        upload(client, f"report-{number}.pdf", content).json()["id"]
        for number, content in enumerate(contents)
    }
    documents = wait_until_settled(client, ids)
    elapsed_s = time.perf_counter() - started
    chunks = sum(one["chunk_count"] for one in documents.values())
    say("ingestion", f"{pages / elapsed_s:.0f} pages/s, {chunks / elapsed_s:.0f} chunks/s")
    say("  times the floor (pdfium alone)", f"{elapsed_s / floor_s:.1f}")


def bench_requests(client: httpx.Client) -> None:
    floor_ms, _ = median_ms(lambda: client.get("/health/live"))
    say("floor: GET /health/live, median", f"{floor_ms:.2f} ms")
    for name, route in (("search", "/v1/search"), ("chat", "/v1/chat")):

        def call(route: str = route) -> httpx.Response:
            return client.post(route, json=QUESTION)

        median, p95 = median_ms(call)
        say(f"{name}, median and p95", f"{median:.1f} ms, {p95:.1f} ms")
        say("  times the floor", f"{median / floor_ms:.1f}")


def say(what: str, figure: str) -> None:
    sys.stdout.write(f"{what:<40}{figure}\n")
    sys.stdout.flush()


def main() -> None:
    # Unlimited for the bench: what is measured is the work, not the limit.
    unlimited = {"CLIENTSPHERE_GATEWAY_LIMITS": json.dumps(dict.fromkeys(LimitName, UNLIMITED))}
    with tempfile.TemporaryDirectory() as folder:
        product = Product(Path(folder) / "data", environment=unlimited)
        bench_start(product)
        try:
            tenant = product.create_tenant("bench")
            with product.client(tenant.api_key) as client:
                bench_ingestion(client)
                bench_requests(client)
            say("memory afterwards", f"{memory_mib(product):.0f} MiB")
        finally:
            product.stop()


if __name__ == "__main__":
    main()
