"""A judge says which answers are right, is measured against people first, and sees nothing of the variant."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from scipy.stats import binom

from earlystop.api.counts import Variant
from earlystop.evaluator.client import Asker, AskSettings
from earlystop.evaluator.graded import graded
from earlystop.evaluator.grading import Answer, is_match
from earlystop.evaluator.judge import (
    LEAST_VISIBLE,
    Agreement,
    Example,
    Judge,
    JudgeSettings,
    UnfitJudgeError,
    judge_of,
    load_examples,
)
from earlystop.evaluator.judging import NotJudgedError, judged
from earlystop.evaluator.pin import RoutePin
from earlystop.evaluator.questions import GoldenError, GoldenQuestion, parse_golden
from earlystop.evaluator.scoring import Scoring
from tests.unit.evaluator.completions import body, message
from tests.unit.evaluator.serving import listening

BY_JUDGE = GoldenQuestion("Why?", ("because",), scoring=Scoring.named("judge"))
EXAMPLES = tuple(Example("q", ("a",), f"{'right' if n % 2 else 'wrong'} {n}", bool(n % 2)) for n in range(20))
Reply = Callable[[dict[str, Any]], Any]


def api(reply: Reply) -> tuple[web.Application, list[dict[str, Any]]]:
    """An OpenAI-like API that replies by a function of the request, and the requests that it got."""
    asked: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(await request.json())
        replied = reply(asked[-1])
        return replied if isinstance(replied, web.StreamResponse) else web.json_response(body(**message(replied)))

    app = web.Application()
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]] = answer
    app.router.add_post("/v1/chat/completions", handler)
    return app, asked


def told(request: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request["messages"][1]["content"])
    return found


def by_words(request: dict[str, Any]) -> str:
    return "Yes." if "right" in told(request)["answer"] else "No."


async def test_a_judge_is_asked_once_for_equal_answers_and_never_for_an_empty_one() -> None:
    app, asked = api(by_words)
    async with listening(app) as url, Judge(url, "judge") as judge:
        assert await judged(judge, BY_JUDGE, (Answer("right"), Answer("right"))) == (True, True)
        assert await judged(judge, BY_JUDGE, (Answer("right"), Answer(" "))) == (True, False)
        assert await judged(judge, BY_JUDGE, (Answer("odd"), Answer("right"))) == (False, True)
    assert len(asked) == 4
    assert told(asked[0]) == {"question": "Why?", "reference answers": ["because"], "answer": "right"}
    assert all(each["temperature"] == 0 and "baseline" not in json.dumps(each) for each in asked)


@pytest.mark.parametrize("reply", ["perhaps", "", None, 400])
async def test_a_judge_that_does_not_say_of_one_answer_says_it_of_the_other(reply: str | int | None) -> None:
    def replied(request: dict[str, Any]) -> Any:
        if told(request)["answer"] != "odd":
            return by_words(request)
        return web.Response(status=reply) if isinstance(reply, int) else reply

    app, _ = api(replied)
    async with listening(app) as url, Judge(url, "judge") as judge:
        assert await judged(judge, BY_JUDGE, (Answer("right"), Answer("odd"))) == (True, None)
        assert await judged(judge, BY_JUDGE, (Answer("odd"), Answer("wrong"))) == (None, False)
        assert await judged(judge, BY_JUDGE, (Answer("odd"), Answer("odd"))) == (None, None)
        assert await judged(judge, BY_JUDGE, (Answer("right"), Answer(None))) == (True, None)


@pytest.mark.parametrize("status", [404, 401])
async def test_a_judge_that_cannot_be_asked_says_nothing_of_any_answer(status: int) -> None:
    app, _ = api(lambda request: web.Response(status=status) if told(request)["answer"] == "odd" else by_words(request))
    async with listening(app) as url, Judge(url, "judge") as judge:
        with pytest.raises(NotJudgedError, match=str(status)):
            await judged(judge, BY_JUDGE, (Answer("odd"), Answer("right")))
        answers = Answer("odd"), Answer("right")
        assert await graded(BY_JUDGE, *answers, Scoring(), judge) == (None, None)


async def test_how_often_a_judge_agrees_with_people_is_shown_before_it_is_asked() -> None:
    app, asked = api(lambda request: "yes" if told(request)["answer"] in ("wrong 0", "wrong 2") else by_words(request))
    registry = CollectorRegistry()
    async with listening(app) as url, judge_of(JudgeSettings(url, "judge", "none", EXAMPLES, 0.9), registry):
        page = generate_latest(registry).decode()
    assert len(asked) == 20
    assert "earlystop_evaluator_judge_agreement 0.9" in page and "earlystop_evaluator_judge_visible_loss 0.8" in page
    assert "earlystop_evaluator_judge_tokens 40.0" in page


async def test_a_judge_that_agrees_too_seldom_is_refused_with_its_figures() -> None:
    app, _ = api(lambda request: "yes")
    async with listening(app) as url:
        with pytest.raises(UnfitJudgeError, match=r"agrees with people on 10 of 20 answers \(50 %\)"):
            async with judge_of(JudgeSettings(url, "judge", "none", EXAMPLES, 0.9), CollectorRegistry()):
                raise AssertionError("it must not be asked")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reply", "why"),
    [(400, "400"), ("<html>", "no chat completion"), ("perhaps", "neither yes nor no"), (None, "neither yes nor no")],
)
async def test_a_judge_that_answers_no_example_is_called_unreachable_or_mistaken_never_a_bad_judge(
    reply: str | int | None, why: str
) -> None:
    def replied(request: dict[str, Any]) -> Any:
        if isinstance(reply, int):
            return web.Response(status=reply, text="{}")
        return web.Response(text=reply) if reply == "<html>" else reply

    app, _ = api(replied)
    async with listening(app) as url:
        said = rf"the judge at {re.escape(url)} answered none of 20 examples \(.*{why}.*\); check --judge-url"
        with pytest.raises(UnfitJudgeError, match=said) as refused:
            async with judge_of(JudgeSettings(url, "judge", "none", EXAMPLES, 0.9), CollectorRegistry()):
                raise AssertionError("it must not be asked")
    assert "margin" not in str(refused.value)


async def test_a_judge_that_nobody_reaches_is_told_by_address_and_reason_and_no_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Judge("http://me:secret@127.0.0.1:9/v1", "judge", "secret-kéy") as judge:
        with pytest.raises(UnfitJudgeError) as refused:
            await judge.agreement(EXAMPLES)
    for told_ in (caplog.text, str(refused.value)):
        assert "the judge at http://127.0.0.1:9/v1 " in told_ and "secret" not in told_
    assert len(caplog.records) == 1, "once, not once an example"


@pytest.mark.parametrize(
    ("right", "wrong", "reply"),
    [
        (18, 2, "yes"),
        (2, 18, "no"),
        (18, 2, None),
        (11, 9, None),
    ],
)
async def test_a_judge_of_which_nobody_knows_that_it_sees_a_loss_is_refused_however_often_it_agrees(
    right: int, wrong: int, reply: str | None
) -> None:
    """Without a reply of its own it judges as people do, of whose answers of a kind there are too few."""
    examples = tuple(Example("q", ("a",), "right" if n < right else "wrong", n < right) for n in range(right + wrong))
    app, _ = api(lambda request: reply or by_words(request))
    async with listening(app) as url:
        with pytest.raises(UnfitJudgeError, match=r"must show 40 % for certain \(--judge-least-visible\)"):
            async with judge_of(JudgeSettings(url, "judge", "none", examples, 0.9), CollectorRegistry()):
                raise AssertionError("it must not be asked")


@pytest.mark.parametrize(("right", "wrong"), [(10, 10), (40, 10), (10, 90)])
@pytest.mark.parametrize(("keeps", "finds"), [(1.0, 0.0), (0.7, 0.3), (1.0, 0.35), (0.6, 0.75), (0.9, 0.48)])
def test_a_judge_that_shows_less_than_is_asked_for_passes_by_luck_in_one_case_of_twenty(
    right: int, wrong: int, keeps: float, finds: float
) -> None:
    kept = binom.pmf(range(right + 1), right, keeps)
    found = binom.pmf(range(wrong + 1), wrong, finds)
    passing = [
        kept[k] * found[w]
        for k in range(right + 1)
        for w in range(wrong + 1)
        if Agreement(right, k, wrong, w).visible_for_certain >= LEAST_VISIBLE
    ]
    assert keeps + finds - 1 <= LEAST_VISIBLE and sum(passing) < 0.06


def test_more_examples_show_a_fit_judge() -> None:
    bounds = [Agreement(n, n * 9 // 10, n, n * 9 // 10).visible_for_certain for n in (10, 20, 50, 500)]
    assert bounds == sorted(bounds) and bounds[0] > LEAST_VISIBLE and 0.7 < bounds[-1] < 0.8


def test_what_is_left_of_a_loss_is_what_both_rates_leave() -> None:
    """With a fraction r of right answers a judge finds .9 r + .2 (1 - r) right: a loss of r shows as .7 of it."""
    agreement = Agreement(right=10, right_kept=9, wrong=10, wrong_found=8)
    assert agreement.visible == pytest.approx(0.7)
    assert "shows 70 % of a loss" in agreement.sentence
    assert Agreement(10, 3, 10, 4).visible == 0


def graded_lines(count: int, **more: Any) -> list[str]:
    row = {"question": "q", "answers": ["a"], "answer": "b"}
    return [json.dumps({**row, "right": bool(n % 2), **more}) for n in range(count)]


@pytest.mark.parametrize(
    ("lines", "told_"),
    [
        (graded_lines(19), "19 graded answers; write 20 or more"),
        (graded_lines(20, right=True), r"as many wrong ones among them \(there are 20 and 0\)"),
        ([*graded_lines(18), *graded_lines(9, right=True)], "there are 18 and 9"),
        ([*graded_lines(18), *graded_lines(9, right=False)], "there are 9 and 18"),
        (["{", *graded_lines(20)], "line 1: write an object such as"),
        ([*graded_lines(20), "[]"], "line 21"),
        (graded_lines(20, right="yes"), "line 1"),
        (graded_lines(20, answers=[]), "line 1"),
        (graded_lines(20, answers="a"), "line 1"),
        (graded_lines(20, answer=""), "line 1"),
    ],
)
def test_graded_answers_that_cannot_be_used_are_named(tmp_path: Path, lines: list[str], told_: str) -> None:
    path = tmp_path / "graded.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(GoldenError, match=told_):
        load_examples(path)
    path.write_text("\n".join(["", *graded_lines(20)]))
    assert len(load_examples(path)) == 20


def stream(*chunks: dict[str, Any], done: bool = True) -> web.Response:
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + (["data: [DONE]\n\n"] if done else [])
    return web.Response(text="".join(lines), content_type="text/event-stream")


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


CALL = {"index": 0, "function": {"name": "weather", "arguments": '{"city": '}}
REST = {"index": 0, "function": {"arguments": '"Oslo"}'}}
USAGE = {"choices": [], "usage": {"completion_tokens": 7}}


@pytest.mark.parametrize(
    ("replied", "text", "arguments", "tokens"),
    [
        (stream(delta(content="4"), delta("stop", content="2"), USAGE), "42", "", 7),
        (stream(delta(reasoning_content="hm"), delta("stop", content="42")), "42", "", None),
        (stream(delta(tool_calls=[CALL]), delta("tool_calls", tool_calls=[REST]), USAGE), "", '{"city": "Oslo"}', 7),
        (stream(delta(content="4"), done=False), None, "", None),
        (stream(delta(content="4"), {"error": {"message": "out of memory"}}), None, "", None),
        (stream({"choices": [{"text": "42", "finish_reason": "stop"}]}), "42", "", None),
    ],
)
async def test_an_answer_that_comes_as_a_stream_is_the_completion_that_it_adds_up_to(
    replied: web.Response, text: str | None, arguments: str, tokens: int | None
) -> None:
    app, asked = api(lambda request: replied)
    async with listening(app) as url, Asker(AskSettings(url, "m", retries=0, stream=True), RoutePin()) as asker:
        answer = await asker.ask("q", Variant.BASELINE, '{"tools": [], "reasoning_effort": "low"}')
    assert (answer.text, answer.arguments, answer.tokens) == (text, arguments, tokens)
    assert asked[0]["stream"] is True and asked[0]["stream_options"] == {"include_usage": True}
    assert (asked[0]["tools"], asked[0]["reasoning_effort"]) == ([], "low")


def test_the_arguments_of_a_tool_are_scored_as_json_and_as_nothing_else() -> None:
    answer = Answer("", "tool_calls", arguments='{"city": "Oslo"}')
    by_field = GoldenQuestion("q", ("Oslo",), scoring=Scoring.named("json:city"))
    assert is_match(answer, by_field, Scoring())
    assert not is_match(answer, GoldenQuestion("q", ("Oslo",)), Scoring())
    assert not is_match(Answer("no", arguments='{"city": "Oslo"}'), by_field, Scoring())


@pytest.mark.parametrize(
    ("written", "said"),
    [({"stream": True}, "holds 'stream', which the evaluator writes itself"), ([], "must be an object of fields")],
)
def test_fields_of_a_question_that_are_the_evaluators_own_are_refused(written: Any, said: str) -> None:
    line = json.dumps({"question": "q", "answers": ["42"], "body": written})
    with pytest.raises(GoldenError, match=said):
        parse_golden([("f", [line])], "f", Scoring())


def test_a_question_keeps_its_fields() -> None:
    line = json.dumps({"question": "q", "answers": ["42"], "body": {"reasoning_effort": "low"}})
    assert parse_golden([("f", [line])], "f", Scoring())[0].body == '{"reasoning_effort": "low"}'
