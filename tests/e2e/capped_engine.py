"""An engine that knows nothing of rollouts: `python -m tests.e2e.capped_engine --kind VLLM --port 8000 --data builtin`.

It reads bodies as vLLM, SGLang or a service behind OpenAI's API does, and has the pages of that one. It thinks aloud
before it answers, and goes on talking after it until its tokens are spent, as verbose models do. A cap that is too low
cuts its answers off; one that is not saves tokens and costs nothing.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

import typer
from aiohttp import web

from earlystop.api.body_knobs import Engine
from earlystop.demo.recordings import load_recordings

LONGEST_THOUGHT = 30
"""Tokens that a question's working takes at most; each question's own number is drawn from its text."""
WITHOUT_CAP = 48
RIGHT_IN_TEN = 8


def thought(question: str) -> int:
    """Tokens before the answer, 1 to LONGEST_THOUGHT."""
    return 1 + hashlib.sha256(question.encode()).digest()[0] % LONGEST_THOUGHT


def answer(question: str, gold: str, cap: int) -> str:
    """The text of `cap` tokens: working, answer, talk, as far as it comes."""
    right = hashlib.sha256(question.encode()).digest()[1] % 10 < RIGHT_IN_TEN
    words = [*["hm"] * thought(question), "Answer: " + (gold if right else "none") + "\n", *["so"] * WITHOUT_CAP]
    return " ".join(words[:cap])


ASKED = "/asked-of-the-stub"
"""A page of no engine's: how many questions were answered."""
COUNTERS = {Engine.VLLM: "vllm:request_generation_tokens", Engine.SGLANG: "sglang:generation_tokens_histogram"}
"""How the engine's own histogram of an answer's tokens is called; none of an OpenAI-like service."""
OPENAI_FIELDS = frozenset(
    {"messages", "model", "max_completion_tokens", "max_tokens", "n", "seed", "stream", "stream_options"}
    | {"temperature", "top_p", "user", "reasoning_effort", "stop"}
)


class CappedEngine:
    """Answers chat completions, obeys max_completion_tokens over max_tokens, and reads no header.

    VLLM refuses budgets of thinking as when it was started without a parser of reasoning. OpenAI refuses fields that it
    does not know, and the two names of a cap beside each other. The others leave out what they do not know.
    """

    def __init__(self, kind: Engine, gold: dict[str, str]) -> None:
        self._kind = kind
        self._gold = gold
        self.answered = self.tokens = 0

    def application(self) -> web.Application:
        """With the pages that engines have."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get(ASKED, self._asked)
        app.router.add_get("/v1/models", self._nothing)
        if self._kind in COUNTERS:
            app.router.add_get("/metrics", self._metrics)
            app.router.add_get("/health", self._nothing)
        return app

    def _refused(self, body: dict[str, Any]) -> str:
        """The engine's words for a body that it does not take, "" for one that it does."""
        if self._kind is Engine.VLLM and "thinking_token_budget" in body:
            return "thinking_token_budget is set but reasoning_config is not configured"
        if self._kind is not Engine.OPENAI:
            return ""
        if {"max_completion_tokens", "max_tokens"} <= body.keys():
            return "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        unknown = sorted(body.keys() - OPENAI_FIELDS)
        return f"Unrecognized request argument supplied: {unknown[0]}" if unknown else ""

    async def _chat(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = json.loads(await request.read())
        words = self._refused(body)
        if words:
            return web.json_response({"error": {"message": words, "code": 400}}, status=400)
        known = next((body[name] for name in ("max_completion_tokens", "max_tokens") if body.get(name)), WITHOUT_CAP)
        cap = min(int(known), WITHOUT_CAP)
        question = body["messages"][-1]["content"]
        message = {"role": "assistant", "content": answer(question, self._gold.get(question, "none"), cap)}
        choice = {"index": 0, "message": message, "finish_reason": "length"}
        self.answered += 1
        self.tokens += cap
        usage: dict[str, Any] = {"prompt_tokens": 3, "completion_tokens": cap, "total_tokens": 3 + cap}
        if self._kind is Engine.OPENAI:
            usage["completion_tokens_details"] = {"reasoning_tokens": 0}
        if self._kind is Engine.SGLANG:
            usage["reasoning_tokens"] = 0
        return web.json_response({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage})

    async def _metrics(self, _: web.Request) -> web.Response:
        name = COUNTERS[self._kind]
        return web.Response(text=f"{name}_count {self.answered}\n{name}_sum {self.tokens}\n")

    async def _asked(self, _: web.Request) -> web.Response:
        return web.Response(text=f"answered {self.answered}\n")

    async def _nothing(self, _: web.Request) -> web.Response:
        return web.Response()


def main(
    data: Annotated[str, typer.Option()],
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option()] = 8000,
    kind: Annotated[Engine, typer.Option()] = Engine.VLLM,
) -> None:
    """Serve until the process is stopped."""
    gold = {each.question: each.gold[0] for each in load_recordings(data)}
    web.run_app(CappedEngine(kind, gold).application(), host=host, port=port, print=None, access_log=None)


if __name__ == "__main__":
    typer.run(main)
