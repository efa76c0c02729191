"""Writes docs/errors.md from the failures that the code raises, or fails when it is out of date."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from clientsphere_common import errors
from gateway import problems

PAGE = Path("docs/errors.md")
FOLDERS = ("libs/common/clientsphere_common", "services")
DOCUMENT_FAILURES = ("ParseError", "Failure")
INTRODUCTION = """# Errors

Every failed request is answered with `application/problem+json` (RFC 9457):

```json
{
  "type": "urn:clientsphere:error:document_not_found",
  "title": "Not Found",
  "status": 404,
  "detail": "There is no such document.",
  "code": "document_not_found",
  "request_id": "req_5d0c3e7b9a1f4e2d8c6b0a97"
}
```

Program against `code`: it is stable, `detail` is for people. `invalid_request` adds `errors`, a
list of `field` and `message`. `Retry-After` says when trying again makes sense. Quote
`request_id` when asking for help: every log line about the request carries it. An id of another
tenant gives the same answer as one that never existed.

This page is generated from the code (`make docs` writes it, `make check` fails when it is out of
date).
"""
OF_REQUESTS = "## Codes of requests\n\n| code | status | says |\n|---|---|---|\n"
OF_DOCUMENTS = """
## Codes of documents

A document that was accepted but could not be indexed has the state `failed` and one of these as
`failure.code`.

| code | says |
|---|---|
"""


def failures() -> Iterator[tuple[str, str, str]]:
    """Every failure that is constructed with a literal code: it, its class and its message."""
    for folder in FOLDERS:
        for path in sorted(Path(folder).rglob("*.py")):
            if "tests" not in path.parts:
                yield from _in_file(path)


def _in_file(path: Path) -> Iterator[tuple[str, str, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1:
            code, name = node.args[0], node.func.id
            is_failure = hasattr(errors, name) or name in DOCUMENT_FAILURES
            if is_failure and isinstance(code, ast.Constant):
                yield str(code.value), name, _text(node.args[1])


def _text(message: ast.expr) -> str:
    """The message, with `…` where a value is put in."""
    if isinstance(message, ast.Constant):
        return str(message.value)
    if isinstance(message, ast.JoinedStr):
        return "".join(_text(part) for part in message.values)
    return "…"


def render() -> str:
    found: dict[str, tuple[int, str]] = {}
    documents = {}
    for code, name, text in failures():
        if name in DOCUMENT_FAILURES:
            documents[code] = text
        else:
            found[code] = (getattr(errors, name).http_status, text)
    requests = found | problems.plain_problems()
    request_rows = [f"| `{c}` | {s} | {t} |\n" for c, (s, t) in sorted(requests.items())]
    document_rows = [f"| `{code}` | {text} |\n" for code, text in sorted(documents.items())]
    parts = (INTRODUCTION, OF_REQUESTS, *request_rows, OF_DOCUMENTS, *document_rows)
    return "\n".join(parts[:2]) + "".join(parts[2:])


def main(arguments: list[str]) -> int:
    text = render()
    if "--check" not in arguments:
        PAGE.write_text(text)
        return 0
    if PAGE.exists() and PAGE.read_text() == text:
        return 0
    sys.stdout.write(f"{PAGE} is out of date: run `make docs`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
