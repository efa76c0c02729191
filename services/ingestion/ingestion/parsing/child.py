"""The process that parses one document: `python -m ingestion.parsing.child PATH TYPE LIMITS`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ingestion.parsing.confinement import confine
from ingestion.parsing.model import MediaType, ParseError, ParseLimits
from ingestion.parsing.reader import read_document
from ingestion.parsing.wire import encode_document, encode_error

EXIT_OUT_OF_MEMORY = 64


def main(arguments: list[str]) -> None:
    """Write one frame to standard output; libraries that print do so elsewhere."""
    path, media_type, limits_json = arguments
    frame_fd = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    limits = ParseLimits(**json.loads(limits_json))
    confine(limits)
    try:
        frame = parse_to_frame(Path(path), MediaType(media_type), limits)
    except MemoryError:
        # No message: writing one needs memory, too.
        os._exit(EXIT_OUT_OF_MEMORY)
    with os.fdopen(frame_fd, "wb") as output:
        output.write(frame)


def parse_to_frame(path: Path, media_type: MediaType, limits: ParseLimits) -> bytes:
    try:
        return encode_document(read_document(path, media_type, limits.max_text_bytes))
    except ParseError as error:
        return encode_error(error)


if __name__ == "__main__":
    main(sys.argv[1:])
