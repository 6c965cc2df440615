"""An answer that fails beside one that came is a wrong one, so that no wrong answer hides by never coming; but not
where the failure may be another's than the variant's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from earlystop.evaluator.client import Asker, AskSettings
from earlystop.evaluator.failed_answers import LatestAnswers
from earlystop.evaluator.grading import Answer, Attribution
from earlystop.evaluator.judge import Judge
from earlystop.evaluator.pin import RoutePin
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.scoring import Scoring
from tests.unit.evaluator.completions import body, message
from tests.unit.evaluator.counted import Page, evaluator
from tests.unit.evaluator.serving import listening

DISCARDED = "earlystop_evaluator_pairs_discarded_total"
EASY, HARD = GoldenQuestion("easy", ("42",)), GoldenQuestion("hard", ("42",))
Fails = Callable[[web.Request], Any]


def headers(request: web.Request, step: int = 0) -> dict[str, str]:
    prefix, variant = "x-early-stop-", request.headers["x-early-stop-golden"]
    return {f"{prefix}revision": "r1", f"{prefix}step": str(step), f"{prefix}variant": variant}


def failing_on_hard(fails: Fails, *variants: str, step: Callable[[], int] = lambda: 0) -> web.Application:
    """A gateway whose servers answer, but for the hard question to these variants."""

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = (await request.json())["messages"][0]["content"]
        if asked == "hard" and request.headers["x-early-stop-golden"] in variants:
            failed: web.StreamResponse = await fails(request)
            return failed
        return web.json_response(body(), headers=headers(request, step()))

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    return app


async def error(_: web.Request) -> web.StreamResponse:
    return web.json_response({"error": {"message": "out of memory"}}, status=500)


async def too_long(_: web.Request) -> web.StreamResponse:
    return web.json_response({"error": {"message": "the context is too long"}}, status=400)


async def empty(request: web.Request) -> web.StreamResponse:
    return web.Response(headers=headers(request))


async def broken_off(request: web.Request) -> web.StreamResponse:
    return web.json_response(body(finish_reason="abort"), headers=headers(request))


async def cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"choices": [')
    assert request.transport is not None
    request.transport.close()
    return response


async def late(request: web.Request) -> web.StreamResponse:
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - it sets no event
        await asyncio.sleep(0.1)
    return web.Response()


async def rate_limited(request: web.Request) -> web.StreamResponse:
    return web.Response(status=429, headers=headers(request))


async def asked(
    app: web.Application, *questions: GoldenQuestion, before: Callable[[int], None] = lambda _: None
) -> Page:
    """What the evaluator counts of these questions, one after the other."""
    page = Page()
    settings = {"retries": 0, "timeout_seconds": 5.0}
    async with listening(app) as url, Asker(AskSettings(url, "m", **settings), RoutePin()) as asker:  # type: ignore[arg-type]
        asking = evaluator(page, asker, (EASY, HARD))
        for number, question in enumerate(questions):
            before(number)
            await asking.ask_pair(question)
    return page


@pytest.mark.parametrize("fails", [error, too_long, empty, broken_off, cut, late], ids=lambda fails: fails.__name__)
async def test_an_answer_that_fails_beside_one_that_came_is_a_wrong_one_and_no_answer(fails: Fails) -> None:
    page = await asked(failing_on_hard(fails, "candidate"), EASY, HARD)
    assert page.split("earlystop_pairs_total", "outcome") == {"baseline_only": 1, "both": 1}
    assert page.split("earlystop_pair_answers_total", "outcome") == {"whole": 1, "without_candidate_right": 1}
    assert page.split("earlystop_answers_total", "variant") == {"baseline": 2, "candidate": 1}
    assert page.sum("earlystop_requests_total", variant="candidate") == 1
    assert page.sum("earlystop_evaluator_answers_total", variant="candidate", fate="failed") == 1
    assert page.sum(DISCARDED) == 0


async def test_a_baseline_that_fails_is_held_to_the_same() -> None:
    page = await asked(failing_on_hard(error, "baseline"), EASY, HARD)
    assert page.split("earlystop_pairs_total", "outcome") == {"both": 1, "candidate_only": 1}
    assert page.split("earlystop_pair_answers_total", "outcome") == {"whole": 1, "without_baseline_right": 1}


async def test_where_neither_variant_answers_there_is_no_pair_and_the_question_is_left_for_later() -> None:
    page = await asked(failing_on_hard(empty, "baseline", "candidate"), EASY, HARD, HARD)
    assert page.sum("earlystop_pairs_total") == 1
    assert page.split(DISCARDED, "reason") == {"failed": 2}


async def test_a_limit_on_how_much_is_asked_is_nobodys_fault() -> None:
    page = await asked(failing_on_hard(rate_limited, "candidate"), EASY, HARD)
    assert page.sum("earlystop_pairs_total") == 1
    assert page.split(DISCARDED, "reason") == {"failed": 1}


async def test_a_failure_before_the_first_answer_of_a_step_is_nobodys_fault() -> None:
    steps = [0, 0, 1, 1, 1]
    now = [0]
    page = await asked(
        failing_on_hard(error, "candidate", step=lambda: steps[now[0]]),
        *(HARD, EASY, HARD, EASY, HARD),
        before=lambda number: now.__setitem__(0, number),
    )
    assert page.split(DISCARDED, "reason") == {"failed": 2}
    assert page.split("earlystop_pairs_total", "outcome") == {"baseline_only": 1, "both": 2}
    assert page.sum("earlystop_pairs_total", step="1", outcome="baseline_only") == 1


@pytest.mark.parametrize(("named", "reason"), [("baseline", "other_variant"), ("candidate", None)])
async def test_an_error_that_says_which_variant_it_came_from_is_that_ones(named: str, reason: str | None) -> None:
    async def fails(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503, headers=headers(request) | {"x-early-stop-variant": named})

    page = await asked(failing_on_hard(fails, "candidate"), HARD)
    assert page.split(DISCARDED, "reason") == ({} if reason is None else {reason: 1})
    assert page.split("earlystop_pairs_total", "outcome") == ({} if reason else {"baseline_only": 1})


def test_where_another_variant_answered_last_a_failure_is_nobodys() -> None:
    """As a candidate's golden rule is taken off its route: what then fails may be the baseline's."""
    latest, arms = LatestAnswers(), ("baseline", "candidate")
    right = Answer("42", attribution=Attribution("r1", 0, "baseline"))
    for came in (Attribution("r1", 0, "baseline"), Attribution("r0", 0, "candidate"), None):
        latest.attributed(arms, (right, Answer("42", attribution=came)))
        assert latest.attributed(arms, (right, Answer(None)))[1].attribution is None
    came = Attribution("r1", 0, "candidate")
    latest.attributed(arms, (right, Answer("42", attribution=came)))
    assert latest.attributed(arms, (right, Answer(None)))[1].attribution == came


async def test_of_an_outage_of_one_variant_three_failures_count_until_it_answers_again() -> None:
    page = await asked(failing_on_hard(error, "candidate"), EASY, *[HARD] * 5, EASY, *[HARD] * 5)
    assert page.split("earlystop_pairs_total", "outcome") == {"baseline_only": 6, "both": 2}
    assert page.split(DISCARDED, "reason") == {"failed": 4}
    page = await asked(failing_on_hard(empty, "baseline"), EASY, *[HARD] * 5)
    assert page.split("earlystop_pairs_total", "outcome") == {"both": 1, "candidate_only": 3}


async def test_each_variant_is_asked_first_in_every_other_pair() -> None:
    order: list[str] = []

    class Noting:
        async def ask(self, question: str, variant: str, body: str = "") -> Answer:
            order.append(str(variant))
            return Answer("42" if variant == "baseline" else "1", "stop", 1, Attribution("r1", 0, variant))

    page = Page()
    asking = evaluator(page, Noting(), (EASY,))
    for _ in range(3):
        await asking.ask_pair(EASY)
    assert order == ["baseline", "candidate", "candidate", "baseline", "baseline", "candidate"]
    assert page.split("earlystop_pairs_total", "outcome") == {"baseline_only": 3}


@pytest.mark.parametrize(
    ("replies", "outcome", "reason"),
    [
        ({"right": "yes", "odd": "perhaps"}, "baseline_only", None),
        ({"right": "perhaps", "odd": "yes"}, "candidate_only", None),
        ({"right": "perhaps", "odd": "perhaps"}, None, "unscored"),
        ({"right": "yes", "odd": 404}, None, "unscored"),
    ],
)
async def test_an_answer_on_which_a_judge_is_silent_is_a_wrong_one_but_for_a_judge_that_cannot_be_asked(
    replies: dict[str, str | int], outcome: str | None, reason: str | None
) -> None:
    async def reply(request: web.Request) -> web.StreamResponse:
        said = replies[json.loads((await request.json())["messages"][1]["content"])["answer"]]
        return web.Response(status=said) if isinstance(said, int) else web.json_response(body(**message(said)))

    class Answering:
        async def ask(self, question: str, variant: str, body: str = "") -> Answer:
            return Answer("right" if variant == "baseline" else "odd", "stop", 1, Attribution("r1", 0, variant))

    app, page = web.Application(), Page()
    app.router.add_post("/v1/chat/completions", reply)
    async with listening(app) as url, Judge(url, "judge") as judge:
        asking = evaluator(page, Answering(), (EASY,))
        asking.judge = judge
        await asking.ask_pair(GoldenQuestion("Why?", ("because",), scoring=Scoring.named("judge")))
    assert page.split("earlystop_pairs_total", "outcome") == ({} if outcome is None else {outcome: 1})
    assert page.split(DISCARDED, "reason") == ({} if reason is None else {reason: 1})
