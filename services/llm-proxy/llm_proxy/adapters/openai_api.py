"""The connection to any API that speaks OpenAI's protocol: OpenAI's own, vLLM, Ollama, llama.cpp.

Imported only where such an API is configured: the package costs a second of start time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import openai
import structlog

from clientsphere_common.errors import (
    DeadlineExceededError,
    DependencyUnavailableError,
    InvalidInputError,
    LimitExceededError,
    ServiceError,
)
from clientsphere_common.resilience.calls import CallPolicy, RemoteCalls
from clientsphere_common.resilience.metrics import CallMetrics
from clientsphere_common.resilience.retries import RetryPolicy
from llm_proxy.own_secrets import ApiKey

log = structlog.get_logger(__name__)

_NO_KEY = "none"
_RETRY_AFTER_S = 1.0
CALL_POLICY = CallPolicy(
    # Not a timeout: who has waited that long is not helped by waiting as long again.
    RetryPolicy(tries=3, retry_on=frozenset({"model_unavailable", "model_overloaded"}))
)
_REQUEST_REFUSED = (400, 413, 422)
_ACCESS_REFUSED = (401, 403, 404)


@dataclass(frozen=True)
class ApiAccess:
    base_url: str
    api_key: ApiKey
    connect_timeout_s: float
    silence_s: float
    """Longest wait for the next bytes."""


class OpenAiConnection:
    """A pool of connections to one API, usable between `start` and `stop`.

    Requests are made through `calls`.
    """

    def __init__(
        self,
        name: str,
        access: ApiAccess,
        policy: CallPolicy = CALL_POLICY,
        metrics: CallMetrics | None = None,
    ) -> None:
        self.name = name
        self.calls = RemoteCalls(name.replace("_", " "), policy, metrics)
        self._access = access
        self._client: openai.AsyncOpenAI | None = None

    @property
    def client(self) -> openai.AsyncOpenAI:
        if self._client is None:
            raise RuntimeError("start() has not been called")
        return self._client

    async def start(self) -> None:
        # Made here, not in the constructor: connections belong to the loop that runs them.
        access = self._access

        async def newest_key() -> str:
            return access.api_key() or _NO_KEY

        self._client = openai.AsyncOpenAI(
            base_url=access.base_url,
            # Asked before each request.
            api_key=newest_key,
            # Those of `calls` have a budget.
            max_retries=0,
            timeout=openai.Timeout(access.silence_s, connect=access.connect_timeout_s),
            # Documents and questions go to the address that was configured, and to no other.
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),
        )

    async def stop(self) -> None:
        await self.client.close()


@asynccontextmanager
async def one_call(model: str, timeout_s: float) -> AsyncIterator[None]:
    """Ends what runs inside after `timeout_s`, and turns the API's failures into ours.

    The API's own words stay out of messages and logs: they may quote the prompt or the key.
    """
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except (TimeoutError, openai.APITimeoutError) as error:
        log.warning("model_timed_out", model=model)
        raise DeadlineExceededError("model_timeout", "The model did not answer in time.") from error
    except openai.APIStatusError as error:
        log.warning("model_refused", model=model, status=error.status_code, reason=error.code)
        raise _refusal(error) from error
    except (openai.OpenAIError, json.JSONDecodeError) as error:
        log.warning("model_failed", model=model, error=type(error).__name__)
        raise DependencyUnavailableError(
            "model_unavailable", "The model does not answer."
        ) from error


def _refusal(error: openai.APIStatusError) -> ServiceError:
    if error.status_code == 429:
        return LimitExceededError(
            "model_overloaded",
            "The model takes no more requests at the moment.",
            retry_after_s=_retry_after_s(error),
        )
    if error.status_code in _REQUEST_REFUSED:
        return InvalidInputError(
            "model_refused_request", "The model refused the request; it may be too long."
        )
    if error.status_code in _ACCESS_REFUSED:
        return DependencyUnavailableError(
            "model_access_refused", "The model's API does not know our key or the model."
        )
    return DependencyUnavailableError(
        "model_unavailable", "The model does not answer.", retry_after_s=_retry_after_s(error)
    )


def _retry_after_s(error: openai.APIStatusError) -> float:
    """What the API asks for in seconds, 0 when it asks for nothing; a date counts as one second."""
    value = error.response.headers.get("retry-after", "0")
    return float(value) if value.isdecimal() else _RETRY_AFTER_S
