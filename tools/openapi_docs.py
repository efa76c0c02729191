"""Writes docs/openapi.json from the routes, or fails when it is out of date."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gateway.app import create_api

PAGE = Path("docs/openapi.json")


def render() -> str:
    return json.dumps(create_api().openapi(), indent=2, ensure_ascii=False) + "\n"


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
