"""Vectors of questions, kept for those who ask the same again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from clientsphere_common.cache.model import CacheKey
from clientsphere_common.cache.ports import Cache
from clientsphere_common.vectors.wire import decode_vectors, encode_vector
from retrieval.ports import EmbeddingModel

_NUMBER_BYTES = 4


class CachedQuestionEmbedder:
    """Asks `model` for what `cache` does not have.

    A vector is kept under the name of its model. Which one answers is known from its last answer:
    the first question after a start always goes to the model, and so the change to another model
    is noticed at the first question that is new, and after `ttl_s` at the latest.
    """

    def __init__(self, model: EmbeddingModel, cache: Cache, ttl_s: float) -> None:
        self._model = model
        self._cache = cache
        self._ttl_s = ttl_s
        self._model_name: str | None = None

    async def embed(self, tenant_id: str, question: str) -> Sequence[float]:
        if self._model_name is not None:
            kept = await self._cache.get(_key(tenant_id, self._model_name, question))
            if kept is not None:
                return decode_vectors(kept, len(kept) // _NUMBER_BYTES)[0]
        embedded = await self._model.embed(question)
        self._model_name = embedded.model
        key = _key(tenant_id, embedded.model, question)
        await self._cache.set(key, encode_vector(embedded.vector), self._ttl_s)
        return embedded.vector


def _key(tenant_id: str, model_name: str, question: str) -> CacheKey:
    digest = hashlib.sha256(question.encode()).hexdigest()
    return CacheKey(tenant_id, ("question-vector", model_name, digest))
