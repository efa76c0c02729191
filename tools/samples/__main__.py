"""Renders the PDF and DOCX samples of the CLI: `python -m tools.samples`, by hand."""

from __future__ import annotations

from pathlib import Path

from tools.samples.manual import read_manual
from tools.samples.pdf import render_pdf
from tools.samples.word import render_docx

_SOURCES = Path(__file__).parent / "sources"
_SAMPLES = Path(__file__).parents[2] / "cli" / "clientsphere_cli" / "samples"
_RENDERERS = {".pdf": render_pdf, ".docx": render_docx}


def main() -> None:
    """Render `sources/<tenant>/<document>.<format>.md` into the tenant's samples."""
    for source in sorted(_SOURCES.glob("*/*.md")):
        target = _SAMPLES / source.parent.name / source.stem
        target.write_bytes(_RENDERERS[target.suffix](read_manual(source)))


if __name__ == "__main__":
    main()
