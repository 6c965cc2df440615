"""Streams whose usage comes without choices, or in other places, as engines, services and proxies really send it.

The forms are those of reports: ROCm/ATOM#1711, Oaklight/llm-rosetta#55, tashfeenahmed/freellmapi#156 and
Portkey-AI/gateway#1629 (no choices); huggingface/text-generation-inference#3003 (none for the last chunk);
ggml-org/llama.cpp#16048 (timings beside); st3w4r/openai-partial-stream#22 and epam/ai-dial-adapter-openai#81 (Azure);
BerriAI/litellm#17136, #34382 (usage before the last chunk, events of another API); router-for-me/CLIProxyAPI#3077
(zeros before the real count); camel-ai/camel#4217, sgl-project/sglang#12241 (usage in several pieces);
northes/go-moonshot#17, higress-group/higress#1568 (in the choice); vercel/ai#1651 (Groq's own member);
langwatch/tasks#700 (a warning); fumito-ito/AnthropicSwiftSDK#7, karthink/gptel#1331 (messages).
"""

from __future__ import annotations

from typing import Any

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
    usage,
)
from tests.unit.injector.stub_engine import DONE, event

USAGE = {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14}
ZERO = {"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5}
HEAD = {"id": "c", "object": "chat.completion.chunk", "created": 1773900000, "model": "m"}
TIMINGS = {"prompt_n": 5, "predicted_n": 9, "predicted_per_second": 35.4}
UNKNOWN = Answer(None, 0, ("stop",))


def bare(count: int = 9, **more: Any) -> bytes:
    """A usage with what an event is about, and no list of choices."""
    return event({**HEAD, "usage": {**USAGE, "completion_tokens": count}, **more})


def _text(text: str, finish: Any = None) -> bytes:
    return event({"object": "text_completion", "choices": [{"index": 0, "text": text, "finish_reason": finish}]})


def _said(text: str) -> bytes:
    return named("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


NOTHING_ELSE = event({"usage": USAGE})
OF_TEXT = event({**HEAD, "object": "text_completion", "usage": USAGE})
WITH_TIMINGS = event({**HEAD, "choices": [], "usage": USAGE, "timings": TIMINGS})
NULL_WITH_FINGERPRINT = event({**HEAD, "system_fingerprint": "fp", "choices": None, "usage": USAGE})
OBJECT = event({**HEAD, "choices": {}, "usage": USAGE})
ERROR = event({**HEAD, "choices": [], "usage": USAGE, "error": {"code": 502, "message": "x"}})
BARE_ERROR = event({"error": {"message": "x"}, "usage": USAGE})
OTHER_WORDS = event({**HEAD, "usage": USAGE, "citations": ["https://example.com"]})
PROMPT_FILTER = event(
    {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [{}], "usage": None}
)
FILTER_WITHOUT_CHOICES = event({"id": "", "prompt_filter_results": [{"prompt_index": 0}]})
TRUE_START = named("message_start", message={"content": [], "usage": {"input_tokens": 9, "output_tokens": 2}})
TOTAL = named("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9})
END = named("message_stop")

WITHOUT_CHOICES: tuple[Streamed, ...] = (
    # no list of choices at all
    Streamed("ATOM's usage", CHAT, [FOUR, STOP, bare(), DONE], STOPPED, [bare()]),
    Streamed("ATOM's usage of a text", TEXT, [_text("4"), _text("", "stop"), OF_TEXT, DONE], STOPPED, [OF_TEXT]),
    Streamed("nothing but a usage", CHAT, [FOUR, STOP, NOTHING_ELSE, DONE], STOPPED, [NOTHING_ELSE]),
    Streamed(
        "a usage between the pieces, and one that has grown",
        CHAT,
        [FOUR, bare(4), piece({"content": "2"}), STOP, bare(), DONE],
        STOPPED,
        [bare(4), bare()],
    ),
    Streamed("the same without a mark of the end", CHAT, [FOUR, STOP, bare()], STOPPED, [bare()]),
    Streamed("after the mark of the end", CHAT, [FOUR, STOP, DONE, bare()], STOPPED, [bare()]),
    Streamed("TGI's null", CHAT, [FOUR, STOP, NULL_WITH_FINGERPRINT, DONE], STOPPED, [NULL_WITH_FINGERPRINT]),
    Streamed("choices that are no list", CHAT, [FOUR, STOP, OBJECT, DONE], STOPPED, [OBJECT]),
    Streamed("what else a client may want stays", CHAT, [FOUR, STOP, OTHER_WORDS, DONE], STOPPED),
    Streamed("llama.cpp's timings", CHAT, [FOUR, STOP, WITH_TIMINGS, DONE], STOPPED, [WITH_TIMINGS]),
    # an error is never kept from a client
    Streamed("an error beside the usage", CHAT, [FOUR, ERROR, DONE], None),
    Streamed("the same without choices", CHAT, [FOUR, BARE_ERROR, DONE], None),
    Streamed(
        "a warning of a proxy", CHAT, [FOUR, STOP, event({"warning": "no usage on stream"}), U9, DONE], STOPPED, [U9]
    ),
    # Azure
    Streamed("Azure's filter of the prompt", CHAT, [PROMPT_FILTER, FOUR, STOP, U9, DONE], STOPPED, [U9]),
    Streamed("the same without choices", CHAT, [FILTER_WITHOUT_CHOICES, FOUR, STOP, bare(), DONE], STOPPED, [bare()]),
    # which one counts
    Streamed(
        "zeros in each piece, the count at last",
        CHAT,
        [piece({"content": "4"}, usage=ZERO), piece({}, "stop", usage=ZERO), U9, DONE],
        STOPPED,
        [U9],
    ),
    Streamed(
        "the count with the reason, zeros at last",
        CHAT,
        [FOUR, piece({}, "stop", usage=USAGE), usage(0), DONE],
        STOPPED,
        [usage(0)],
    ),
    Streamed(
        "LiteLLM's usage before an empty chunk",
        CHAT,
        [FOUR, piece({}, "stop", usage=USAGE), event({**HEAD, "choices": []}), DONE],
        STOPPED,
    ),
    Streamed(
        "the same usage in two pieces", CHAT, [FOUR, piece({}, "stop", usage=USAGE), bare(), DONE], STOPPED, [bare()]
    ),
    Streamed(
        "a usage that holds nothing",
        CHAT,
        [FOUR, piece({}, "stop", usage=USAGE), event({"choices": [], "usage": {}}), DONE],
        STOPPED,
        [event({"choices": [], "usage": {}})],
    ),
    # other places
    Streamed(
        "Moonshot's usage in the choice",
        CHAT,
        [FOUR, event({**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE}]}), DONE],
        STOPPED,
    ),
    Streamed(
        "the same, and one that was asked for",
        CHAT,
        [FOUR, event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE}]}), U9, DONE],
        STOPPED,
        [U9],
    ),
    Streamed(
        "a response's event in a chat's stream",
        CHAT,
        [FOUR, STOP, event({"type": "response.completed", "response": {"usage": {"output_tokens": 9}}}), DONE],
        STOPPED,
    ),
    # Messages
    Streamed("what message_start counts is not the answer's", MESSAGES, [TRUE_START, _said("4"), TOTAL, END], STOPPED),
    Streamed(
        "no usage at the end of a message",
        MESSAGES,
        [TRUE_START, _said("4"), named("message_delta", delta={"stop_reason": "end_turn"}), END],
        UNKNOWN,
    ),
    Streamed(
        "null there",
        MESSAGES,
        [TRUE_START, _said("4"), named("message_delta", delta={"stop_reason": "end_turn"}, usage=None), END],
        UNKNOWN,
    ),
    Streamed(
        "as Anthropic documented it once",
        MESSAGES,
        [
            TRUE_START,
            _said("4"),
            named("message_delta", delta={"stop_reason": "end_turn", "usage": {"output_tokens": 9}}),
            END,
        ],
        STOPPED,
    ),
    Streamed(
        "the reason first, then the usage",
        MESSAGES,
        [
            TRUE_START,
            _said("4"),
            named("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 0}),
            named("message_delta", delta={}, usage={"output_tokens": 9}),
            END,
        ],
        STOPPED,
    ),
    Streamed(
        "no names of events, and OpenAI's mark after it",
        MESSAGES,
        [
            event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}),
            event({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "4"}}),
            event({"type": "message_stop"}),
            DONE,
        ],
        STOPPED,
    ),
    # Responses
    Streamed(
        "a response's usage at its end alone",
        RESPONSES,
        [
            response("response.created", "in_progress", None),
            named("response.output_text.delta", delta="4"),
            response("response.completed", "completed", 9),
            DONE,
        ],
        STOPPED,
    ),
)
