"""What a DOCX paragraph is, told by its own properties and its chain of styles."""

from __future__ import annotations

import re
from typing import Any

from docx.oxml.ns import qn

_HEADING_NAME = re.compile(r"heading ([1-9])", re.IGNORECASE)
_TITLE_LEVEL = 0
_BODY_TEXT_LEVEL = 9
_LONGEST_CHAIN = 20  # `basedOn` may run in a circle


class ParagraphStyles:
    """The styles of one document, by their id."""

    def __init__(self, styles: Any) -> None:
        self._styles = {
            style.get(qn("w:styleId")): style for style in styles.findall(qn("w:style"))
        }

    def heading_level(self, paragraph: Any) -> int | None:
        """0 for the title, 1 to 9 for headings, None for anything else."""
        for element in self._chain(paragraph):
            name = _value(element, "w:name").lower()
            if name == "title":
                return _TITLE_LEVEL
            if found := _HEADING_NAME.fullmatch(name):
                return int(found.group(1))
            outline_level = _value(element, "w:pPr/w:outlineLvl")
            if outline_level.isdigit():
                level = int(outline_level)
                return level + 1 if level < _BODY_TEXT_LEVEL else None
        return None

    def is_list_item(self, paragraph: Any) -> bool:
        for element in self._chain(paragraph):
            number = _value(element, "w:pPr/w:numPr/w:numId")
            if number:
                return number != "0"
        return False

    def _chain(self, paragraph: Any) -> list[Any]:
        """The paragraph, its style, the style that one is based on, and so on."""
        chain = [paragraph]
        style_id = _value(paragraph, "w:pPr/w:pStyle")
        while style_id in self._styles and len(chain) < _LONGEST_CHAIN:
            chain.append(self._styles[style_id])
            style_id = _value(chain[-1], "w:basedOn")
        return chain


def _value(element: Any, path: str) -> str:
    found = element.find("/".join(qn(step) for step in path.split("/")))
    return "" if found is None else found.get(qn("w:val")) or ""
