"""The load generator against real servers in the process."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from earlystop.demo.load import LoadPlan, LoadSummary, run_load
from tests.unit.closed_port import closed_port
from tests.unit.demo.recorded import recordings
from tests.unit.demo.serving import REVISION, serving, tallies, told

QUESTIONS = [recording.question for recording in recordings()]
Answer = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    """The URL of a server that answers chat requests like this."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@pytest.mark.slow
async def test_every_request_of_the_load_is_counted_by_the_server_and_in_the_summary() -> None:
    async with serving() as (client, _):
        url = str(client.make_url("/"))
        plan = LoadPlan(url, rate=2_000, requests=300, headers=told("candidate", 5))
        summary = await run_load(plan, QUESTIONS)
        tally = (await tallies(client))[REVISION, "0", "candidate"]
    assert (summary.sent, summary.ok, summary.failed) == (300, 300, 0)
    assert summary.variants == {"candidate": 300}
    assert (tally.started, tally.completed) == (300, 300)


@pytest.mark.slow
async def test_the_same_seed_asks_the_same_questions_and_another_one_does_not() -> None:
    async def asked(seed: int) -> list[str]:
        seen = []

        async def answer(request: web.Request) -> web.Response:
            seen.append((await request.json())["messages"][0]["content"])
            return web.Response()

        async with answering(answer) as url:
            # One open request at a time, so the order of arrival is the order of sending.
            await run_load(LoadPlan(url, rate=5_000, requests=60, seed=seed, concurrency=1), QUESTIONS)
        return seen

    first = await asked(1)
    assert set(first) <= set(QUESTIONS)
    assert first == await asked(1)
    assert first != await asked(2)


@pytest.mark.slow
async def test_questions_are_drawn_evenly_and_with_replacement() -> None:
    times = dict.fromkeys(QUESTIONS[:4], 0)

    async def answer(request: web.Request) -> web.Response:
        times[(await request.json())["messages"][0]["content"]] += 1
        return web.Response()

    async with answering(answer) as url:
        await run_load(LoadPlan(url, rate=5_000, requests=400), QUESTIONS[:4])
    # Binomial(400, 1/4) has a standard deviation of 8.7; five of them.
    assert all(abs(count - 100) <= 43 for count in times.values())


@pytest.mark.slow
async def test_a_users_cohort_is_sent_with_each_request_and_answers_are_told_apart_by_it() -> None:
    seen: Counter[str | None] = Counter()

    async def answer(request: web.Request) -> web.Response:
        cohort = request.headers.get("x-user-cohort")
        seen[cohort] += 1
        return web.Response(headers={"x-early-stop-variant": {"a": "baseline", "b": "w5"}.get(str(cohort), "none")})

    async with answering(answer) as url:
        summary = await run_load(LoadPlan(url, rate=5_000, requests=600, cohorts=("a", "b", ""), users=300), QUESTIONS)
    assert set(seen) == {"a", "b", None}
    # Binomial(600, 1/3) has a standard deviation of 11.5; five of them.
    assert all(abs(count - 200) <= 58 for count in seen.values())
    assert summary.cohorts == {"a": {"baseline": seen["a"]}, "b": {"w5": seen["b"]}, "": {"none": seen[None]}}
    assert json.loads(summary.line())["cohorts"] == summary.cohorts


@pytest.mark.slow
async def test_a_user_who_is_named_is_of_one_cohort_for_good() -> None:
    seen: defaultdict[str, set[str | None]] = defaultdict(set)

    async def answer(request: web.Request) -> web.Response:
        seen[request.headers["x-user"]].add(request.headers.get("x-user-cohort"))
        return web.Response()

    plan = {"rate": 5_000, "requests": 400, "cohorts": ("a", "b", ""), "users": 30, "user_header": "x-user"}
    async with answering(answer) as url:
        await run_load(LoadPlan(url, **plan), QUESTIONS)  # type: ignore[arg-type]
    assert len(seen) == 30 and all(len(cohorts) == 1 for cohorts in seen.values())


async def test_without_cohorts_no_such_header_is_sent_and_the_same_questions_are_asked() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        assert ("x-user-cohort" in request.headers) == (len(asked) >= 40)
        asked.append((await request.json())["messages"][0]["content"])
        return web.Response()

    async with answering(answer) as url:
        for cohorts in ((), ("a", "b")):
            plan = LoadPlan(url, rate=5_000, requests=40, concurrency=1, cohorts=cohorts)
            assert (await run_load(plan, QUESTIONS)).ok == 40
    assert asked[:40] == asked[40:]


async def test_failures_are_counted_by_status_and_answers_by_variant() -> None:
    count = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal count
        count += 1
        if count % 4 == 0:
            return web.Response(status=503)
        return web.Response(headers={"x-early-stop-variant": "candidate"} if count % 4 == 1 else {})

    async with answering(answer) as url:
        summary = await run_load(LoadPlan(url, rate=2_000, requests=100), QUESTIONS)
    assert summary.failures == {"503": 25}
    assert len(summary.examples) == 8 and all("503: " in example for example in summary.examples)
    assert summary.variants == {"candidate": 25, "": 50}
    assert (summary.sent, summary.ok, summary.failed) == (100, 75, 25)


async def test_a_server_that_is_away_fails_requests_but_not_the_load() -> None:
    with closed_port() as port:
        summary = await run_load(LoadPlan(f"http://127.0.0.1:{port}", rate=2_000, requests=20), QUESTIONS)
    assert (summary.sent, summary.ok, summary.failures) == (20, 0, {"ClientConnectorError": 20})


async def test_an_answer_that_never_comes_fails_after_the_timeout() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    async with TestServer(app, shutdown_timeout=0) as server:
        plan = LoadPlan(str(server.make_url("/")), rate=1_000, requests=5, timeout_seconds=0.1)
        summary = await run_load(plan, QUESTIONS)
    assert summary.failed == summary.sent == 5
    assert all("Timeout" in name for name in summary.failures)


async def test_open_requests_never_exceed_the_concurrency() -> None:
    now_open = most_open = 0
    full, sent = asyncio.Event(), 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal now_open, most_open, sent
        sent += 1
        now_open += 1
        most_open = max(most_open, now_open)
        if now_open == 4:
            full.set()
        await full.wait()
        now_open -= 1
        return web.Response()

    async with answering(answer) as url:
        summary = await run_load(LoadPlan(url, rate=5_000, requests=200, concurrency=4), QUESTIONS)
    assert most_open == 4
    assert summary.ok == sent == 200


async def test_requests_beyond_the_concurrency_are_left_out_and_never_queued() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    async with TestServer(app, shutdown_timeout=0) as server:
        # Sending ends before the first request times out and would make room for another one.
        url = str(server.make_url("/"))
        plan = LoadPlan(url, rate=1_000, seconds=0.2, concurrency=4, timeout_seconds=0.4)
        summary = await run_load(plan, QUESTIONS)
    assert summary.sent == summary.failed == 4


async def test_connections_are_kept_alive() -> None:
    connections = set()

    async def answer(request: web.Request) -> web.Response:
        connections.add(request.transport)
        return web.Response()

    async with answering(answer) as url:
        await run_load(LoadPlan(url, rate=2_000, requests=200, concurrency=8), QUESTIONS)
    assert 1 <= len(connections) <= 8


async def test_the_host_header_is_the_one_that_the_gateway_routes_by() -> None:
    hosts = set()

    async def answer(request: web.Request) -> web.Response:
        hosts.add(request.host)
        return web.Response()

    async with answering(answer) as url:
        await run_load(LoadPlan(url, rate=1_000, requests=5, headers={"Host": "qa.example"}), QUESTIONS)
    assert hosts == {"qa.example"}


async def test_a_stop_ends_the_load_and_open_requests_are_still_answered() -> None:
    stop = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        stop.set()
        await asyncio.sleep(0.01)
        return web.Response()

    async with answering(answer) as url:
        summary = await run_load(LoadPlan(url, rate=1_000), QUESTIONS, stop)
    assert summary.ok == summary.sent >= 1


async def test_the_load_ends_after_its_seconds() -> None:
    async with serving() as (client, _):
        summary = await run_load(LoadPlan(str(client.make_url("/")), rate=100, seconds=0.2), QUESTIONS)
    assert summary.seconds >= 0.2
    # A token bucket sends at most its rate, and one request for the fraction.
    assert 1 <= summary.sent <= 100 * summary.seconds + 1


async def test_a_load_without_questions_is_refused() -> None:
    with pytest.raises(ValueError, match="no questions"):
        await run_load(LoadPlan("http://127.0.0.1:1"), [])


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://", ""])
def test_a_url_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="write it like http://"):
        LoadPlan(url)


def test_rate_and_concurrency_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="rate"):
        LoadPlan("http://127.0.0.1", rate=0)
    with pytest.raises(ValueError, match="concurrency"):
        LoadPlan("http://127.0.0.1", concurrency=0)
    with pytest.raises(ValueError, match="cohorts"):
        LoadPlan("http://127.0.0.1", cohorts=("a", "a"))
    with pytest.raises(ValueError, match="cohorts"):
        LoadPlan("http://127.0.0.1", cohorts=("a", "b"), users=1)


def test_the_summary_is_one_line_of_json() -> None:
    line = LoadSummary(10, 8, 2, 4.0, {"503": 2}, {"candidate": 8}, ["09:00:00 503: busy"]).line()
    assert "\n" not in line
    assert json.loads(line) == {
        "sent": 10,
        "ok": 8,
        "failed": 2,
        "seconds": 4.0,
        "rate": 2.5,
        "failures": {"503": 2},
        "variants": {"candidate": 8},
        "examples": ["09:00:00 503: busy"],
    }
