"""An engine that knows nothing of rollouts: `python -m tests.e2e.capped_engine --port 8000 --data builtin`.

It thinks aloud before it answers, and goes on talking after it until its tokens are spent, as verbose models do. A cap
that is too low cuts its answers off; one that is not saves tokens and costs nothing.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

import typer
from aiohttp import web

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


class Engine:
    """Answers chat completions, obeys max_completion_tokens over max_tokens, refuses budgets of thinking as an engine
    that was started without a parser of reasoning, and reads no header."""

    def __init__(self, gold: dict[str, str]) -> None:
        self._gold = gold
        self.answered = self.tokens = 0

    def application(self) -> web.Application:
        """With the pages that engines have."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/metrics", self._metrics)
        for path in ("/health", "/v1/models"):
            app.router.add_get(path, self._nothing)
        return app

    async def _chat(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = json.loads(await request.read())
        if "thinking_token_budget" in body:
            words = "thinking_token_budget is set but reasoning_config is not configured"
            return web.json_response({"error": {"message": words, "code": 400}}, status=400)
        known = next((body[name] for name in ("max_completion_tokens", "max_tokens") if body.get(name)), WITHOUT_CAP)
        cap = min(int(known), WITHOUT_CAP)
        question = body["messages"][-1]["content"]
        message = {"role": "assistant", "content": answer(question, self._gold.get(question, "none"), cap)}
        choice = {"index": 0, "message": message, "finish_reason": "length"}
        self.answered += 1
        self.tokens += cap
        usage = {"prompt_tokens": 3, "completion_tokens": cap, "total_tokens": 3 + cap}
        return web.json_response({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage})

    async def _metrics(self, _: web.Request) -> web.Response:
        lines = [
            f"vllm:request_generation_tokens_count {self.answered}",
            f"vllm:request_generation_tokens_sum {self.tokens}",
        ]
        return web.Response(text="\n".join([*lines, ""]))

    async def _nothing(self, _: web.Request) -> web.Response:
        return web.Response()


def main(
    data: Annotated[str, typer.Option()],
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option()] = 8000,
) -> None:
    """Serve until the process is stopped."""
    gold = {each.question: each.gold[0] for each in load_recordings(data)}
    web.run_app(Engine(gold).application(), host=host, port=port, print=None, access_log=None)


if __name__ == "__main__":
    typer.run(main)
