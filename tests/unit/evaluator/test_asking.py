"""Over the wire: the real client, through a route's golden rules and straight to the reference server."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import aiohttp
import pytest
from aiohttp import web

from earlystop.api.counts import Variant
from earlystop.api.wire import GOLDEN_HEADER
from earlystop.demo.voting import read_sample, vote
from earlystop.evaluator.client import Asker, AskSettings
from earlystop.evaluator.grading import Attribution, Fate, fate_of
from earlystop.evaluator.judge import Judge
from earlystop.evaluator.judging import NotJudgedError
from earlystop.evaluator.pin import DirectPin, RoutePin
from earlystop.evaluator.scoring import exact_match
from tests.turns import Turns
from tests.unit.demo.recorded import recordings
from tests.unit.evaluator.counted import Page, evaluator, run_out
from tests.unit.evaluator.serving import POLICY, REVISION, Route, golden, listening, reference

WINDOWS = {"baseline": 40, "candidate": 1}
SETTINGS = {str(variant): {"window": str(WINDOWS[variant])} for variant in Variant}


def ask_settings(url: str, retries: int = 3) -> AskSettings:
    return AskSettings(url, "any", retries=retries, timeout_seconds=20.0)


async def until_asked(page: Page, pairs: int, asking: asyncio.Task[None], stop: asyncio.Event) -> None:
    async with asyncio.timeout(30):
        turns = Turns()
        while page.sum("earlystop_pairs_total") < pairs and not asking.done() and turns.another():  # noqa: ASYNC110 - read from a page
            await asyncio.sleep(0.01)
    stop.set()
    await asking


def answered(question: str, window: int) -> tuple[bool, int]:
    """Whether the recorded question is right at this window, and its tokens."""
    recording = next(each for each in recordings() if each.question == question)
    voted = vote([read_sample(text) for text in recording.samples], window)
    return voted.answer is not None and exact_match(voted.answer, recording.gold), voted.words


class Remembering(Asker):
    """The real client, which also keeps what it was asked."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.asked: list[str] = []

    async def ask(self, question: str, variant: str, body: str = ""):  # type: ignore[no-untyped-def]
        if variant is Variant.BASELINE:
            self.asked.append(question)
        return await super().ask(question, variant, body)


@pytest.mark.slow
async def test_pairs_answers_and_tokens_through_the_route_equal_the_recordings_and_no_server_counts_them() -> None:
    page, stop = Page(), asyncio.Event()
    async with reference() as server, listening(Route(server, WINDOWS).application()) as url:
        async with Remembering(ask_settings(url), RoutePin()) as asker:
            running = asyncio.create_task(evaluator(page, asker, golden()).run(stop))
            await until_asked(page, 150, running, stop)
        async with aiohttp.ClientSession() as session, session.get(server.replace("/v1", "/metrics")) as response:
            served = await response.text()
    truth = [(answered(question, 40), answered(question, 1)) for question in asker.asked]
    expected = {
        "both": (True, True),
        "baseline_only": (True, False),
        "candidate_only": (False, True),
        "neither": (False, False),
    }
    for outcome, rights in expected.items():
        mine = sum((baseline[0], candidate[0]) == rights for baseline, candidate in truth)
        assert page.sum("earlystop_pairs_total", outcome=outcome, policy=POLICY, revision=REVISION, step="0") == mine
    for variant, which in (("baseline", 0), ("candidate", 1)):
        tokens = [arms[which][1] for arms in truth]
        assert page.sum("earlystop_output_tokens_total", variant=variant) == sum(tokens)
        assert page.sum("earlystop_output_tokens_squared_total", variant=variant) == sum(n * n for n in tokens)
        right = sum(arms[which][0] for arms in truth)
        assert page.sum("earlystop_answers_total", variant=variant, result="match") == right
    counted = [line for line in served.splitlines() if line.startswith("earlystop_") and "_info" not in line]
    assert counted
    assert all(line.endswith(" 0.0") for line in counted)


@pytest.mark.slow
async def test_asked_directly_the_server_gets_all_headers_and_answers_for_the_variant() -> None:
    pin = DirectPin(POLICY, REVISION, 2, SETTINGS)
    question = golden(1)[0].question
    async with reference() as url, Asker(ask_settings(url), pin) as asker:
        for variant, window in ((Variant.BASELINE, 40), (Variant.CANDIDATE, 1)):
            answer = await asker.ask(question, variant)
            assert answer.attribution == Attribution(REVISION, 2, variant)
            assert answer.tokens == answered(question, window)[1]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed_which_would_take_questions_and_keys_to_another_host(status: int) -> None:
    reached: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.json_response({})

    other, server = web.Application(), web.Application()
    other.router.add_route("*", "/{path:.*}", elsewhere)
    async with listening(other) as away:

        async def redirect(_: web.Request) -> web.Response:
            return web.Response(status=status, headers={"location": f"{away}/chat/completions"})

        server.router.add_post("/v1/chat/completions", redirect)
        async with listening(server) as url, Asker(ask_settings(url, retries=0), RoutePin()) as asker:
            assert fate_of(await asker.ask("17 * 23?", Variant.BASELINE)) is Fate.FAILED
        async with listening(server) as url, Judge(url, "any") as judge:
            with pytest.raises(NotJudgedError, match=str(status)):
                await judge.is_right("17 * 23?", ["391"], "391")
    assert reached == []


@pytest.mark.slow
async def test_an_answer_that_needed_retries_is_counted_once() -> None:
    page, tries = Page(), Counter[tuple[bytes, str]]()

    async def fail_twice_of_three(request: web.Request) -> web.Response | None:
        # Both answers of a pair are asked for at once, in any order.
        asked = await request.read(), request.headers[GOLDEN_HEADER]
        tries[asked] += 1
        if tries[asked] % 3:
            return web.json_response({"error": {"message": "busy"}}, status=503, headers={"retry-after-ms": "1"})
        return None

    async with reference() as server:
        route = Route(server, WINDOWS)
        route.before = fail_twice_of_three
        async with listening(route.application()) as url, Asker(ask_settings(url), RoutePin()) as asker:
            asking = evaluator(page, asker, golden(20), open_pairs=1)
            for question in golden(20):
                await asking.ask_pair(question)
    assert list(tries.values()) == [3] * 40
    assert page.sum("earlystop_pairs_total") == 20
    assert page.sum("earlystop_answers_total") == page.sum("earlystop_evaluator_answers_total") == 40


async def test_when_every_try_fails_the_answer_is_failed_and_the_evaluator_goes_on() -> None:
    bodies = {
        "refused": web.Response(status=400, text="{}"),
        "html": web.Response(text="<html>", content_type="text/html"),
        "no choices": web.json_response({"choices": []}),
        "not an object": web.json_response([1]),
    }

    async def answer(request: web.Request) -> web.Response:
        sent = json.loads(await request.read())["messages"][0]["content"]
        chosen = bodies[sent]
        return web.Response(body=chosen.body, status=chosen.status, content_type=chosen.content_type)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    async with listening(app) as url, Asker(ask_settings(url, retries=0), RoutePin()) as asker:
        for sent in bodies:
            assert fate_of(await asker.ask(sent, Variant.BASELINE)) is Fate.FAILED, sent
    async with Asker(ask_settings("http://127.0.0.1:9/v1", retries=0), RoutePin()) as asker:
        assert fate_of(await asker.ask("nobody listens", Variant.BASELINE)) is Fate.FAILED


@pytest.mark.slow
async def test_while_the_route_changes_no_pair_mixes_two_steps() -> None:
    page, stop = Page(), asyncio.Event()
    async with reference() as server:
        route = Route(server, WINDOWS)

        async def change(_: web.Request) -> None:
            route.step = (route.step + 1) % 3

        route.before = change
        async with listening(route.application()) as url, Asker(ask_settings(url), RoutePin()) as asker:
            running = asyncio.create_task(evaluator(page, asker, golden(), open_pairs=3).run(stop))
            async with asyncio.timeout(30):
                turns = Turns()
                while page.sum("earlystop_evaluator_answers_total") < 60 and turns.another():  # noqa: ASYNC110 - read from a page
                    await asyncio.sleep(0.01)
            stop.set()
            await running
    discarded = page.sum("earlystop_evaluator_pairs_discarded_total", reason="different_steps")
    assert discarded > 0
    assert page.sum("earlystop_pairs_total") + discarded == page.sum("earlystop_evaluator_answers_total") / 2


@pytest.mark.slow
async def test_a_budget_is_spent_on_the_tokens_that_the_server_reports() -> None:
    page = Page()
    async with (
        reference() as server,
        listening(Route(server, WINDOWS).application()) as url,
        Asker(ask_settings(url), RoutePin()) as asker,
    ):
        asking = evaluator(page, asker, golden(), token_budget=5000, open_pairs=1)
        await run_out(asking)
    assert asking.budget.spent >= 5000
    assert page.sum("earlystop_output_tokens_total") == asking.budget.spent
    assert page.sum("earlystop_evaluator_asking") == 0
