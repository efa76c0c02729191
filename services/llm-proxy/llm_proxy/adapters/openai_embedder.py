"""Embeds through OpenAI's embeddings endpoint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from openai.types import CreateEmbeddingResponse

from clientsphere_common.errors import DependencyUnavailableError
from llm_proxy.adapters.openai_api import OpenAiConnection, one_call
from llm_proxy.model import Vectors
from llm_proxy.vectors import unit_rows


class OpenAiEmbedder:
    """One request per batch of texts, made again when the API fails."""

    def __init__(
        self, connection: OpenAiConnection, model: str, dimension: int, timeout_s: float
    ) -> None:
        self._connection = connection
        self.model = model
        self.dimension = dimension
        self._timeout_s = timeout_s

    async def embed(self, texts: Sequence[str]) -> Vectors:
        response = await self._connection.calls.run(lambda: self._request(texts))
        rows = {one.index: one.embedding for one in response.data}
        try:
            ordered = [rows[place] for place in range(len(texts))]
            return unit_rows(np.array(ordered, dtype=np.float32))
        except (KeyError, ValueError) as error:
            raise DependencyUnavailableError(
                "embedding_incomplete", "The embedding model did not give one vector per text."
            ) from error

    async def _request(self, texts: Sequence[str]) -> CreateEmbeddingResponse:
        async with one_call(self.model, self._timeout_s):
            return await self._connection.client.embeddings.create(
                model=self.model, input=list(texts)
            )
