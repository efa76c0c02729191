"""The words of completion and embedding: what is asked of a model and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Row after row, one per text, in the order of the texts."""


@dataclass(frozen=True)
class Message:
    role: str
    """"system", "user" or "assistant"."""
    text: str


@dataclass(frozen=True)
class GroundingPassage:
    """What an answer may rest on; answers cite it as [number]."""

    number: int
    heading_path: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class CompletionRequest:
    """The last message is the user's and holds exactly the question."""

    messages: tuple[Message, ...]
    passages: tuple[GroundingPassage, ...] = ()
    """Best first."""
    model: str = ""
    """Empty: the default model."""
    max_output_tokens: int = 0
    """0: the model's default."""

    @property
    def question(self) -> str:
        return self.messages[-1].text


class FinishReason(Enum):
    STOP = "stop"
    LENGTH = "length"
    """Cut at the output limit."""
    DECLINED = "declined"
    """The model found no sufficient support in the passages."""


@dataclass(frozen=True)
class Usage:
    """Counted by the model in its own tokens; the embedded models count words."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True)
class Finish:
    reason: FinishReason
    model: str
    """The model that really answered."""
    usage: Usage


@dataclass(frozen=True)
class ModelCard:
    """A model on offer; `dimension` is that of an embedding model's vectors, 0 otherwise."""

    id: str
    task: Literal["embedding", "completion"]
    dimension: int = 0
