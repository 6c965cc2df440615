"""Streams in the forms of public engines pass byte for byte, and each is counted as what it is."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.body_knobs import ENDINGS, Api
from earlystop.injector.answers import Answer, read_answer
from earlystop.injector.event_stream import EventStream
from tests.unit.every_row import every_row
from tests.unit.injector.public_streams import NOT_WHOLE, STREAMS, Streamed, as_body
from tests.unit.injector.streams_of_engines import OF_ENGINES, WHOLE
from tests.unit.injector.streams_of_servers import OF_SERVERS
from tests.unit.injector.streams_without_choices import WITHOUT_CHOICES
from tests.unit.injector.stub_engine import StubEngine
from tests.unit.injector.through import HEADERS, client

EVERY = (*STREAMS, *OF_SERVERS, *OF_ENGINES, *WITHOUT_CHOICES)
PATHS = {api: f"/v1{ending}" for ending, api in ENDINGS.items()}
ASKED = (Api.CHAT_COMPLETIONS, Api.COMPLETIONS)
"""Streams of these are asked for their usage."""


@every_row("streamed", EVERY)
@every_row("size", [1, 2, 5, 1 << 20])
def test_a_stream_is_read_however_it_is_cut_and_only_usage_that_nobody_asked_for_is_left_out(
    size: int, streamed: Streamed
) -> None:
    stream = EventStream(streamed.api, hides_usage=streamed.api in ASKED)
    whole = b"".join(streamed.events)
    passed = b"".join(stream.feed(whole[at : at + size]) for at in range(0, len(whole), size)) + stream.rest()
    assert passed == streamed.passed
    assert stream.answer == streamed.answer


@every_row("streamed", EVERY)
def test_an_event_is_passed_on_as_soon_as_it_is_whole(streamed: Streamed) -> None:
    stream = EventStream(streamed.api, hides_usage=streamed.api in ASKED)
    for each in streamed.events:
        framed = each.endswith((b"\n", b"\r"))
        assert stream.feed(each) == (b"" if each in streamed.hidden or not framed else each)


@every_row(("api", "told", "answer"), [*NOT_WHOLE, *WHOLE])
def test_whole_answers_of_odd_forms_are_read(api: Api, told: Any, answer: Answer | None) -> None:
    assert read_answer(api, as_body(told)) == answer


@pytest.mark.slow
async def test_each_of_these_streams_comes_over_http_as_it_is_and_is_counted_once() -> None:
    engine = StubEngine()
    async with client(engine) as asking:
        completed = tokens = 0
        for streamed in EVERY:
            engine.pieces = list(streamed.events)
            async with asking.session.post(PATHS[streamed.api], json={"stream": True}, headers=HEADERS) as answer:
                assert await answer.read() == streamed.passed, streamed.name
            if streamed.answer is not None and streamed.answer.tokens is not None:
                completed, tokens = completed + 1, tokens + streamed.answer.tokens
            found = await asking.counts()
            assert (found["completed"], found["tokens"]) == (completed, tokens), streamed.name
        assert found["started"] == len(EVERY) == completed + found["failed"]
