"""With an OpenAI-compatible model configured, its words are tied to the documents all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clientsphere_common.answers import NO_ANSWER
from tests.harness.openai_server import OpenAiServer, Refusal, openai_server, said
from tests.harness.product import Product, Tenant, upload, wait_until_settled

QUESTION = {"question": "When does the canteen open?"}
NOTE = b"The canteen opens at noon every day. Lunch costs 4 euros.\n"


class Desk:
    """A tenant with one document, at a product whose answers a scripted model writes."""

    def __init__(self, product: Product, tenant: Tenant, model: OpenAiServer) -> None:
        self.product = product
        self.tenant = tenant
        self.model = model

    async def ask(self) -> tuple[int, dict[str, Any]]:
        return await asyncio.to_thread(self._ask)

    def _ask(self) -> tuple[int, dict[str, Any]]:
        with self.product.client(self.tenant.api_key) as client:
            response = client.post("/v1/chat", json=QUESTION)
        return response.status_code, response.json()


def move_in(product: Product) -> Tenant:
    product.start()
    tenant = product.create_tenant("writers")
    with product.client(tenant.api_key) as client:
        document = upload(client, "canteen.txt", NOTE).json()
        wait_until_settled(client, {document["id"]})
    return tenant


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with openai_server() as model:
        product = Product(
            tmp_path / "data",
            environment={
                "CLIENTSPHERE_LLM_PROXY_COMPLETION_BASE_URL": model.base_url,
                "CLIENTSPHERE_LLM_PROXY_COMPLETION_API_KEY": "sk-test",
                "CLIENTSPHERE_LLM_PROXY_COMPLETION_MODEL": "served-model",
            },
        )
        tenant = await asyncio.to_thread(move_in, product)
        yield Desk(product, tenant, model)
        await asyncio.to_thread(product.stop)


class TestAnAnswerOfAWritingModel:
    async def test_is_cited_declined_or_refused_as_it_deserves(self, desk: Desk) -> None:
        desk.model.chat = said("It opens at noon every day, ", "the canteen [1].")
        _, answer = await desk.ask()
        assert answer["answered"]
        assert answer["model"] == "served-model"
        assert answer["usage"] == {"input_tokens": 12, "output_tokens": 3}
        assert [one["quote"] for one in answer["citations"]] == [
            "The canteen opens at noon every day."
        ]
        assert answer["groundedness"] == 1.0

        desk.model.chat = said("The moon is made of cheese and honey [1].")
        _, answer = await desk.ask()
        assert answer["groundedness"] == 0.0
        assert answer["citations"] == []

        desk.model.chat = said(NO_ANSWER)
        _, answer = await desk.ask()
        assert not answer["answered"]
        assert NO_ANSWER not in answer["answer"]

        desk.model.chat = Refusal(503)
        status, problem = await desk.ask()
        assert (status, problem["code"]) == (503, "model_unavailable")

    async def test_rests_on_a_prompt_with_the_passages_and_the_rules(self, desk: Desk) -> None:
        desk.model.chat = said("It opens at noon every day [1].")
        await desk.ask()
        system, user = desk.model.requests[-1]["messages"]
        assert desk.model.authorization == "Bearer sk-test"
        assert "The canteen opens at noon every day." in system["content"]
        assert user == {"role": "user", "content": QUESTION["question"]}
