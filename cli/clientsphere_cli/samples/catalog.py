"""The demo's two companies, whose rules differ on purpose, and the questions asked as each."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

_PACKAGE = "clientsphere_cli.samples"


@dataclass(frozen=True)
class SampleTenant:
    """A company; `slug` also names the folder of its documents."""

    slug: str
    name: str
    document_names: tuple[str, ...]

    def documents(self) -> tuple[Traversable, ...]:
        """The files to upload, in the order of `document_names`."""
        folder = files(_PACKAGE) / self.slug
        return tuple(folder / name for name in self.document_names)


@dataclass(frozen=True)
class DemoQuestion:
    """A question and what a right answer quotes.

    Every string of `expect` occurs in the quoted text once its white space is collapsed.
    `document` is the name of the quoted document, None when a right answer declines.
    `page` counts from 1; 0 when the format has no pages.
    """

    tenant: SampleTenant
    question: str
    expect: tuple[str, ...] = ()
    document: str | None = None
    page: int = 0


KESTRAND = SampleTenant(
    slug="kestrand-instruments",
    name="Kestrand Instruments",
    document_names=(
        "employee-handbook.pdf",
        "information-security-policy.docx",
        "price-list.html",
        "release-notes.md",
        "customer-faq.txt",
        "stock-by-site.csv",
        "supply-agreement-summary.pdf",
    ),
)
QUAYMERE = SampleTenant(
    slug="quaymere-logistics",
    name="Quaymere Logistics",
    document_names=("employee-handbook.docx", "price-list.html", "customer-faq.txt"),
)
SAMPLE_TENANTS = (KESTRAND, QUAYMERE)

_LEAVE = "How many days of paid annual leave do new employees receive?"
_SUPPLIER = "Who supplies the load cells for the HX balances?"

DEMO_QUESTIONS = (
    DemoQuestion(KESTRAND, _LEAVE, ("25 days",), "employee-handbook.pdf", page=2),
    DemoQuestion(
        KESTRAND,
        "What is the limit for a hotel in Europe per night?",
        ("EUR 145",),
        "employee-handbook.pdf",
        page=4,
    ),
    DemoQuestion(
        KESTRAND,
        "How many characters must the password of a standard account have?",
        ("14 characters",),
        "information-security-policy.docx",
    ),
    DemoQuestion(
        KESTRAND,
        "How fast is the first response with the Professional support plan?",
        ("4 business hours",),
        "price-list.html",
    ),
    DemoQuestion(
        KESTRAND,
        "Which port does the Tareline device service listen on by default?",
        ("9443",),
        "release-notes.md",
    ),
    DemoQuestion(
        KESTRAND,
        "How many units of the HX-224 are in stock in Venlo?",
        ("HX-224", "148"),
        "stock-by-site.csv",
    ),
    DemoQuestion(
        KESTRAND, _SUPPLIER, ("Brennholt Sensorik",), "supply-agreement-summary.pdf", page=1
    ),
    DemoQuestion(KESTRAND, "May I bring my dog to the office?"),
    DemoQuestion(QUAYMERE, _LEAVE, ("22 days",), "employee-handbook.docx"),
    DemoQuestion(QUAYMERE, _SUPPLIER),
)
"""In the order in which the demo asks them; two are asked as both companies."""
