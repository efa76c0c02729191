"""Removes from an HTML tree what its reader does not see: a page can whisper to a model."""

from __future__ import annotations

import re
from collections.abc import Mapping

from selectolax.lexbor import LexborNode

_UNREAD_TAGS = {
    *("audio", "button", "canvas", "datalist", "embed", "head", "iframe", "nav", "noscript"),
    *("object", "script", "select", "style", "svg", "template", "textarea", "title", "video"),
}
_WHITE = re.compile(
    r"white|#f{3,4}|#f{6}(?:f{2})?|rgba?\(\s*255[\s,]+255[\s,]+255.*\)"
    r"|hsla?\(.*,\s*100%.*\)|transparent|rgba\(.*,\s*0(?:\.0*)?\)"
)
_ZERO = re.compile(r"0*\.?0*(?:px|pt|em|rem|%)?")
_MAX_VALUE_CHARS = 64
_FAR_OUTSIDE = re.compile(r"-\d{3,}(?:\.\d*)?(?:px|pt|em|rem|%|vw|vh)?")
_HIDING = {
    "display": re.compile("none"),
    "visibility": re.compile("hidden|collapse"),
    "opacity": _ZERO,
    "font-size": re.compile(rf"(?:{_ZERO.pattern}|1px)"),
    "left": _FAR_OUTSIDE,
    "top": _FAR_OUTSIDE,
    "text-indent": _FAR_OUTSIDE,
    "margin-left": _FAR_OUTSIDE,
}


def remove_unseen(root: LexborNode) -> None:
    """Take out scripts, navigation, controls, and elements hidden by attribute or own style.

    White text without a background of its own or of an element around it counts as hidden.
    Style sheets are not applied.
    """
    unseen = [node for node in root.traverse() if node.tag in _UNREAD_TAGS or _is_hidden(node)]
    # Innermost first: a node must not be touched once the one around it is gone.
    for node in reversed(unseen):
        node.decompose()


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    if not attributes:
        return False
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    style = _style(attributes)
    if any(_HIDING[name].fullmatch(value) for name, value in style.items() if name in _HIDING):
        return True
    return _is_unreadable(node, style, attributes)


def _style(attributes: Mapping[str, str | None]) -> dict[str, str]:
    declarations = (attributes.get("style") or "").lower().replace("!important", "").split(";")
    pairs = (declaration.partition(":") for declaration in declarations)
    return {name.strip(): value.strip()[:_MAX_VALUE_CHARS] for name, _, value in pairs}


def _is_unreadable(
    node: LexborNode, style: Mapping[str, str], attributes: Mapping[str, str | None]
) -> bool:
    color = style.get("color") or (attributes.get("color") or "").lower()
    if not color:
        return False
    if color in (style.get("background-color"), style.get("background")):
        return True
    return bool(_WHITE.fullmatch(color)) and not _has_background(node)


def _has_background(node: LexborNode | None) -> bool:
    while node is not None:
        attributes = node.attributes
        style = _style(attributes)
        background = style.get("background-color") or style.get("background")
        if background := background or (attributes.get("bgcolor") or "").lower():
            return not _WHITE.fullmatch(background)
        node = node.parent
    return False
