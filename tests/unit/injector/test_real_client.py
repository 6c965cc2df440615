"""A client that nobody here wrote, the OpenAI library, notices nothing of the injector but the setting."""

from __future__ import annotations

import json

import pytest
from openai import AsyncOpenAI, BadRequestError
from openai.types.chat import ChatCompletionChunk

from tests.unit.injector.stub_engine import TOKENS, StubEngine, completion, event, running
from tests.unit.injector.through import HEADERS, Client, client_of

RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "m",
    "output": [
        {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "4", "annotations": []}],
        }
    ],
    "parallel_tool_calls": False,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": TOKENS,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 3 + TOKENS,
    },
}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}


def library(asking: Client) -> AsyncOpenAI:
    """The library, which asks as a gateway's requests come."""
    return AsyncOpenAI(base_url=f"{asking.url}/v1", api_key="k", default_headers=dict(HEADERS), max_retries=0)


async def test_chats_streams_tools_and_completions_of_the_openai_library_work_and_are_counted() -> None:
    engine = StubEngine()
    async with running(engine) as url, client_of(url) as asking, library(asking) as openai:
        chat = await openai.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "2+2?"}], seed=2**60
        )
        assert chat.choices[0].message.content == "4"
        assert chat.usage is not None and chat.usage.completion_tokens == TOKENS
        stream = await openai.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "2+2?"}], stream=True
        )
        chunks: list[ChatCompletionChunk] = [each async for each in stream]
        assert "".join(each.choices[0].delta.content or "" for each in chunks) == "four"
        assert not any(each.usage for each in chunks)
        call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        engine.plain = completion(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])
        used = await openai.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "2+2?"}],
            tools=[TOOL],  # type: ignore[list-item]
            max_tokens=5,
        )
        assert used.choices[0].message.tool_calls is not None
        sent = [json.loads(body) for body, _ in engine.received]
        assert [each.get("max_completion_tokens") for each in sent] == [20, 20, None]
        assert (sent[0]["seed"], sent[2]["max_tokens"]) == (2**60, 5)
        assert (await asking.counts())["completed"] == 3


@pytest.mark.slow
async def test_responses_of_the_openai_library_work_whole_and_as_a_stream() -> None:
    engine = StubEngine(plain=json.dumps(RESPONSE).encode())
    async with running(engine) as url, client_of(url) as asking, library(asking) as openai:
        whole = await openai.responses.create(model="m", input="2+2?", max_output_tokens=100)
        assert whole.output_text == "4"
        last = {"type": "response.completed", "sequence_number": 1, "response": RESPONSE}
        engine.pieces = [event(last)]
        stream = await openai.responses.create(model="m", input="2+2?", stream=True)
        assert [each.type async for each in stream] == ["response.completed"]
        assert [json.loads(body)["max_output_tokens"] for body, _ in engine.received] == [20, 20]
        assert (await asking.counts())["tokens"] == 2 * TOKENS


async def test_an_engines_refusal_reaches_the_openai_library_in_the_engines_words() -> None:
    refusal = b'{"error":{"message":"reasoning_config is not configured","type":"x","code":400}}'
    engine = StubEngine(status=400, plain=refusal)
    async with running(engine) as url, client_of(url) as asking, library(asking) as openai:
        with pytest.raises(BadRequestError, match="reasoning_config is not configured"):
            await openai.chat.completions.create(model="m", messages=[{"role": "user", "content": "2+2?"}])
        assert (await asking.counts())["failed"] == 1
