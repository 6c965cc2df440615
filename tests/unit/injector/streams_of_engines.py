"""Streams and usages in which engines and services differ from each other, each with what is to be read from it.

The forms are those of the servers' own sources and of reports about them: SGLang, which writes reasoning beside the
other counts; xAI, which does not count it among them; LiteLLM before Anthropic, Ollama, TensorRT-LLM, TGI.
"""

from __future__ import annotations

from typing import Any

from earlystop.api.body_knobs import Api
from earlystop.injector.answers import Answer
from tests.unit.injector.public_streams import (
    CHAT,
    FOUR,
    MESSAGES,
    RESPONSES,
    STOP,
    STOPPED,
    TEXT,
    U9,
    Streamed,
    named,
    piece,
    response,
)
from tests.unit.injector.stub_engine import DONE, event

REASONED = Answer(9, 4, ("stop",))


def _usage(**told: Any) -> bytes:
    return event({"choices": [], "usage": told})


SGLANG = _usage(prompt_tokens=5, total_tokens=14, completion_tokens=9, prompt_tokens_details=None, reasoning_tokens=4)
SGLANG_ZERO = _usage(prompt_tokens=5, total_tokens=14, completion_tokens=9, reasoning_tokens=0)
BOTH = _usage(
    prompt_tokens=5, total_tokens=14, completion_tokens=9, reasoning_tokens=0,
    completion_tokens_details={"reasoning_tokens": 4},
)  # fmt: skip
APART = {
    "prompt_tokens": 32,
    "completion_tokens": 9,
    "total_tokens": 135,
    "completion_tokens_details": {"reasoning_tokens": 94},
}
XAI = _usage(**APART)
AMONG = _usage(**{**APART, "completion_tokens": 103})
NO_TOTAL = _usage(**{**APART, "total_tokens": None, "completion_tokens": 103})
ODD_TOTAL = _usage(**{**APART, "total_tokens": 999})

OF_ENGINES: tuple[Streamed, ...] = (
    Streamed("SGLang's reasoning beside the others", CHAT, [FOUR, STOP, SGLANG, DONE], REASONED, [SGLANG]),
    Streamed("none of it", CHAT, [FOUR, STOP, SGLANG_ZERO, DONE], STOPPED, [SGLANG_ZERO]),
    Streamed("told in both places", CHAT, [FOUR, STOP, BOTH, DONE], REASONED, [BOTH]),
    Streamed("xAI's reasoning apart", CHAT, [FOUR, STOP, XAI, DONE], Answer(103, 94, ("stop",)), [XAI]),
    Streamed("the same among the others", CHAT, [FOUR, STOP, AMONG, DONE], Answer(103, 94, ("stop",)), [AMONG]),
    Streamed("no total", CHAT, [FOUR, STOP, NO_TOTAL, DONE], Answer(103, 94, ("stop",)), [NO_TOTAL]),
    Streamed("a total of something else", CHAT, [FOUR, STOP, ODD_TOTAL, DONE], Answer(9, 94, ("stop",)), [ODD_TOTAL]),
    Streamed(
        "SGLang's reason for the last choice alone",
        CHAT,
        [FOUR, piece({"content": "5"}, None, 1), piece({}, "stop", 1), U9, DONE],
        STOPPED,
        [U9],
    ),
    Streamed(
        "SGLang's own extension after the usage",
        CHAT,
        [FOUR, STOP, U9, event({"choices": [], "sglext": {"cached_tokens_details": {"device": 1}}}), DONE],
        STOPPED,
        [U9],
    ),
    Streamed(
        "SGLang's abort as a word",
        TEXT,
        [event({"choices": [{"index": 0, "text": "", "finish_reason": "abort"}]}), U9, DONE],
        None,
        [U9],
    ),
    Streamed(
        "SGLang's error in a stream",
        CHAT,
        [FOUR, event({"error": {"object": "error", "message": "KV cache is full", "code": 503}}), DONE],
        None,
    ),
    Streamed(
        "a role and a content that are null",
        CHAT,
        [piece({"role": None, "content": None}), FOUR, STOP, U9, DONE],
        STOPPED,
        [U9],
    ),
    Streamed(
        "reasoning beside null",
        CHAT,
        [piece({"content": None, "reasoning_content": "hm"}), STOP, U9, DONE],
        Answer(9, 0, ("stop",), True),
        [U9],
    ),
    Streamed(
        "Ollama's null reason",
        CHAT,
        [piece({"role": "assistant", "content": "4", "reasoning": "hm"}, None), STOP, U9, DONE],
        STOPPED,
        [U9],
    ),
    Streamed(
        "a fingerprint of an empty piece",
        CHAT,
        [event({"id": "c", "choices": [], "system_fingerprint": "fp"}), *(FOUR, STOP, U9, DONE)],
        STOPPED,
        [U9],
    ),
    Streamed("a comment after the end", CHAT, [FOUR, STOP, U9, DONE, b": bye\n\n"], STOPPED, [U9]),
    Streamed("a reason in capitals", CHAT, [FOUR, piece({}, "STOP"), U9, DONE], STOPPED, [U9]),
    Streamed(
        "a reason of tools in capitals",
        CHAT,
        [piece({"tool_calls": [{"index": 0}]}), piece({}, "TOOL_CALLS"), U9, DONE],
        Answer(9, 0, ("tool_calls",)),
        [U9],
    ),
    Streamed(
        "a reason nobody knows", CHAT, [FOUR, piece({}, "budget_exhausted"), U9, DONE], Answer(9, 0, ("other",)), [U9]
    ),
    Streamed(
        "a count below 0",
        CHAT,
        [FOUR, STOP, _usage(completion_tokens=-1), DONE],
        Answer(None, 0, ("stop",)),
        [_usage(completion_tokens=-1)],
    ),
    Streamed(
        "a count that is text",
        CHAT,
        [FOUR, STOP, _usage(completion_tokens="9"), DONE],
        STOPPED,
        [_usage(completion_tokens="9")],
    ),
    Streamed(
        "the count of Anthropic's thinking in messages",
        MESSAGES,
        [
            named("message_start", message={"content": [], "usage": {"input_tokens": 5, "output_tokens": 1}}),
            named("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""}),
            named("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"}),
            named("content_block_start", index=1, content_block={"type": "text", "text": ""}),
            named("content_block_delta", index=1, delta={"type": "text_delta", "text": "4"}),
            named("message_delta", delta={"stop_reason": "end_turn"}, usage={"input_tokens": 5, "output_tokens": 9}),
            named("message_stop"),
        ],
        STOPPED,
    ),
    Streamed(
        "what Bedrock says at the end of messages",
        MESSAGES,
        [
            named("content_block_delta", index=0, delta={"type": "text_delta", "text": "4"}),
            named("message_delta", delta={"stop_reason": "stop_sequence"}, usage={"output_tokens": 9}),
            named("message_stop", **{"amazon-bedrock-invocationMetrics": {"outputTokenCount": 9}}),
        ],
        STOPPED,
    ),
    Streamed(
        "a response that waits in a queue first",
        RESPONSES,
        [
            response("response.queued", "queued", None),
            response("response.in_progress", "in_progress", None),
            named("response.output_text.delta", delta="4"),
            response("response.completed", "completed", 9),
        ],
        STOPPED,
    ),
    Streamed("a response that is cancelled", RESPONSES, [response("response.incomplete", "cancelled", 9)], None),
)

WHOLE: tuple[tuple[Api, Any, Answer | None], ...] = (
    (
        CHAT,
        {"choices": [{"message": {"content": "4"}, "finish_reason": "stop"}], "usage": APART},
        Answer(103, 94, ("stop",)),
    ),
    (
        RESPONSES,
        {
            "object": "response",
            "status": "completed",
            "output": [{"type": "function_call"}],
            "usage": {
                "input_tokens": 5,
                "output_tokens": 9,
                "total_tokens": 14,
                "output_tokens_details": {"reasoning_tokens": 4},
            },
        },
        Answer(9, 4, ("stop",)),
    ),
    (
        CHAT,
        {
            "choices": [
                {
                    "message": {"content": None, "reasoning_content": "hm"},
                    "finish_reason": "length",
                    "matched_stop": None,
                }
            ],
            "usage": {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14, "reasoning_tokens": 9},
        },
        Answer(9, 9, ("length",), True),
    ),
)
"""Whole bodies with status 200, and what is read from them."""
