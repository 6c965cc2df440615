"""Streams in the forms of servers and proxies that speak OpenAI's API beside the engines that are known by name.

The forms are those of their own documentation and of reports about them: Azure, TGI, Ollama, LMDeploy, TensorRT-LLM,
llama-cpp-python, LiteLLM's proxy, GLM, xAI, Groq.
"""

from __future__ import annotations

from typing import Any

from earlystop.injector.answers import Answer
from tests.unit.injector.public_streams import CHAT, FOUR, STOP, STOPPED, TEXT, U9, Streamed, piece, usage
from tests.unit.injector.stub_engine import DONE, event

CUT = Answer(9, 0, ("length",))
FILTER = {"hate": {"filtered": False, "severity": "safe"}}
OFFSETS = {"check_offset": 44, "start_offset": 44, "end_offset": 198}
USAGE = {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14}
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "add", "arguments": ""}}


def _beside(choice: dict[str, Any], **more: Any) -> bytes:
    """A usage beside one choice."""
    return event({"id": "c", "choices": [choice], "usage": USAGE, **more})


def _azure(**choice: Any) -> bytes:
    """What Azure's asynchronous filter says of an answer: a choice without a delta."""
    told = {"index": 0, "finish_reason": None, "content_filter_results": FILTER, "content_filter_offsets": OFFSETS}
    return event({"id": "", "object": "", "created": 0, "model": "", "choices": [{**told, **choice}], "usage": None})


def _text(text: str, finish: Any = None, **more: Any) -> bytes:
    return event(
        {"object": "text_completion", "choices": [{"index": 0, "text": text, "finish_reason": finish}], **more}
    )


def _fast(text: str) -> bytes:
    """An event as TGI writes it, without a space after the field's name."""
    return b"data:" + piece({"content": text}).removeprefix(b"data: ")


EMPTY = _beside({"index": 0, "delta": {}})
EMPTY_WITH_ROLE = _beside({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None})
EMPTY_TEXT = _beside({"index": 0, "text": "", "logprobs": None, "finish_reason": None})
EMPTY_WITHOUT_DELTA = _beside({"index": 0, "delta": None, "finish_reason": None})
NULL_CHOICES = event({"id": "c", "choices": None, "usage": USAGE})
BOTH_NAMES = event({"choices": [], "usage": {"completion_tokens": None, "output_tokens": 9}})
REASONED = event(
    {
        "choices": [],
        "usage": {**USAGE, "completion_tokens_details": None, "output_tokens_details": {"reasoning_tokens": 4}},
    }
)
FLOATS = event({"choices": [], "usage": {"completion_tokens": 9.0}})
GROQ = piece({}, "stop", x_groq={"usage": USAGE})

OF_SERVERS: tuple[Streamed, ...] = (
    # the usage beside a choice that says nothing
    Streamed("LiteLLM's proxy", CHAT, [FOUR, STOP, EMPTY, DONE], STOPPED, [EMPTY]),
    Streamed("the same with a role", CHAT, [FOUR, STOP, EMPTY_WITH_ROLE, DONE], STOPPED, [EMPTY_WITH_ROLE]),
    Streamed("the same of a text", TEXT, [_text("4"), _text("", "stop"), EMPTY_TEXT, DONE], STOPPED, [EMPTY_TEXT]),
    Streamed("the same without a delta", CHAT, [FOUR, STOP, EMPTY_WITHOUT_DELTA, DONE], STOPPED, [EMPTY_WITHOUT_DELTA]),
    Streamed("before any reason it is a piece", CHAT, [EMPTY_WITH_ROLE, FOUR, STOP, U9, DONE], STOPPED, [U9]),
    Streamed(
        "while another choice goes on it is a piece",
        CHAT,
        [FOUR, piece({"content": "5"}, None, 1), STOP, EMPTY, piece({}, "stop", 1), U9, DONE],
        Answer(9, 0, ("stop", "stop")),
        [U9],
    ),
    Streamed(
        "beside a filter's result it is a piece",
        CHAT,
        [FOUR, STOP, _beside({"index": 0, "delta": {}, "content_filter_results": FILTER}), DONE],
        STOPPED,
    ),
    Streamed("beside a word it is a piece", CHAT, [FOUR, STOP, _beside({"delta": {"content": "!"}}), DONE], STOPPED),
    Streamed("no list of choices", CHAT, [FOUR, STOP, NULL_CHOICES, DONE], STOPPED, [NULL_CHOICES]),
    Streamed("xAI's usage twice", CHAT, [FOUR, piece({}, "stop", usage=USAGE), U9, DONE], STOPPED, [U9]),
    Streamed("Groq's own place of the usage alone", CHAT, [FOUR, GROQ, DONE], STOPPED),
    # numbers
    Streamed("the count under the other name", CHAT, [FOUR, STOP, BOTH_NAMES, DONE], STOPPED, [BOTH_NAMES]),
    Streamed("details under the other name", CHAT, [FOUR, STOP, REASONED, DONE], Answer(9, 4, ("stop",)), [REASONED]),
    Streamed("a count with a point", CHAT, [FOUR, STOP, FLOATS, DONE], STOPPED, [FLOATS]),
    Streamed(
        "a growing count, then the whole",
        CHAT,
        [piece({"content": "4"}, usage={"completion_tokens": 1}), STOP, U9, DONE],
        STOPPED,
        [U9],
    ),
    # Azure
    Streamed("Azure's filter afterwards", CHAT, [FOUR, STOP, _azure(), U9, DONE], STOPPED, [U9]),
    Streamed("Azure's filter in between", CHAT, [_azure(), FOUR, _azure(), STOP, U9, DONE], STOPPED, [U9]),
    Streamed(
        "Azure's filter stops an answer",
        CHAT,
        [FOUR, _azure(finish_reason="content_filter"), U9, DONE],
        Answer(9, 0, ("content_filter",)),
        [U9],
    ),
    Streamed(
        "Azure's filter takes a stop back",
        CHAT,
        [FOUR, STOP, _azure(finish_reason="content_filter"), U9, DONE],
        Answer(9, 0, ("content_filter",)),
        [U9],
    ),
    # TGI
    Streamed("TGI without a space", CHAT, [_fast("4"), STOP, U9, DONE], STOPPED, [U9]),
    Streamed("TGI's empty reason", TEXT, [_text("4", ""), _text("", "length"), U9, DONE], CUT, [U9]),
    Streamed(
        "TGI's call that is no list",
        CHAT,
        [piece({"tool_calls": CALL}), piece({}, "eos_token"), U9, DONE],
        STOPPED,
        [U9],
    ),
    Streamed(
        "TGI's error in a stream",
        CHAT,
        [FOUR, b'data:{"error":"Request failed during generation","error_type":"generation"}\n\n'],
        None,
    ),
    # Ollama
    Streamed(
        "Ollama's role in each piece",
        CHAT,
        [piece({"role": "assistant", "content": "4"}), STOP, U9, DONE],
        STOPPED,
        [U9],
    ),
    Streamed(
        "Ollama's model that was loaded",
        CHAT,
        [piece({"content": ""}, "load"), U9, DONE],
        Answer(9, 0, ("other",), True),
        [U9],
    ),
    Streamed(
        "Ollama's thinking",
        CHAT,
        [piece({"reasoning": "hm"}), piece({}, "length"), U9, DONE],
        Answer(9, 0, ("length",), True),
        [U9],
    ),
    Streamed(
        "Ollama's error", CHAT, [FOUR, event({"error": {"message": "runner has ended", "type": "api_error"}})], None
    ),
    # LMDeploy
    Streamed("LMDeploy's error", CHAT, [FOUR, piece({"content": ""}, "error"), U9, DONE], None, [U9]),
    Streamed("LMDeploy's abort", CHAT, [FOUR, piece({"content": ""}, "abort"), U9, DONE], None, [U9]),
    Streamed(
        "LMDeploy's reason with the usage", CHAT, [FOUR, piece({"content": ""}, "length", usage=USAGE), DONE], CUT
    ),
    # TensorRT-LLM
    Streamed("TensorRT-LLM's timeout", CHAT, [FOUR, piece({}, "timeout"), U9, DONE], None, [U9]),
    Streamed("TensorRT-LLM's cancelled", CHAT, [FOUR, piece({}, "cancelled"), U9, DONE], None, [U9]),
    Streamed("in American spelling", CHAT, [FOUR, piece({}, "canceled"), U9, DONE], None, [U9]),
    Streamed("a reason beside a stop's", CHAT, [FOUR, piece({}, "stop", stop_reason=7), U9, DONE], STOPPED, [U9]),
    # llama-cpp-python
    Streamed("no usage whatever is asked", CHAT, [FOUR, STOP, DONE], Answer(None, 0, ("stop",))),
    Streamed("no reason in the last piece", CHAT, [FOUR, piece({"content": ""}), U9, DONE], Answer(9), [U9]),
    # GLM and Gemini behind proxies
    Streamed("GLM's network", CHAT, [FOUR, piece({}, "network_error"), U9, DONE], None, [U9]),
    Streamed("GLM's filter", CHAT, [FOUR, piece({}, "sensitive"), U9, DONE], Answer(9, 0, ("content_filter",)), [U9]),
    Streamed("Gemini's words", CHAT, [FOUR, piece({}, "MAX_TOKENS"), U9, DONE], CUT, [U9]),
    Streamed(
        "Gemini's filter",
        CHAT,
        [FOUR, piece({}, "PROHIBITED_CONTENT"), U9, DONE],
        Answer(9, 0, ("content_filter",)),
        [U9],
    ),
    # the end
    Streamed("the usage after the mark of the end", CHAT, [FOUR, STOP, DONE, U9], STOPPED, [U9]),
    Streamed("the mark of the end twice", CHAT, [FOUR, STOP, U9, DONE, DONE], STOPPED, [U9]),
    Streamed("an id and a time to retry", CHAT, [b"id: 1\nretry: 100\n" + FOUR, STOP, usage(9), DONE], STOPPED, [U9]),
)
