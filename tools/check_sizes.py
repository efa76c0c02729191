"""Fails when a file or a function has grown too long to be read in one go."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def oversized(path: Path) -> Iterator[str]:
    """One sentence for each thing in `path` that is too long."""
    source = path.read_text()
    lines = source.count("\n")
    if lines > MAX_FILE_LINES:
        yield f"{path}: {lines} lines, at most {MAX_FILE_LINES} are allowed"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield (
                    f"{path}:{node.lineno}: {node.name} has {length} lines,"
                    f" at most {MAX_FUNCTION_LINES} are allowed"
                )


def main(folders: list[str]) -> int:
    files = [path for folder in folders for path in sorted(Path(folder).rglob("*.py"))]
    complaints = [sentence for path in files for sentence in oversized(path)]
    sys.stdout.write("".join(f"{sentence}\n" for sentence in complaints))
    sys.stdout.write(f"{len(files)} files, {len(complaints)} too long\n")
    return 1 if complaints or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
