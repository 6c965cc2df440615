"""The evaluator goes on, and its counts stay consistent, whatever the server does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import Variant
from earlystop.evaluator.client import Asker, AskSettings
from earlystop.evaluator.grading import Answer, Attribution, Fate, fate_of
from earlystop.evaluator.pin import RoutePin
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.scoring import Scoring, TooSlow
from earlystop.evaluator.size_limit import MOST_BYTES
from tests.unit.evaluator.completions import NEAR, USAGE, body, message
from tests.unit.evaluator.counted import ChosenAnswers, Page, evaluator
from tests.unit.evaluator.serving import listening

QUESTIONS = (GoldenQuestion("q", ("42",)),)
HEADERS = {"x-early-stop-revision": "r1", "x-early-stop-step": "0"}


def odd_server(script: Any) -> web.Application:
    """A server that answers each request by `script(request, number)`, under the variant that was asked."""
    app, asked = web.Application(), [0]

    async def answer(request: web.Request) -> web.StreamResponse:
        asked[0] += 1
        given = await script(request, asked[0])
        if isinstance(given, web.StreamResponse):
            return given
        named = {**HEADERS, "x-early-stop-variant": request.headers["x-early-stop-golden"]}
        return web.Response(body=given, headers=named, content_type="text/plain")

    app.router.add_route("*", "/v1/{path:.*}", answer)
    return app


def consistent(page: Page, pairs: int) -> None:
    """Every pair was counted or discarded, no answer was counted twice, and a failed one only in its pair."""
    discarded = page.sum("earlystop_evaluator_pairs_discarded_total")
    assert page.sum("earlystop_pairs_total") + discarded == pairs
    assert page.sum("earlystop_evaluator_answers_total") == 2 * pairs
    assert page.sum("earlystop_answers_total") <= 2 * pairs
    failed = page.sum("earlystop_evaluator_answers_total", fate="failed")
    assert page.sum("earlystop_answers_total") <= 2 * pairs - failed
    assert 2 * page.sum("earlystop_pairs_total") <= page.sum("earlystop_answers_total") + failed
    assert page.sum("earlystop_pairs_total") <= page.sum("earlystop_answers_total")


ODD: tuple[dict[str, Any], ...] = (
    body(message=None),
    body(**message([{"type": "text", "text": "42"}])),
    body(usage={"completion_tokens": -1}),
    body(usage={"completion_tokens": 10**30}),
    body(**message("\ud800")),
    body(**message(None, refusal="no")),
    {"error": {"message": "overloaded"}},
    {"choices": None},
)


@pytest.mark.slow
async def test_odd_answers_among_good_ones_end_nothing_and_every_pair_is_accounted_for() -> None:
    async def script(_: web.Request, number: int) -> bytes:
        return json.dumps(ODD[number % len(ODD)] if number % 3 == 0 else body()).encode()

    page = Page()
    async with listening(odd_server(script)) as url, Asker(AskSettings(url, "m", retries=0), RoutePin()) as asker:
        asking = evaluator(page, asker, QUESTIONS)
        for _ in range(60):
            await asking.ask_pair(QUESTIONS[0])
    consistent(page, 60)
    assert page.sum("earlystop_pairs_total") >= 20
    assert page.sum("earlystop_evaluator_answers_total", fate="refused") > 0
    assert page.sum("earlystop_output_tokens_total") <= 120 * 2


async def reset(request: web.Request, _: int) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut_off(request: web.Request, _: int) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"choices": [')
    assert request.transport is not None
    request.transport.close()
    return response


async def dripping(request: web.Request, _: int) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while request.transport is not None and not request.transport.is_closing():
        await response.write(b" ")
        await asyncio.sleep(0.02)
    return response


async def endless(request: web.Request, _: int) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(2 * MOST_BYTES // 65536):
        await response.write(b" " * 65536)
    return response


async def redirecting(request: web.Request, _: int) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": str(request.url)})


async def nowhere(_: web.Request, __: int) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "ftp://[x"})


async def limited(_: web.Request, __: int) -> web.StreamResponse:
    return web.Response(status=429, headers={"Retry-After": "soon"}, text="slow down")


async def falsely_compressed(_: web.Request, __: int) -> web.StreamResponse:
    return web.Response(body=b"no gzip", headers={"Content-Encoding": "gzip"})


async def no_content(_: web.Request, __: int) -> web.StreamResponse:
    return web.Response(status=204)


SERVERS = (reset, cut_off, dripping, endless, redirecting, nowhere, limited, falsely_compressed, no_content)


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.__name__)
async def test_a_server_that_gives_no_answer_costs_one_failed_question_and_a_bounded_time(server: Any) -> None:
    async with listening(odd_server(server)) as url:
        asks = AskSettings(url, "m", retries=0, deadline_seconds=2.0)
        async with asyncio.timeout(20), Asker(asks, RoutePin()) as asker:
            assert fate_of(await asker.ask("q", Variant.BASELINE)) is Fate.FAILED


async def test_a_request_that_is_limited_is_asked_again_after_the_time_the_server_says() -> None:
    asked: list[float] = []

    async def script(_: web.Request, number: int) -> Any:
        asked.append(asyncio.get_running_loop().time())
        if number == 1:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return json.dumps(body()).encode()

    async with listening(odd_server(script)) as url, Asker(AskSettings(url, "m"), RoutePin()) as asker:
        answer = await asker.ask("q", Variant.BASELINE)
    assert (answer.text, answer.tokens) == ("42", 2)
    assert len(asked) == 2 and asked[1] - asked[0] >= 0.9


@pytest.mark.slow
async def test_an_error_status_and_a_closed_port_cost_no_tokens_and_a_lost_answer_may_have() -> None:
    async with listening(odd_server(limited)) as url, Asker(AskSettings(url, "m", retries=0), RoutePin()) as asker:
        assert (await asker.ask("q", Variant.BASELINE)).tokens == 0
    async with Asker(AskSettings("http://127.0.0.1:9/v1", "m", retries=0), RoutePin()) as asker:
        assert (await asker.ask("q", Variant.BASELINE)).tokens == 0
    async with listening(odd_server(cut_off)) as url, Asker(AskSettings(url, "m", retries=0), RoutePin()) as asker:
        assert (await asker.ask("q", Variant.BASELINE)).tokens is None


@pytest.mark.parametrize("revision", ["a b", "é", "x" * 65, "", "unassigned"])
def test_a_revision_that_can_be_no_label_attributes_an_answer_to_nobody(revision: str) -> None:
    named = {"x-early-stop-revision": revision, "x-early-stop-step": "0", "x-early-stop-variant": "baseline"}
    assert RoutePin().attribution(named) is None
    assert RoutePin().attribution({**named, "x-early-stop-revision": "r1"}) == Attribution("r1", 0, "baseline")


ANSWERS = st.builds(
    Answer,
    st.none() | st.text(max_size=20),
    st.sampled_from(["stop", "length", "content_filter", "refusal", "x"]),
    st.none() | st.integers(0, 10**7),
    st.none()
    | st.builds(
        Attribution, st.sampled_from(["r1", "r2"]), st.integers(0, 2), st.sampled_from(["baseline", "candidate"])
    ),
)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(ANSWERS, ANSWERS), max_size=8))
def test_any_two_answers_are_a_pair_or_a_discarded_one(answers: list[tuple[Answer, Answer]]) -> None:
    page = Page()
    asking = evaluator(page, ChosenAnswers(*(each for pair in answers for each in pair)), QUESTIONS)

    async def ask_all() -> None:
        for _ in answers:
            await asking.ask_pair(QUESTIONS[0])

    asyncio.run(ask_all())
    consistent(page, len(answers))
    assert asking.budget.reserved == 0
    known = sum(answer.tokens or 0 for pair in answers for answer in pair)
    assert asking.budget.spent >= known


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.lists(NEAR, min_size=1, max_size=8))
def test_no_json_of_a_server_ends_the_evaluator(documents: list[Any]) -> None:
    bodies = [json.dumps({"choices": [{"message": {"content": one}}], "usage": USAGE}).encode() for one in documents]
    bodies += [json.dumps(one).encode() for one in documents]

    async def script(_: web.Request, number: int) -> bytes:
        return bodies[number % len(bodies)]

    async def ask_all(page: Page) -> None:
        async with listening(odd_server(script)) as url, Asker(AskSettings(url, "m", retries=0), RoutePin()) as asker:
            asking = evaluator(page, asker, QUESTIONS)
            for _ in bodies:
                await asking.ask_pair(QUESTIONS[0])

    page = Page()
    asyncio.run(ask_all(page))
    consistent(page, len(bodies))


async def test_a_scorer_that_fails_costs_one_pair_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    page, attribution = Page(), Attribution("r1", 0, "baseline")
    asking = evaluator(
        page, ChosenAnswers(Answer("a", "stop", 1, attribution), Answer("a", "stop", 1, attribution)), QUESTIONS
    )
    await asking.ask_pair(GoldenQuestion("q", ()))
    assert page.split("earlystop_evaluator_pairs_discarded_total", "reason") == {"other_variant": 1}
    assert page.split("earlystop_answers_total", "result") == {"unscored": 1}
    assert "cannot be scored" in caplog.text


async def test_a_question_is_scored_in_its_own_way() -> None:
    page = Page()
    answers = [
        Answer("so it is (B)", "stop", 1, Attribution("r1", 0, variant)) for variant in ("baseline", "candidate")
    ]
    asking = evaluator(page, ChosenAnswers(*answers), QUESTIONS)
    await asking.ask_pair(GoldenQuestion("q", ("B",), scoring=Scoring.named("choice")))
    assert page.split("earlystop_pairs_total", "outcome") == {"both": 1}


@pytest.mark.parametrize(
    ("slow", "outcome"), [(("candidate",), "baseline_only"), (("baseline",), "candidate_only"), ((), "both")]
)
async def test_an_answer_that_cannot_be_scored_is_a_wrong_one_in_its_pair(
    monkeypatch: pytest.MonkeyPatch, slow: tuple[str, ...], outcome: str
) -> None:
    def matches(_: Scoring, text: str, __: object) -> bool:
        if text in slow:
            raise TooSlow("the pattern takes too long")
        return True

    monkeypatch.setattr(Scoring, "matches", matches)
    page = Page()
    answers = [Answer(variant, "stop", 1, Attribution("r1", 0, variant)) for variant in ("baseline", "candidate")]
    await evaluator(page, ChosenAnswers(*answers), QUESTIONS).ask_pair(QUESTIONS[0])
    assert page.split("earlystop_pairs_total", "outcome") == {outcome: 1}
    missing = {"baseline_only": "without_candidate_right", "candidate_only": "without_baseline_right"}
    assert page.split("earlystop_pair_answers_total", "outcome") == {missing.get(outcome, "whole"): 1}
    assert page.split("earlystop_answers_total", "result").get("unscored", 0) == len(slow)


async def test_where_neither_answer_can_be_scored_there_is_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> bool:
        raise TooSlow("the pattern takes too long")

    monkeypatch.setattr(Scoring, "matches", slow)
    page = Page()
    answers = [Answer("a", "stop", 1, Attribution("r1", 0, variant)) for variant in ("baseline", "candidate")]
    await evaluator(page, ChosenAnswers(*answers), QUESTIONS).ask_pair(QUESTIONS[0])
    assert page.split("earlystop_pairs_total", "outcome") == {}
    assert page.split("earlystop_evaluator_pairs_discarded_total", "reason") == {"unscored": 1}
