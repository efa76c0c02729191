"""The text of a DOCX paragraph as printed: insertions in, deletions and hidden text out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docx.oxml.ns import qn

_TEXT_OF_TAG = {
    qn("w:tab"): " ",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "-",
}
_TEXT_TAGS = {qn("w:t"), qn("m:t")}
# Deleted and moved text; text boxes stand in their own paragraphs.
_SKIPPED_TAGS = {qn("w:del"), qn("w:moveFrom"), qn("w:pict"), qn("w:drawing"), qn("w:object")} | {
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
}
_RUN, _TABLE = qn("w:r"), qn("w:tbl")
_OFF = {"0", "false", "off"}


def paragraph_text(paragraph: Any) -> str:
    return "".join(_pieces(paragraph))


def _pieces(element: Any) -> Iterator[str]:
    """Depth-first; lxml refuses documents nested deeper than recursion could go."""
    for child in element:
        tag = child.tag
        if tag in _TEXT_TAGS:
            yield child.text or ""
        elif tag in _TEXT_OF_TAG:
            yield _TEXT_OF_TAG[tag]
        elif tag not in _SKIPPED_TAGS and not (tag == _RUN and _is_unseen(child)):
            yield from _pieces(child)


def _is_unseen(run: Any) -> bool:
    properties = run.find(qn("w:rPr"))
    if properties is None:
        return False
    vanish = properties.find(qn("w:vanish"))
    if vanish is not None and vanish.get(qn("w:val")) not in _OFF:
        return True
    color = properties.find(qn("w:color"))
    is_white = color is not None and (color.get(qn("w:val")) or "").upper() == "FFFFFF"
    return is_white and not _stands_on_color(run)


def _stands_on_color(run: Any) -> bool:
    """Shaded itself or around; a table's style can color its cells without a word about it here."""
    for element in (run, *run.iterancestors()):
        if element.tag == _TABLE:
            return True
        for properties in ("w:rPr", "w:pPr"):
            found = element.find(f"{qn(properties)}/{qn('w:shd')}")
            fill = "" if found is None else (found.get(qn("w:fill")) or "").upper()
            if fill not in {"", "AUTO", "FFFFFF"}:
                return True
    return False
