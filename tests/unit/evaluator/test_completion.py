"""Whatever a server answers, it is scored, failed or unscored, as the table of `completion` says; never a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.evaluator.completion import MOST_TOKENS, Completion, read_completion
from earlystop.evaluator.content import REFUSAL
from tests.unit.evaluator.completions import NEAR, USAGE, body, message
from tests.unit.every_row import every_row

PROPERTY = settings(max_examples=150, deadline=None)


def read(document: Any) -> Completion | None:
    return read_completion(json.dumps(document).encode())


@every_row(
    ("content", "text"),
    [
        ("42", "42"),
        (None, ""),
        ([{"type": "text", "text": "4"}, {"type": "text", "text": "2"}], "42"),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "7"}]}, {"type": "text", "text": "42"}], "42"),
        ([{"type": "output_text", "text": "42", "annotations": []}], "42"),
        ([{"type": "text", "text": {"value": "42"}}], "42"),
        (["4", "2"], "42"),
        ([{"type": "image_url", "image_url": {"url": "x"}}, None, 7], ""),
        ([], ""),
        (42, "42"),
        (True, "true"),
        ({"text": "42"}, "42"),
        ({"answer": "42"}, '{"answer": "42"}'),
        ("<think>7, no: 42</think>\n\n42", "\n\n42"),
        ("<think>still thinking", ""),
        ("The user asks for 17 * 23, so 391.</think>391", "391"),
        ("7?\n</think>\n\n<think>no: 42</think>42", "42"),
        ("<think>a</think><think>b</think>\n42", "\n42"),
        ("<thought>7</thought>42", "42"),
        ("[THINK]7[/THINK]42", "42"),
        ("[THINK]7", ""),
        ("◁think▷7◁/think▷42", "42"),
        ("<seed:think>7</seed:think>42", "42"),
        ("<|START_THINKING|>7<|END_THINKING|>42", "42"),
        ("<|channel>thought\n7<channel|>42", "42"),
        ("<|channel>thought\n7", ""),
        ("<|inner_prefix|>7<|inner_suffix|>42", "42"),
        ("Here is my thought process: 7\n\nHere is my response: 42", " 42"),
        ("Here is my thought process: 6 * 7 is 42", "Here is my thought process: 6 * 7 is 42"),
        ("<think>7</think>42<|im_end|>", "42"),
        ("42 </s>\n<|endoftext|> ", "42 "),
        ("42<|eot_id|>" * 3, "42<|eot_id|>42<|eot_id|>42"),
        ("</s>", ""),
        ("<|channel|>analysis<|message|>7<|end|><|start|>assistant<|channel|>final<|message|>42<|return|>", "42"),
        ("<|channel|>analysis<|message|>still", ""),
        ('<|channel|>final <|constrain|>json<|message|>{"a": 42}', '{"a": 42}'),
        ("analysisWe need 7.assistantfinal42", "42"),
        ("analysis of a final: 42", "analysis of a final: 42"),
        ("Write <think> first, then </think>.", "Write <think> first, then </think>."),
        ("\ud83d", "\ufffd"),
        ("😀", "😀"),
    ],
)
def test_content_of_every_shape_is_read_as_text(content: Any, text: str) -> None:
    assert read(body(**message(content))) == Completion(text, "stop", 2)


def test_the_answer_never_comes_from_the_reasoning_beside_it() -> None:
    assert read(body(**message(None, reasoning_content="42", reasoning="42"))) == Completion("", "stop", 2)


def test_a_refusal_and_tool_calls_are_answers_without_text() -> None:
    assert read(body(**message(None, refusal="I cannot"))) == Completion("", REFUSAL, 2)
    assert read(body(**message([{"type": "refusal", "refusal": "no"}]))) == Completion("", REFUSAL, 2)
    calls = message(None, tool_calls=[{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}])
    assert read(body(finish_reason="tool_calls", **calls)) == Completion("", "tool_calls", 2, "{}")
    assert read(body(finish_reason="content_filter", **message(""))) == Completion("", "content_filter", 2)


def test_of_several_choices_the_one_with_index_0_is_read() -> None:
    choices = [{"index": n, "finish_reason": "stop", "message": {"content": f"c{n}"}} for n in (1, 0)]
    found = read({"choices": choices, "usage": USAGE})
    assert found is not None and found.text == "c0"
    assert read({"choices": [{"text": "42"}]}) == Completion("42", "stop", None)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (USAGE, 2),
        ({"completion_tokens": 2.0}, 2),
        ({"completion_tokens": "2"}, 2),
        ({"completion_tokens": MOST_TOKENS}, MOST_TOKENS),
        ({"completion_tokens": MOST_TOKENS + 1}, None),
        ({"completion_tokens": -1}, None),
        ({"completion_tokens": 0}, None),
        ({"completion_tokens": 2.5}, None),
        ({"completion_tokens": 1e300}, None),
        ({"completion_tokens": float("nan")}, None),
        ({"completion_tokens": float("inf")}, None),
        ({"completion_tokens": 10**400}, None),
        ({"completion_tokens": True}, None),
        ({"completion_tokens": None}, None),
        ({"completion_tokens": "²"}, None),
        ({"completion_tokens": [2]}, None),
        ({}, None),
        ([], None),
        (None, None),
        ("5", None),
    ],
)
def test_tokens_are_a_possible_count_or_unknown_and_the_text_is_scored_either_way(
    usage: Any, tokens: int | None
) -> None:
    assert read(body(usage=usage)) == Completion("42", "stop", tokens)


@pytest.mark.parametrize(
    "document",
    [
        body(message=None),
        body(message="42"),
        {"choices": [{"index": 0, "finish_reason": "content_filter"}]},
        {"choices": None},
        {"choices": []},
        {"choices": [None]},
        {"choices": ["42"]},
        {"choices": {"0": {}}},
        {"error": {"message": "overloaded", "code": 529}},
        {**body(), "error": {"message": "cut off"}},
        body(finish_reason="error"),
        {},
        [1],
        None,
        "overloaded",
        7,
    ],
)
def test_a_document_without_an_answer_is_none(document: Any) -> None:
    assert read(document) is None


@pytest.mark.parametrize(
    "raw", [b"", b"<html></html>", b'{"choices": [', b"\xff\xfe\x00", b"[" * 100_000, b"data: {}\n\n"]
)
def test_a_body_that_is_no_json_holds_no_answer(raw: bytes) -> None:
    assert read_completion(raw) is None


def streamed(*chunks: dict[str, Any], end: str = "\n\n") -> bytes:
    events = [json.dumps(chunk, ensure_ascii=False) for chunk in chunks]
    return "".join(f"data: {event}{end}" for event in events).encode()


def chunk(finish_reason: Any, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": finish_reason, **fields}]}


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\r\r", "\n"])
@pytest.mark.parametrize("text", ["4\u20282", "4\u00852", "4\u20292", "42"])
def test_a_stream_is_read_whatever_characters_its_json_holds(text: str, end: str) -> None:
    raw = streamed(chunk(None, delta={"content": text}), chunk("stop", delta={}), end=end)
    assert read_completion(raw) == Completion(text, "stop", None)


def test_the_parts_of_a_stream_are_read_as_those_of_a_message() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "7"}]}, {"type": "text", "text": "4"}]
    raw = streamed(chunk(None, delta={"content": parts}), chunk("", delta={"content": "2"}), chunk("stop", delta={}))
    assert read_completion(raw) == Completion("42", "stop", None)
    refused = streamed(chunk("stop", delta={"content": [{"type": "refusal", "refusal": "no"}]}))
    assert read_completion(refused) == Completion("", REFUSAL, None)
    as_messages = streamed(chunk("", message={"content": "4"}), chunk("stop", message={"content": "2"}))
    assert read_completion(as_messages) == Completion("42", "stop", None)


@pytest.mark.parametrize("index", [None, "0", {}])
def test_a_choice_of_a_stream_whose_index_is_no_number_is_the_one_at_its_place(index: Any) -> None:
    chunks = [chunk(None, delta={"content": "4"}), chunk("stop", delta={"content": "2"})]
    for each in chunks:
        each["choices"][0]["index"] = index
    assert read_completion(streamed(*chunks)) == Completion("42", "stop", None)
    others = [{"choices": [{"index": 1, "delta": {"content": "no"}}, each["choices"][0]]} for each in chunks]
    assert read_completion(streamed(*others)) is None


def test_the_data_of_an_event_may_stand_on_several_lines() -> None:
    lines = json.dumps(chunk("stop", delta={"content": "42"}), indent=1).split("\n")
    raw = "".join(f"data: {line}\n" for line in lines) + "\n: a comment\n\ndata: [DONE]\n\n"
    assert read_completion(raw.encode()) == Completion("42", "stop", None)
    assert read_completion(raw.replace('"content"', "content").encode()) is None


def test_a_call_of_a_function_from_before_there_were_tools_is_read_as_one_of_a_tool() -> None:
    called = {"name": "f", "arguments": '{"city": "Oslo"}'}
    found = read(body(finish_reason="function_call", **message(None, function_call=called)))
    assert found == Completion("", "function_call", 2, '{"city": "Oslo"}')
    halves = [{"name": "f", "arguments": '{"city": '}, {"arguments": '"Oslo"}'}]
    pieces = [chunk(None, delta={"function_call": each}) for each in halves]
    whole = read_completion(streamed(*pieces, chunk("function_call", delta={})))
    assert whole == Completion("", "function_call", None, '{"city": "Oslo"}')


@pytest.mark.parametrize(
    "reason", ["length", "LENGTH", "MAX_TOKENS", "max_tokens", "max_output_tokens", {"type": "length", "length": 9}]
)
def test_an_answer_whose_budget_ended_is_cut_in_the_words_of_every_api(reason: Any) -> None:
    assert read(body(finish_reason=reason)) == Completion("42", "length", 2)


@pytest.mark.parametrize("going_on", [None, "", "null", "None"])
def test_a_stream_that_breaks_off_is_no_answer_however_its_chunks_say_that_it_goes_on(going_on: Any) -> None:
    assert read_completion(streamed(chunk(going_on, delta={"content": "4"}))) is None


LLAMA_ERROR = b'error: {"code":400,"message":"the request exceeds the available context size"}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "raw",
    [
        LLAMA_ERROR + DONE,
        streamed(chunk(None, delta={"content": "4"})) + LLAMA_ERROR + DONE,
        streamed(chunk(None, delta={"content": "4"})) + b'event: error\ndata: {"message": "dead"}\n\n' + DONE,
        streamed({"object": "error", "message": "bad", "code": 400}) + DONE,
        streamed(chunk(None, delta={"content": "4"}), {"error": "boom"}) + DONE,
        streamed(chunk("abort", delta={"content": "4"})) + DONE,
        streamed(chunk({"type": "abort"}, delta={"content": "4"}), chunk("stop", delta={})) + DONE,
        streamed({"choices": [], "usage": {"completion_tokens": 3}}) + DONE,
        DONE,
    ],
)
def test_a_stream_in_which_the_engine_failed_is_no_answer_in_whatever_form_it_says_so(raw: bytes) -> None:
    """Read as an empty answer it would be a wrong one, and an engine's failure would look like harm."""
    assert read_completion(raw) is None


@pytest.mark.parametrize("reason", ["abort", "ABORTED", "insufficient_system_resource", "failed", {"type": "abort"}])
def test_an_answer_that_the_engine_broke_off_is_none(reason: Any) -> None:
    assert read(body(finish_reason=reason)) is None


def test_odd_bytes_around_and_within_an_answer_do_not_hide_it() -> None:
    raw = json.dumps(body()).encode()
    assert read_completion(b"\xef\xbb\xbf" + raw) == Completion("42", "stop", 2)
    assert read_completion(raw.replace(b'"42"', b'"4\xff2\n"')) == Completion("4\ufffd2\n", "stop", 2)
    assert read_completion(raw.replace(b'"created": 1', b'"created": ' + b"9" * 5000)) == Completion("42", "stop", 2)


@pytest.mark.slow
@PROPERTY
@given(NEAR, NEAR, NEAR, NEAR)
def test_no_json_can_crash_the_reading_and_what_is_read_can_be_counted(a: Any, b: Any, c: Any, usage: Any) -> None:
    for document in (a, {"choices": a}, {"choices": [{"message": {"content": b}, "finish_reason": c}], "usage": usage}):
        found = read_completion(json.dumps(document).encode("utf-8", "surrogatepass"))
        if found is not None:
            found.text.encode()
            assert isinstance(found.finish_reason, str)
            assert found.tokens is None or (type(found.tokens) is int and 0 <= found.tokens <= MOST_TOKENS)


@PROPERTY
@given(st.binary(max_size=200))
def test_no_bytes_can_crash_the_reading(raw: bytes) -> None:
    read_completion(raw)
