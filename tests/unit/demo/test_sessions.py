"""Requests of the load that come in sessions, and the server that keeps a session on a variant."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from earlystop.demo.app import ServerSettings
from earlystop.demo.load import LoadPlan, run_load
from earlystop.demo.sessions import Sessions, Turn, draw_turns
from earlystop.exporter.settings_document import written
from tests.unit.demo.recorded import recordings
from tests.unit.demo.serving import POLICY, chat, serving
from tests.unit.exporter.mounts import document

RATE, SECONDS, REQUESTS = 100.0, 2.0, 20
QUESTIONS = [recording.question for recording in recordings()]


def turns(sessions: Sessions, number: int) -> list[Turn]:
    return list(islice(draw_turns(sessions, RATE, 50, 1_000, seed=1), number))


def test_a_session_asks_one_question_of_one_user_as_often_and_within_as_long_as_it_should() -> None:
    moments: defaultdict[Turn, list[int]] = defaultdict(list)
    for moment, turn in enumerate(turns(Sessions(REQUESTS, SECONDS), 2_000)):
        moments[turn].append(moment)
    assert len({turn.session for turn in moments}) == len(moments)
    # Of 10 that are under way at once, the first are shorter and the last are not over yet.
    whole = [each for turn, each in moments.items() if 10 <= turn.session < len(moments) - 10]
    assert len(whole) >= 80 and all(len(each) == REQUESTS for each in whole)
    seconds = [(each[-1] - each[0]) / RATE for each in whole]
    assert all(0.9 * SECONDS <= each <= SECONDS for each in seconds)


def test_sessions_begin_one_after_the_other_and_not_all_at_once() -> None:
    begun: Counter[int] = Counter()
    seen: set[int] = set()
    for moment, turn in enumerate(turns(Sessions(REQUESTS, SECONDS), 2_000)):
        if turn.session not in seen:
            seen.add(turn.session)
            begun[moment // REQUESTS] += 1
    # One of 20 requests begins with every 20 requests of the load, or a moment before or after.
    assert all(0 <= number <= 2 for block, number in begun.items() if block)


def test_single_requests_are_a_session_each() -> None:
    assert [turn.session for turn in turns(Sessions(), 50)] == list(range(50))


@pytest.mark.parametrize(("requests", "seconds"), [(0, 1.0), (-1, 1.0), (5, 0.0), (5, float("nan")), (5, float("inf"))])
def test_sessions_that_cannot_be_are_refused(requests: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="write "):
        Sessions(requests, seconds)


async def test_the_load_names_the_session_of_each_request_and_asks_alike_in_it() -> None:
    asked: defaultdict[str, list[str]] = defaultdict(list)

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        asked[request.headers["x-session"]].append(body["messages"][0]["content"])
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    async with TestServer(app) as server:
        more = {"sessions": Sessions(5, 0.01), "session_header": "x-session"}
        plan = LoadPlan(str(server.make_url("/")), rate=2_000, requests=50, concurrency=1, **more)  # type: ignore[arg-type]
        await run_load(plan, QUESTIONS)
    assert sum(map(len, asked.values())) == 50 and max(map(len, asked.values())) == 5
    assert all(len(set(questions)) == 1 for questions in asked.values())


async def variants_of(settings: ServerSettings, session: str, requests: int = 20) -> set[str]:
    async with serving(settings) as (client, _):
        found = set()
        for _ in range(requests):
            answer = await client.post(
                "/v1/chat/completions", json=chat(QUESTIONS[0]), headers={"x-session": session} if session else {}
            )
            found.add(answer.headers["x-early-stop-variant"])
        return found


@pytest.mark.slow
async def test_a_session_keeps_its_variant_where_the_server_draws_and_others_do_not(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(written(document(50)))
    settings = ServerSettings(
        policies=(POLICY,), settings_file=str(file), session_header="x-session", names_variants=True
    )
    kept = [await variants_of(settings, f"session-{number}") for number in range(12)]
    assert all(len(each) == 1 for each in kept)
    # Twelve sessions, or twenty requests, get one variant alone by chance once in 2,000, or in 500,000; the draws of
    # sessions follow from their names.
    assert set.union(*kept) == {"baseline", "candidate"}
    assert await variants_of(settings, "") == {"baseline", "candidate"}


def test_a_server_that_draws_nothing_refuses_to_keep_sessions() -> None:
    with pytest.raises(ValueError, match="name a settings file"):
        ServerSettings(session_header="x-session")
