"""Chunks and questions for passage indexes, with vectors that follow from the words."""

from __future__ import annotations

import random
from collections.abc import Sequence
from zlib import crc32

from clientsphere_common.access.audience import EVERYONE, Reader
from clientsphere_common.vectors.model import (
    DocumentReaders,
    FoundPassage,
    HybridQuery,
    IndexedChunk,
)

DIMENSION = 16
EVERYTHING = 400
"""As many as a search can return: all candidates of both rankings."""

OPEN = DocumentReaders()
ANYBODY = Reader(EVERYONE.identities)


def vector_of(text: str) -> list[float]:
    """The sum of a fixed random vector for each word: texts that share words lie close."""
    total = [0.0] * DIMENSION
    for word in text.lower().split():
        numbers = random.Random(crc32(word.encode()))
        total = [sum_so_far + numbers.gauss(0, 1) for sum_so_far in total]
    return total


def chunk(
    text: str,
    *,
    document: str = "handbook",
    version: int = 1,
    index: int = 0,
    knowledge_base: str = "hr",
    headings: Sequence[str] = (),
) -> IndexedChunk:
    return IndexedChunk(
        document_id=document,
        version=version,
        chunk_index=index,
        knowledge_base_id=knowledge_base,
        document_name=f"{document}.pdf",
        text=text,
        page=3,
        heading_path=tuple(headings),
        start=10,
        end=10 + len(text),
        vector=vector_of(text),
    )


def chunks(
    count: int, *, document: str = "handbook", version: int = 1, knowledge_base: str = "hr"
) -> list[IndexedChunk]:
    return [
        chunk(
            f"paragraph number{index} of {document} in version{version}",
            document=document,
            version=version,
            index=index,
            knowledge_base=knowledge_base,
        )
        for index in range(count)
    ]


def question(
    text: str = "paragraph",
    *,
    meaning: str | None = None,
    knowledge_bases: Sequence[str] = (),
    limit: int = EVERYTHING,
    reader: Reader = ANYBODY,
) -> HybridQuery:
    return HybridQuery(
        text=text,
        vector=vector_of(text if meaning is None else meaning),
        knowledge_base_ids=tuple(knowledge_bases),
        limit=limit,
        reader=reader,
    )


def texts(passages: Sequence[FoundPassage]) -> list[str]:
    return [passage.text for passage in passages]


def versions(passages: Sequence[FoundPassage]) -> set[int]:
    return {passage.version for passage in passages}
