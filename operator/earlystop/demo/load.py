"""Asks recorded questions at a steady rate: `python -m earlystop.demo.load --url http://HOST:PORT`.

Questions are drawn at random with replacement, from a seed, so that answers are independent as the tests assume, unless
they are to come in sessions.
"""

from __future__ import annotations

import asyncio
import json
import math
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import typer

from earlystop.api.wire import DEFAULT_PREFIX, VARIANT
from earlystop.command_line import plain_app
from earlystop.demo.chat import MODEL
from earlystop.demo.pacing import Pace
from earlystop.demo.recordings import BUILTIN, load_recordings
from earlystop.demo.sessions import Sessions, draw_turns

# Requests that fall due within a tick leave together: a wake-up for each would cost more than the request.
TICK_SECONDS = 0.005
# The longest sleep at a slow pace, so that a signal is obeyed soon.
STOP_SECONDS = 0.25
# So many failed answers are kept with their time and first words: enough to tell whose fault they are.
KEPT_FAILURES = 8
KEPT_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What became of the requests; ok and failed add up to sent.

    failures: failed requests by HTTP status or name of the exception;
    variants: ok requests by the variant that the answer's header reports, "" where it reports none;
    cohorts: the same for each cohort that the load has;
    examples: the first failures, each with its time (UTC), kind and first words.
    """

    sent: int
    ok: int
    failed: int
    seconds: float
    failures: dict[str, int]
    variants: dict[str, int]
    examples: list[str] = field(default_factory=list)
    cohorts: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Requests sent a second."""
        return self.sent / self.seconds if self.seconds > 0 else 0.0

    def line(self) -> str:
        """The summary as one line of JSON."""
        row = {"sent": self.sent, "ok": self.ok, "failed": self.failed, "seconds": round(self.seconds, 3)}
        more: dict[str, object] = {"failures": self.failures, "variants": self.variants, "examples": self.examples}
        if self.cohorts:
            more["cohorts"] = self.cohorts
        return json.dumps({**row, "rate": round(self.rate, 1), **more})


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Which load to make.

    url: scheme, host and port of the gateway or the server; rate: requests a second, above 0;
    seconds, requests: end after so long or so many, None for no such end; seed: of the draw of questions;
    concurrency: open requests at a time, at least 1; a request due beyond it is left out, never queued;
    headers: sent with each request, `Host` among them where a gateway routes by it;
    cohort_header, cohorts: a header that every user sends, and its values; a user keeps the same one, and an empty one
    stands for users who send none; users: how many there are, evenly over the cohorts; who asks is drawn at random.
    user_header: a header that says which user asks, "" for none.
    sessions: how many requests in a row ask alike; session_header: a header that says of which session each request
    is, "" for none.
    Raises ValueError for a value out of range.
    """

    url: str
    rate: float = 400.0
    seconds: float | None = None
    requests: int | None = None
    seed: int = 0
    concurrency: int = 64
    headers: Mapping[str, str] = field(default_factory=dict)
    variant_header: str = f"{DEFAULT_PREFIX}{VARIANT}"
    timeout_seconds: float = 30.0
    cohort_header: str = "x-user-cohort"
    cohorts: tuple[str, ...] = ()
    users: int = 1_000
    user_header: str = ""
    sessions: Sessions = field(default_factory=Sessions)
    session_header: str = ""

    def __post_init__(self) -> None:
        Pace(self.rate, at=0.0)
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"the URL is {self.url!r}; write it like http://127.0.0.1:8080")
        if self.concurrency < 1:
            raise ValueError(f"the concurrency is {self.concurrency}; write 1 or more")
        if len(set(self.cohorts)) != len(self.cohorts) or self.users < max(1, len(self.cohorts)):
            raise ValueError(f"{self.users} users in the cohorts {self.cohorts}; write each once, and a user for each")


class _Question(NamedTuple):
    """A request's body, the cohort of the user who asks, None without cohorts, that user, and the session's name."""

    body: bytes
    cohort: str | None
    user: int
    session: str


class _Asker:
    """Sends single questions and counts what becomes of them."""

    def __init__(self, session: aiohttp.ClientSession, plan: LoadPlan) -> None:
        self._session = session
        self._url = plan.url.rstrip("/") + "/v1/chat/completions"
        self._variant_header = plan.variant_header
        self._cohort_header = plan.cohort_header
        self._user_header = plan.user_header
        self._session_header = plan.session_header
        self.failures: Counter[str] = Counter()
        self.variants: Counter[str] = Counter()
        self.cohorts: dict[str, Counter[str]] = {cohort: Counter() for cohort in plan.cohorts}
        self.examples: list[str] = []

    @property
    def answered(self) -> int:
        """Requests that have ended, well or not."""
        return self.failures.total() + self.variants.total()

    async def ask(self, question: _Question) -> None:
        """One request; every end of it is counted once."""
        headers = {self._cohort_header: question.cohort} if question.cohort else {}
        if self._user_header:
            headers[self._user_header] = f"user-{question.user}"
        if self._session_header:
            headers[self._session_header] = question.session
        try:
            async with self._session.post(self._url, data=question.body, headers=headers) as response:
                words = await response.read()
        except (aiohttp.ClientError, OSError) as error:
            self._failed(type(error).__name__, str(error))
            return
        if response.status == 200:
            variant = response.headers.get(self._variant_header, "")
            self.variants[variant] += 1
            if question.cohort is not None:
                self.cohorts[question.cohort][variant] += 1
        else:
            self._failed(str(response.status), words[:KEPT_CHARACTERS].decode(errors="replace"))

    def _failed(self, kind: str, words: str) -> None:
        self.failures[kind] += 1
        if len(self.examples) < KEPT_FAILURES:
            self.examples.append(f"{datetime.now(UTC):%H:%M:%S.%f} {kind}: {words[:KEPT_CHARACTERS].strip()}")


async def run_load(plan: LoadPlan, questions: Sequence[str], stop: asyncio.Event | None = None) -> LoadSummary:
    """Asks until the plan's end or until `stop` is set, then waits for the answers that are still open.

    Raises ValueError without a question.
    """
    if not questions:
        raise ValueError("no questions to ask; pass at least one")
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=plan.concurrency),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={**plan.headers, "Content-Type": "application/json"},
        timeout=aiohttp.ClientTimeout(total=plan.timeout_seconds),
    ) as session:
        asker = _Asker(session, plan)
        sent, seconds = await _send(plan, asker, _draw(questions, plan), stop or asyncio.Event())
    ok, failed = asker.variants.total(), asker.failures.total()
    cohorts = {cohort: dict(variants) for cohort, variants in asker.cohorts.items()}
    return LoadSummary(
        sent=sent,
        ok=ok,
        failed=failed,
        seconds=seconds,
        failures=dict(asker.failures),
        variants=dict(asker.variants),
        examples=asker.examples,
        cohorts=cohorts,
    )


def _draw(questions: Sequence[str], plan: LoadPlan) -> Iterator[_Question]:
    """Requests without end; each body is serialised once, beforehand."""
    bodies = [
        json.dumps({"model": MODEL, "messages": [{"role": "user", "content": question}]}).encode()
        for question in questions
    ]
    for turn in draw_turns(plan.sessions, plan.rate, len(bodies), plan.users, plan.seed):
        cohort = plan.cohorts[turn.user % len(plan.cohorts)] if plan.cohorts else None
        yield _Question(bodies[turn.question], cohort, turn.user, f"session-{plan.seed}-{turn.session}")


async def _send(plan: LoadPlan, asker: _Asker, drawn: Iterator[_Question], stop: asyncio.Event) -> tuple[int, float]:
    """Sends at the plan's pace and returns how many were sent, and the seconds of sending."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    most_seconds = math.inf if plan.seconds is None else plan.seconds
    most_requests = math.inf if plan.requests is None else plan.requests
    pace = Pace(plan.rate, at=began)
    sent = 0
    async with asyncio.TaskGroup() as open_requests:
        while not stop.is_set() and sent < most_requests and loop.time() - began < most_seconds:
            pace = pace.wait(loop.time())
            count = int(min(pace.due, plan.concurrency - (sent - asker.answered), most_requests - sent))
            for question in islice(drawn, count):
                open_requests.create_task(asker.ask(question))
            sent += count
            pace = pace.send(count)
            until_end = began + most_seconds - loop.time()
            await asyncio.sleep(min(max(TICK_SECONDS, pace.seconds_to_next), STOP_SECONDS, max(0.0, until_end)))
        seconds = loop.time() - began
    return sent, seconds


async def _run_until_signal(plan: LoadPlan, questions: Sequence[str]) -> LoadSummary:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await run_load(plan, questions, stop)


ABOUT = "Asks recorded questions at a steady rate; prints one line of JSON at the end."


def main(
    url: Annotated[str, typer.Option(help="Gateway or server, like http://127.0.0.1:8080.")],
    rate: Annotated[float, typer.Option(help="Requests a second.")] = 400.0,
    seconds: Annotated[float | None, typer.Option(help="Stop after so long; without it, at SIGTERM.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random draw of questions.")] = 0,
    data: Annotated[str, typer.Option(help="JSONL file of recordings, or 'builtin'.")] = BUILTIN,
    host_header: Annotated[str | None, typer.Option(help="Host header, where the gateway routes by it.")] = None,
    concurrency: Annotated[int, typer.Option(help="Open requests at a time.")] = 64,
    header_prefix: Annotated[str, typer.Option(help="Prefix of the headers that name the variant.")] = DEFAULT_PREFIX,
    cohort_header: Annotated[str, typer.Option(help="Header that says the user's cohort.")] = "x-user-cohort",
    cohorts: Annotated[str, typer.Option(help="Its values, like a,b; an empty one for users without.")] = "",
    users: Annotated[int, typer.Option(help="Users, evenly over the cohorts.")] = 1_000,
    user_header: Annotated[str, typer.Option(help="Header that says which user asks; none by default.")] = "",
    session_requests: Annotated[int, typer.Option(help="Requests of a session, which all ask the same.")] = 1,
    session_seconds: Annotated[float, typer.Option(help="How long a session of several requests takes.")] = 1.0,
    session_header: Annotated[str, typer.Option(help="Header that says of which session a request is.")] = "",
) -> None:
    """The command, whose parameters are its options."""
    try:
        plan = LoadPlan(
            url,
            rate=rate,
            seconds=seconds,
            seed=seed,
            concurrency=concurrency,
            headers={} if host_header is None else {"Host": host_header},
            variant_header=f"{header_prefix}variant",
            cohort_header=cohort_header,
            cohorts=tuple(cohorts.split(",")) if cohorts else (),
            user_header=user_header,
            users=users,
            sessions=Sessions(session_requests, session_seconds),
            session_header=session_header,
        )
        questions = [recording.question for recording in load_recordings(data)]
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(asyncio.run(_run_until_signal(plan, questions)).line())


if __name__ == "__main__":
    plain_app(main, ABOUT)()
