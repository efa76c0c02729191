"""Markdown files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingestion.parsing.model import MediaType, ParsedDocument

Read = Callable[[bytes | str, MediaType], ParsedDocument]
NOTES = """---
title: for programs
---
# Release *notes*

Version **1.2** fixes [a bug](https://example.com) in
`parse`.

- item one
  goes on
- item two

| Plan | Price |
|------|-------|
| Pro  | 20    |

## Code

```python
def f():
    return 1
```
"""


class TestParseMarkdown:
    def test_structure_survives_without_its_marks(self, read: Read) -> None:
        parsed = read(NOTES, MediaType.MARKDOWN)
        assert [(b.kind.value, parsed.text[b.start : b.end]) for b in parsed.blocks] == [
            ("heading", "Release notes"),
            ("paragraph", "Version 1.2 fixes a bug in parse."),
            ("list_item", "item one goes on"),
            ("list_item", "item two"),
            ("table_row", "Plan | Price"),
            ("table_row", "Plan: Pro | Price: 20"),
            ("heading", "Code"),
            ("code", "def f():\n    return 1"),
        ]
        assert parsed.blocks[-1].heading_path == ("Release notes", "Code")

    def test_hidden_html_inside_stays_hidden(self, read: Read) -> None:
        parsed = read(
            'a <span style="display:none">b</span>\n\n<div hidden>c</div>\n\n<!-- d -->\n\ne',
            MediaType.MARKDOWN,
        )
        assert parsed.text == "a\n\ne"

    def test_a_rule_at_the_top_is_no_front_matter(self, read: Read) -> None:
        assert read("---\n\nText", MediaType.MARKDOWN).text == "Text"

    @pytest.mark.parametrize("mark", ["*a **b ", "[", "> ", "`", "![", "- "])
    def test_piled_up_marks_are_survived(self, read: Read, mark: str) -> None:
        assert read("# Title\n\n" + mark * 2000, MediaType.MARKDOWN).text.startswith("Title")
