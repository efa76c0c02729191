"""What a name that people give, and other people see, may be made of."""

from __future__ import annotations

import re

_NEVER = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb"
"""Control characters, line separators, what turns the direction of the text around it, and marks.

Everything else may stand in a name, characters that this Python does not know yet among them: a
zero-width joiner belongs to a family emoji and to Persian.
"""
NAME_PATTERN = rf"^[^{_NEVER}]*[^\s{_NEVER}][^{_NEVER}]*$"
"""The same language in ECMA-262, Python and Rust, so that it can stand in a JSON schema."""

NAME_PIECE_PATTERN = rf"^[^{_NEVER}]*$"
"""Of what may stand somewhere in a name, nothing included."""

_NAME = re.compile(NAME_PATTERN)


def is_name(text: str) -> bool:
    """Whether `text` can be shown in a line, and shows anything."""
    return _NAME.fullmatch(text) is not None and not any(
        "\ud800" <= one <= "\udfff" for one in text
    )
