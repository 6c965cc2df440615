"""Another client that nobody here wrote, the Anthropic library, notices nothing of the injector but the setting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from anthropic import AsyncAnthropic, BadRequestError
from anthropic.types import MessageParam, ToolParam

from earlystop.api.body_knobs import Engine
from earlystop.api.body_settings import body_settings
from earlystop.injector.proxy import InjectorSettings
from earlystop.injector.settings import read_words
from tests.unit.injector.stub_engine import StubEngine, running
from tests.unit.injector.through import HEADERS, Client, client_of

TOKENS = 9
ASKED: list[MessageParam] = [{"role": "user", "content": "2+2?"}]
TOOL: ToolParam = {"name": "add", "description": "Adds.", "input_schema": {"type": "object", "properties": {}}}
SETTINGS = InjectorSettings(body_settings(read_words(Engine.VLLM, ["cap=AnswerCap", "budget=ThinkingBudget"])))


def message(*content: Mapping[str, Any], stop_reason: str | None = "end_turn", tokens: int = TOKENS) -> dict[str, Any]:
    """A message as engines answer with."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": list(content),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": tokens},
    }


def named_event(told: Mapping[str, Any]) -> bytes:
    """One server-sent event of the Messages API, which names its type twice."""
    return f"event: {told['type']}\ndata: {json.dumps(told)}\n\n".encode()


STREAM = [
    named_event({"type": "message_start", "message": message(stop_reason=None, tokens=1)}),
    named_event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    named_event({"type": "ping"}),
    named_event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "fo"}}),
    named_event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ur"}}),
    named_event({"type": "content_block_stop", "index": 0}),
    named_event(
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": TOKENS},
        }
    ),
    named_event({"type": "message_stop"}),
]


def library(asking: Client, **headers: str) -> AsyncAnthropic:
    """The library, which asks as a gateway's requests come."""
    return AsyncAnthropic(
        base_url=asking.url, api_key="k", default_headers={**HEADERS, **headers}, max_retries=0, timeout=10.0
    )


@pytest.mark.slow
async def test_messages_whole_and_as_a_stream_of_the_anthropic_library_work_and_are_counted() -> None:
    engine = StubEngine(plain=json.dumps(message({"type": "text", "text": "4"})).encode())
    async with running(engine) as url, client_of(url, SETTINGS) as asking, library(asking) as anthropic:
        whole = await anthropic.messages.create(model="m", max_tokens=100, messages=ASKED)
        assert whole.content[0].type == "text" and whole.content[0].text == "4"
        small = await anthropic.messages.create(model="m", max_tokens=5, messages=ASKED)
        assert small.usage.output_tokens == TOKENS
        engine.pieces = STREAM
        async with anthropic.messages.stream(model="m", max_tokens=100, messages=ASKED) as stream:
            words = [word async for word in stream.text_stream]
            last = await stream.get_final_message()
        assert (words, last.stop_reason, last.usage.output_tokens) == (["fo", "ur"], "end_turn", TOKENS)
        sent = [json.loads(body) for body, _ in engine.received]
        assert [each["max_tokens"] for each in sent] == [20, 5, 20]
        assert not any("stream_options" in each for each in sent), "this API tells its usage unasked"
        counts = await asking.counts()
        assert (counts["completed"], counts["tokens"], counts["failed"]) == (3, 3 * TOKENS, 0)


async def test_tools_and_thinking_of_the_anthropic_library_keep_all_but_the_budget() -> None:
    used = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 2}}
    thought = {"type": "thinking", "thinking": "Two and two.", "signature": "s"}
    engine = StubEngine(plain=json.dumps(message(thought, used, stop_reason="tool_use")).encode())
    budget = {"x-early-stop-param-budget": "1024"}
    async with running(engine) as url, client_of(url, SETTINGS) as asking, library(asking, **budget) as anthropic:
        answer = await anthropic.messages.create(
            model="m",
            max_tokens=8192,
            messages=ASKED,
            tools=[TOOL],
            thinking={"type": "enabled", "budget_tokens": 4096},
        )
        assert [each.type for each in answer.content] == ["thinking", "tool_use"]
        (body, _) = engine.received[0]
        sent = json.loads(body)
        assert sent["thinking"] == {"type": "enabled", "budget_tokens": 1024}
        assert sent["tools"] == [TOOL]
        counts = await asking.counts()
        assert (counts["completed"], counts["empty"]) == (1, 0)


async def test_an_engines_refusal_reaches_the_anthropic_library_in_the_engines_words() -> None:
    refusal = {"type": "error", "error": {"type": "invalid_request_error", "message": "budget_tokens is too small"}}
    engine = StubEngine(status=400, plain=json.dumps(refusal).encode())
    async with running(engine) as url, client_of(url, SETTINGS) as asking, library(asking) as anthropic:
        with pytest.raises(BadRequestError, match="budget_tokens is too small"):
            await anthropic.messages.create(model="m", max_tokens=100, messages=ASKED)
        assert (await asking.counts())["failed"] == 1
