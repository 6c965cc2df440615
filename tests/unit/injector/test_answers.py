"""What is read from answers of every API, whole and as a stream."""

from __future__ import annotations

import json
from typing import Any

import pytest

from earlystop.api.body_knobs import Api
from earlystop.injector.answers import Answer, read_answer
from earlystop.injector.event_stream import MAX_HELD, EventStream
from tests.unit.injector.stub_engine import DONE, USAGE_EVENT, chunk, event

CHAT_USAGE = {"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 5}}


def choice(content: Any, finish: str = "stop", **more: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": content, **more}, "finish_reason": finish}


@pytest.mark.parametrize(
    ("api", "body", "answer"),
    [
        (Api.CHAT_COMPLETIONS, {"choices": [choice("4")], "usage": CHAT_USAGE}, Answer(9, 5, ("stop",))),
        (
            Api.CHAT_COMPLETIONS,
            {"choices": [choice("4"), choice("5", "length")], "usage": {"completion_tokens": 30}},
            Answer(30, 0, ("stop", "length")),
        ),
        (
            Api.CHAT_COMPLETIONS,
            {"choices": [choice("", "length")], "usage": CHAT_USAGE},
            Answer(9, 5, ("length",), True),
        ),
        (
            Api.CHAT_COMPLETIONS,
            {"choices": [choice(None, "tool_calls", tool_calls=[{"id": "1"}])], "usage": CHAT_USAGE},
            Answer(9, 5, ("tool_calls",)),
        ),
        (Api.CHAT_COMPLETIONS, {"choices": [choice("4", "odd")]}, Answer(None, 0, ("other",))),
        (Api.CHAT_COMPLETIONS, {"choices": [choice("4", "MAX_TOKENS")]}, Answer(None, 0, ("length",))),
        (
            Api.CHAT_COMPLETIONS,
            {"choices": [choice(None, "function_call", function_call={"name": "f", "arguments": "{}"})]},
            Answer(None, 0, ("tool_calls",)),
        ),
        (
            Api.CHAT_COMPLETIONS,
            {"choices": [choice([{"type": "thinking", "thinking": "hm"}], "length")]},
            Answer(None, 0, ("length",), True),
        ),
        (
            Api.CHAT_COMPLETIONS,
            {"choices": [choice([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "4"}])]},
            Answer(None, 0, ("stop",)),
        ),
        (
            Api.CHAT_COMPLETIONS,
            {"choices": [choice("4")], "usage": {"completion_tokens": -3}},
            Answer(None, 0, ("stop",)),
        ),
        (
            Api.CHAT_COMPLETIONS,
            {"choices": [choice("4")], "usage": {"completion_tokens": 3.0}},
            Answer(3, 0, ("stop",)),
        ),
        (
            Api.CHAT_COMPLETIONS,
            {"choices": [choice("4")], "usage": {"completion_tokens": 3.5}},
            Answer(None, 0, ("stop",)),
        ),
        (Api.CHAT_COMPLETIONS, {"choices": [choice("4"), choice("5", "abort")], "usage": CHAT_USAGE}, None),
        (Api.COMPLETIONS, {"choices": [{"text": "4", "finish_reason": "error"}], "usage": CHAT_USAGE}, None),
        (Api.RESPONSES, {"object": "response", "status": "cancelled", "usage": {"output_tokens": 9}}, None),
        (
            Api.COMPLETIONS,
            {"choices": [{"text": " 4", "finish_reason": "repetition"}], "usage": {"completion_tokens": 2}},
            Answer(2, 0, ("repetition",)),
        ),
        (
            Api.RESPONSES,
            {
                "object": "response",
                "status": "incomplete",
                "incomplete_details": {"reason": "max_output_tokens"},
                "output": [{"type": "reasoning"}],
                "usage": {"output_tokens": 8, "output_tokens_details": {"reasoning_tokens": 8}},
            },
            Answer(8, 8, ("length",), True),
        ),
        (
            Api.MESSAGES,
            {"content": [{"type": "text", "text": "4"}], "stop_reason": "max_tokens", "usage": {"output_tokens": 8}},
            Answer(8, 0, ("length",)),
        ),
        (Api.CHAT_COMPLETIONS, {"error": {"message": "no"}}, None),
        (Api.CHAT_COMPLETIONS, {"object": "list"}, None),
        (Api.CHAT_COMPLETIONS, [], None),
        (Api.CHAT_COMPLETIONS, {"choices": "odd", "usage": "odd"}, None),
    ],
)
def test_an_answer_says_its_tokens_its_end_and_whether_it_is_empty(api: Api, body: Any, answer: Answer | None) -> None:
    assert read_answer(api, json.dumps(body).encode()) == answer


def streamed(api: Api, *events: bytes, hides_usage: bool = False) -> tuple[EventStream, bytes]:
    stream = EventStream(api, hides_usage=hides_usage)
    passed = b"".join(stream.feed(each) for each in events)
    return stream, passed + stream.rest()


def test_a_stream_of_messages_is_read() -> None:
    events = [
        event(
            {"type": "message_start", "message": {"content": [], "stop_reason": None, "usage": {"output_tokens": 1}}}
        ),
        event({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "4"}}),
        event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 12}}),
        event({"type": "message_stop"}),
    ]
    stream, passed = streamed(Api.MESSAGES, *events)
    assert passed == b"".join(events)
    assert stream.answer == Answer(12, 0, ("stop",))


def test_a_stream_of_responses_is_read() -> None:
    last = {"object": "response", "status": "completed", "usage": {"output_tokens": 12}}
    events = [
        event({"type": "response.created", "response": {"object": "response", "status": "in_progress", "usage": None}}),
        event({"type": "response.output_text.delta", "delta": "4"}),
        event({"type": "response.completed", "response": last}),
    ]
    stream, _ = streamed(Api.RESPONSES, *events)
    assert stream.answer == Answer(12, 0, ("stop",))


def test_a_stream_whose_last_event_lacks_its_empty_line_has_ended() -> None:
    stream, passed = streamed(
        Api.CHAT_COMPLETIONS, chunk({"content": "4"}, "stop"), USAGE_EVENT, b"data: [DONE]", hides_usage=True
    )
    assert passed == chunk({"content": "4"}, "stop") + b"data: [DONE]"
    assert stream.answer is not None and stream.answer.finishes == ("stop",)


@pytest.mark.parametrize("going_on", [None, "", "null", "None"])
def test_an_answer_ends_once_however_its_chunks_say_that_it_goes_on(going_on: str | None) -> None:
    chunks = [chunk({"content": "4"}, going_on), chunk({"content": "2"}, going_on), chunk({}, "stop")]
    stream, _ = streamed(Api.CHAT_COMPLETIONS, *chunks, USAGE_EVENT, DONE)
    assert stream.answer is not None and stream.answer.finishes == ("stop",)


def test_a_stream_of_reasoning_alone_is_empty() -> None:
    stream, _ = streamed(Api.CHAT_COMPLETIONS, chunk({"reasoning": "hm"}, "length"), USAGE_EVENT, DONE)
    assert stream.answer is not None and stream.answer.is_empty and stream.answer.is_cut


@pytest.mark.parametrize("finish", ["abort", "error"])
def test_a_stream_that_the_engine_aborts_is_no_answer(finish: str) -> None:
    stream, _ = streamed(Api.CHAT_COMPLETIONS, chunk({"content": "4"}), chunk({}, finish), USAGE_EVENT, DONE)
    assert stream.has_ended and stream.answer is None


def test_an_event_without_an_end_passes_and_is_not_held_for_ever() -> None:
    piece = b"x" * (MAX_HELD // 2)
    stream, passed = streamed(Api.CHAT_COMPLETIONS, piece, piece, piece, DONE, hides_usage=True)
    assert passed == piece * 3 + DONE
    assert stream.answer is None


@pytest.mark.parametrize("odd", [b"data: {\n\n", b": comment\n\n", b"event: ping\n\n", b"data: 3\n\n", b"data:\n\n"])
def test_odd_events_pass_and_change_nothing(odd: bytes) -> None:
    stream, passed = streamed(Api.CHAT_COMPLETIONS, odd, chunk({"content": "4"}, "stop"), USAGE_EVENT, DONE)
    assert passed.startswith(odd)
    assert stream.answer is not None
