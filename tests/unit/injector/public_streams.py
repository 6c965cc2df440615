"""Streams in the forms that public engines send, each with what is to be read from it.

The forms are those of the engines' own documentation and of reports about them: OpenAI, Azure, OpenRouter, Anthropic,
vLLM, SGLang, llama.cpp, TGI, Mistral, DeepSeek. An engine that was asked for usage by the injector sent them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from earlystop.api.body_knobs import Api
from earlystop.injector.answers import Answer
from tests.unit.injector.stub_engine import DONE, event

CHAT, TEXT, RESPONSES, MESSAGES = Api


@dataclass(frozen=True, slots=True)
class Streamed:
    """One stream. events: in order; answer: None where it is none; hidden: the events that no client gets."""

    name: str
    api: Api
    events: Sequence[bytes]
    answer: Answer | None
    hidden: Sequence[bytes] = ()

    @property
    def passed(self) -> bytes:
        """What the client gets."""
        return b"".join(each for each in self.events if each not in self.hidden)


def piece(delta: dict[str, Any], finish: Any = None, index: int = 0, **more: Any) -> bytes:
    """A piece of one choice."""
    return event({"id": "c", "choices": [{"index": index, "delta": delta, "finish_reason": finish}], **more})


def usage(tokens: int, **more: Any) -> bytes:
    """The event that tells the usage and nothing else."""
    return event({"id": "c", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": tokens, **more}})


def named(kind: str, **told: Any) -> bytes:
    """An event with its type on a line before it."""
    return f"event: {kind}\n".encode() + event({"type": kind, **told})


def response(kind: str, status: str, tokens: int | None, output: Sequence[Any] = (), **more: Any) -> bytes:
    """An event that tells of a whole response."""
    told = {"output_tokens": tokens} if tokens is not None else None
    return named(kind, response={"object": "response", "status": status, "output": output, "usage": told, **more})


def _text(index: int, finish: Any = None) -> bytes:
    return event({"choices": [{"index": index, "text": "x", "finish_reason": finish}]})


def with_ends(events: Sequence[bytes], end: bytes) -> list[bytes]:
    """The same with another empty line after each event."""
    return [each.removesuffix(b"\n\n") + end for each in events]


FOUR, STOP, U9 = piece({"content": "4"}), piece({}, "stop"), usage(9)
PLAIN = [FOUR, STOP, U9, DONE]
STOPPED = Answer(9, 0, ("stop",))
STARTED = named("message_start", message={"content": [], "stop_reason": None, "usage": {"output_tokens": 1}})
ENDED = named("message_stop")
LLAMA_ERROR = b'error: {"code":400,"message":"the request exceeds the available context size"}\n\n'
AUDIO = {"audio": {"id": "a", "data": "UklGRg=="}}
CUSTOM = {"type": "custom_tool_call", "name": "sql", "input": "x"}
REFUSED = {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}


def _delta(text: str) -> bytes:
    return named("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def _end(reason: str, tokens: int) -> bytes:
    return named("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": tokens})


STREAMS: tuple[Streamed, ...] = (
    # what ends a line, and what stands between events
    Streamed("lines end with CR LF", CHAT, with_ends(PLAIN, b"\r\n\r\n"), STOPPED, with_ends([U9], b"\r\n\r\n")),
    Streamed("LF, then CR LF", CHAT, with_ends(PLAIN, b"\n\r\n"), STOPPED, with_ends([U9], b"\n\r\n")),
    Streamed("CR LF, then LF", CHAT, with_ends(PLAIN, b"\r\n\n"), STOPPED, with_ends([U9], b"\r\n\n")),
    Streamed("lines end with CR", CHAT, with_ends(PLAIN, b"\r\r"), STOPPED, with_ends([U9], b"\r\r")),
    Streamed("a comment first, as OpenRouter", CHAT, [b": OPENROUTER PROCESSING\n\n", *PLAIN], STOPPED, [U9]),
    Streamed("pings between", CHAT, [FOUR, b": ping - 2026-11-28\n\n", b"data:\n\n", STOP, U9, DONE], STOPPED, [U9]),
    Streamed("spaces around the end", CHAT, [FOUR, STOP, U9, b"data:  [DONE] \n\n"], STOPPED, [U9]),
    # usage
    Streamed("usage null in each piece", CHAT, [piece({"content": "4"}, "stop", usage=None), U9, DONE], STOPPED, [U9]),
    Streamed(
        "usage in each piece, two choices",
        CHAT,
        [
            piece({"content": "a"}, usage={"completion_tokens": 1}),
            piece({"content": "b"}, index=1, usage={"completion_tokens": 2}),
            piece({}, "stop", usage={"completion_tokens": 2}),
            piece({}, "length", 1, usage={"completion_tokens": 7}),
            usage(9),
            DONE,
        ],
        Answer(9, 0, ("stop", "length")),
        [U9],
    ),
    Streamed("usage before the end", CHAT, [FOUR, U9, STOP, DONE], STOPPED, [U9]),
    Streamed("usage with a cost", CHAT, [FOUR, STOP, usage(9, cost=0.1), DONE], STOPPED, [usage(9, cost=0.1)]),
    Streamed(
        "Azure's filter first", CHAT, [event({"choices": [], "prompt_filter_results": [{}]}), *PLAIN], STOPPED, [U9]
    ),
    Streamed("no reason at all", CHAT, [FOUR, U9, DONE], Answer(9), [U9]),
    # the end
    Streamed("no mark of the end, as TGI once", CHAT, [FOUR, STOP, U9], STOPPED, [U9]),
    Streamed(
        "usage with the reason, no mark",
        CHAT,
        [FOUR, piece({}, "length", usage={"completion_tokens": 9})],
        Answer(9, 0, ("length",)),
    ),
    Streamed(
        "two choices that ended, no mark",
        CHAT,
        [FOUR, piece({"content": "5"}, None, 1), piece({}, "stop", 1), piece({}, "length"), U9],
        Answer(9, 0, ("stop", "length")),
        [U9],
    ),
    Streamed(
        "one of two choices ended, usage in each piece, no mark",
        CHAT,
        [
            piece({"content": "4"}, usage={"completion_tokens": 1}),
            piece({"content": "5"}, None, 1, usage={"completion_tokens": 2}),
            piece({}, "stop", usage={"completion_tokens": 2}),
        ],
        None,
    ),
    Streamed("one of several prompts ended, no mark", TEXT, [_text(0), _text(1), _text(0, "length"), U9], None, [U9]),
    Streamed("no mark and no usage", CHAT, [FOUR, STOP], None),
    Streamed("no mark and no reason", CHAT, [FOUR, U9], None, [U9]),
    Streamed(
        "a reason with each piece",
        CHAT,
        [piece({"reasoning_content": "hm"}, "stop"), piece({"content": "4"}, "stop"), piece({}, "length"), U9, DONE],
        Answer(9, 0, ("length",)),
        [U9],
    ),
    Streamed(
        "the reason twice, as OpenRouter",
        CHAT,
        [FOUR, STOP, piece({}, "stop", usage={"completion_tokens": 9}), DONE],
        STOPPED,
    ),
    Streamed(
        "three choices, mixed",
        CHAT,
        [
            *(piece({"content": "x"}, None, each) for each in (2, 0, 1)),
            *(piece({}, "stop", each) for each in range(3)),
            U9,
            DONE,
        ],
        Answer(9, 0, ("stop",) * 3),
        [U9],
    ),
    Streamed(
        "several prompts",
        TEXT,
        [
            *(event({"choices": [{"index": each, "text": "x", "finish_reason": "length"}]}) for each in range(4)),
            U9,
            DONE,
        ],
        Answer(9, 0, ("length",) * 4),
        [U9],
    ),
    Streamed("Mistral's cut", CHAT, [FOUR, piece({}, "model_length"), U9, DONE], Answer(9, 0, ("length",)), [U9]),
    Streamed(
        "TGI's stop",
        TEXT,
        [event({"choices": [{"index": 0, "text": "4", "finish_reason": "eos_token"}]}), U9, DONE],
        STOPPED,
        [U9],
    ),
    # errors
    Streamed("llama.cpp's line of an error", CHAT, [LLAMA_ERROR, DONE], None),
    Streamed("the same after words, and usage", CHAT, [FOUR, LLAMA_ERROR, U9, DONE], None, [U9]),
    Streamed(
        "an event called error", CHAT, [FOUR, b'event: error\ndata: {"message":"dead"}\n\n', U9, DONE], None, [U9]
    ),
    Streamed(
        "vLLM's object of an error",
        CHAT,
        [event({"object": "error", "message": "bad", "code": 400}), STOP, U9, DONE],
        None,
        [U9],
    ),
    Streamed("an error as a text", CHAT, [FOUR, event({"error": "boom"}), U9, DONE], None, [U9]),
    Streamed(
        "an error beside a reason",
        CHAT,
        [FOUR, piece({}, "error", error={"code": 502, "message": "x"}), U9, DONE],
        None,
        [U9],
    ),
    Streamed("SGLang's record of an abort", CHAT, [FOUR, piece({}, {"type": "abort"}), U9, DONE], None, [U9]),
    Streamed("an abort, and then a stop", CHAT, [FOUR, piece({}, "abort"), STOP, U9, DONE], None, [U9]),
    Streamed("DeepSeek's lack", CHAT, [FOUR, piece({}, "insufficient_system_resource"), U9, DONE], None, [U9]),
    Streamed("an error without its frame", CHAT, [b'{"error":{"code":400,"message":"too long"}}'], None),
    # what a user gets
    Streamed("sound", CHAT, [piece(AUDIO), STOP, U9, DONE], STOPPED, [U9]),
    Streamed("pictures", CHAT, [piece({"content": "", "images": [{"type": "image_url"}]}), *PLAIN[1:]], STOPPED, [U9]),
    Streamed("a refusal", CHAT, [piece({"refusal": "no"}), *PLAIN[1:]], STOPPED, [U9]),
    Streamed("reasoning alone", CHAT, [piece({"reasoning": "hm"}), *PLAIN[1:]], Answer(9, 0, ("stop",), True), [U9]),
    Streamed(
        "a call of a tool",
        CHAT,
        [piece({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}), piece({}, "tool_calls"), U9, DONE],
        Answer(9, 0, ("tool_calls",)),
        [U9],
    ),
    # Messages
    Streamed("pings in messages", MESSAGES, [STARTED, named("ping"), _delta("4"), _end("end_turn", 9), ENDED], STOPPED),
    Streamed(
        "a tool of the server's, and a pause",
        MESSAGES,
        [
            STARTED,
            named("content_block_start", content_block={"type": "server_tool_use", "name": "web_search"}),
            _end("pause_turn", 9),
            ENDED,
        ],
        Answer(9, 0, ("other",)),
    ),
    Streamed(
        "thinking alone in messages",
        MESSAGES,
        [
            STARTED,
            named("content_block_start", content_block={"type": "redacted_thinking", "data": "x"}),
            _end("max_tokens", 9),
            ENDED,
        ],
        Answer(9, 0, ("length",), True),
    ),
    Streamed(
        "the window's end",
        MESSAGES,
        [STARTED, _delta("4"), _end("model_context_window_exceeded", 9), ENDED],
        Answer(9, 0, ("length",)),
    ),
    Streamed(
        "an overload in messages",
        MESSAGES,
        [STARTED, _delta("4"), named("error", error={"type": "overloaded_error", "message": "Overloaded"})],
        None,
    ),
    # Responses
    Streamed(
        "vLLM calls a cut one completed",
        RESPONSES,
        [
            response("response.created", "in_progress", None),
            named("response.output_text.delta", delta="4"),
            response("response.completed", "incomplete", 9, incomplete_details={"reason": "max_output_tokens"}),
        ],
        Answer(9, 0, ("length",)),
    ),
    Streamed(
        "a custom tool",
        RESPONSES,
        [
            named("response.custom_tool_call_input.delta", delta="x"),
            response("response.completed", "completed", 9, [CUSTOM]),
        ],
        STOPPED,
    ),
    Streamed("a refusal in responses", RESPONSES, [response("response.completed", "completed", 9, [REFUSED])], STOPPED),
    Streamed(
        "reasoning alone in responses",
        RESPONSES,
        [
            named("response.reasoning_text.delta", delta="hm"),
            response("response.completed", "completed", 9, [{"type": "reasoning"}]),
        ],
        Answer(9, 0, ("stop",), True),
    ),
    Streamed("a failed response", RESPONSES, [response("response.failed", "failed", 9, error={"code": "x"})], None),
    Streamed("an error in responses", RESPONSES, [named("error", code="server_error", message="x")], None),
)

NOT_WHOLE: tuple[tuple[Api, Any, Answer | None], ...] = (
    (CHAT, {"object": "error", "message": "bad", "type": "BadRequestError", "code": 400}, None),
    (CHAT, {"detail": [{"loc": ["body"], "msg": "field required"}]}, None),
    (CHAT, {"choices": [{"message": {"content": "4"}, "finish_reason": {"type": "abort"}}], "usage": {}}, None),
    (CHAT, {"choices": [{"message": {**AUDIO, "content": None}, "finish_reason": "stop"}]}, Answer(None, 0, ("stop",))),
    (MESSAGES, {"content": [{"type": "mcp_tool_use"}], "stop_reason": "tool_use"}, Answer(None, 0, ("tool_calls",))),
    (RESPONSES, {"object": "response", "status": "failed", "usage": {"output_tokens": 3}}, None),
)
"""Whole bodies with status 200, and what is read from them."""


def as_body(told: Any) -> bytes:
    """A body as engines write it."""
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
