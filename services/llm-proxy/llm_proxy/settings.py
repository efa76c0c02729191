"""Settings of llm-proxy, read once at start from CLIENTSPHERE_LLM_PROXY_* variables."""

from __future__ import annotations

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_URL_OR_EMPTY = r"^(https?://\S+)?$"


class LlmProxySettings(BaseSettings):
    """A missing or impossible value stops the process before it accepts a call.

    Without a base URL the embedded models serve: nothing leaves the machine.
    """

    model_config = SettingsConfigDict(
        env_prefix="CLIENTSPHERE_LLM_PROXY_", frozen=True, validate_default=True
    )

    completion_base_url: str = Field(
        default="",
        pattern=_URL_OR_EMPTY,
        description="Base URL of an OpenAI-compatible API that writes the answers, as a rule ending"
        " in `/v1`. Empty: answers quote the passages.",
    )
    completion_model: str = Field(
        default="", description="Name of the model there; required with the URL."
    )
    completion_timeout_s: float = Field(
        default=120, gt=0, description="Longest time that one answer may take, in seconds."
    )
    completion_silence_s: float = Field(
        default=30,
        gt=0,
        description="Longest wait for the first or the next piece of an answer, in seconds.",
    )
    embedding_base_url: str = Field(
        default="",
        pattern=_URL_OR_EMPTY,
        description="Base URL of an OpenAI-compatible API that embeds. Empty: the static model that"
        " comes with the product does. Changing the embedding model makes a new index necessary.",
    )
    embedding_model: str = Field(
        default="", description="Name of the model there; required with the URL."
    )
    embedding_dimension: int = Field(
        default=0,
        ge=0,
        le=8192,
        description="Length of that model's vectors, in numbers; required with the URL.",
    )
    embedding_timeout_s: float = Field(
        default=30, gt=0, description="Longest time that one batch of texts may take, in seconds."
    )
    connect_timeout_s: float = Field(
        default=5, gt=0, description="Longest time to connect to either API, in seconds."
    )
    max_texts: int = Field(
        default=256, ge=1, le=256, description="Most texts in one embedding request."
    )
    max_embedding_chars: int = Field(
        default=2_000_000, ge=1, description="Most characters in one embedding request, together."
    )
    max_prompt_chars: int = Field(
        default=400_000,
        ge=1,
        description="Most characters in the messages, and in the passages, of one question.",
    )
    extractive_min_support: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of a question, weighed by how telling its words are, that a passage must"
        " speak about before it is quoted as the answer. Higher declines more.",
    )
    extractive_further_share: float = Field(
        default=0.85,
        gt=0,
        le=1,
        description="Share of the best sentence's score that a further quoted sentence needs.",
    )
    extractive_max_sentences: int = Field(
        default=3, ge=1, le=10, description="Most sentences that an answer quotes."
    )

    @model_validator(mode="after")
    def _models_are_complete(self) -> LlmProxySettings:
        completion = (self.completion_base_url, self.completion_model)
        if any(completion) and not all(completion):
            raise ValueError("completion_base_url and completion_model belong together")
        embedding = (self.embedding_base_url, self.embedding_model, self.embedding_dimension)
        if any(embedding) and not all(embedding):
            raise ValueError(
                "embedding_base_url, embedding_model and embedding_dimension belong together"
            )
        return self
