"""An engine that does not agree with the injector is told once, until it agrees again, and is no evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.conditions import ConditionStatus
from earlystop.controller.cluster import POLICIES
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.cross_check import (
    AFTER_STEP_SECONDS,
    WINDOW_SECONDS,
    look_for_disagreement,
    with_disagreement,
)
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.store.status_writer import write_status
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.range_vectors import RawSeries
from earlystop.rollout.observations import Observation
from earlystop.rollout.plan import plan_text
from earlystop.rollout.state import BETWEEN_TRIALS, DECIDED, Phase
from tests.unit.controller.embedded_world import SOURCE
from tests.unit.controller.traffic.moves import Moves
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.states import REACHED

READ = Observation(ConditionStatus.TRUE, "Readable", "Counts can be read.")
ENGINE = "vllm:request_generation_tokens"


class Pages:
    """A source in which an engine and an injector have each answered so many requests a second, of 10 tokens each."""

    def __init__(self, engine: float, injector: float, missing: str = "nothing") -> None:
        self.engine, self.injector, self.missing = engine, injector, missing
        self.asked: list[str] = []

    def range_vector(self, query: str, at: float) -> list[RawSeries]:
        """One series, scraped every 15 s."""
        self.asked.append(query)
        if query.startswith(self.missing):
            return []
        name, seconds = query.partition("{")[0], int(query.rpartition("[")[2].removesuffix("s]"))
        a_second = self.engine if name.startswith("vllm") else self.injector
        factor = {"sum": 10, "tokens_total": 10, "squared_total": 100, "failures_total": 0, "flight": 0}
        each = next((number for end, number in factor.items() if name.endswith(end)), 1)
        moments = range(int(at) - seconds, int(at) + 1, 15)
        points = [(1000 * moment, str(round(each * round(a_second * (moment - NOW + 9_000))))) for moment in moments]
        return [RawSeries({"__name__": name, "pod": "one"}, points)]


class Reader(CountBatcher):
    """Answers from these pages, or with a failure."""

    def __init__(self, pages: Pages, failure: MetricsFailure | None = None) -> None:
        super().__init__()
        self.sources["default"] = SOURCE
        self.pages, self.failure = pages, failure

    async def read_of_one(self, source: str, policy: str, read: Callable[[Any], Any]) -> Any:
        return read(self.pages) if self.failure is None else self.failure


def observing(mode: str = "RequestBody", preset: str | None = "VLLM") -> TrackedPolicy:
    return observing_in(Moves(mode), preset)


def observing_in(moves: Moves, preset: str | None = "VLLM") -> TrackedPolicy:
    """The policy of these moves, whose step began now."""
    tracked = moves.tracked
    tracked.state = replace(tracked.state, step_started_at=NOW)
    return asking(tracked, preset)


def asking(tracked: TrackedPolicy, preset: str | None = "VLLM") -> TrackedPolicy:
    """A policy that asks for this comparison, or for none."""
    metrics = tracked.spec.metrics.model_copy(update={"cross_check": preset})
    tracked.spec = tracked.spec.model_copy(update={"metrics": metrics})
    return tracked


async def windows(tracked: TrackedPolicy, reader: Reader, number: int) -> list[str]:
    """What is said after each of so many windows, and what is told by events."""
    found = []
    for _ in range(number):
        at = max(NOW + AFTER_STEP_SECONDS, tracked.cross_check.until) + WINDOW_SECONDS + 60
        await look_for_disagreement(reader, tracked, at)
        tracked.observe(replace(tracked.observations, metrics=with_disagreement(tracked, READ)), at)
        found.append(tracked.observations.metrics.reason)
    return found


async def test_it_is_said_after_two_windows_told_once_and_taken_back_after_two_that_agree() -> None:
    tracked = observing()
    tracked.take_news()
    before = tracked.state
    differing, equal = Reader(Pages(engine=3, injector=2)), Reader(Pages(engine=2, injector=2))
    assert await windows(tracked, differing, 4) == ["Readable", *["CountsDisagree"] * 3]
    told = tracked.observations.metrics
    assert told.status is ConditionStatus.TRUE and told.message.startswith("Counts can be read. The engine's own")
    assert await windows(tracked, equal, 2) == ["CountsDisagree", "Readable"]
    assert [each.reason for each in tracked.take_news()] == []  # all between two tellings that ended where it began
    await windows(tracked, differing, 2)
    assert [(each.reason, each.warning) for each in tracked.take_news()] == [("CountsDisagree", True)]
    await windows(tracked, differing, 3)
    assert tracked.take_news() == []
    assert tracked.state == before, "it is no evidence, and nothing waits for it"


async def test_windows_do_not_overlap_and_begin_once_requests_from_before_the_step_are_over() -> None:
    tracked, pages = observing(), Pages(2, 2)
    for at in range(NOW, NOW + 3 * WINDOW_SECONDS, 10):
        await look_for_disagreement(Reader(pages), tracked, at)
    assert len([each for each in pages.asked if each.startswith(f"{ENGINE}_sum")]) == 2


@pytest.mark.parametrize(("mode", "preset"), [("GatewayHeader", "VLLM"), ("RequestBody", None)])
async def test_nobody_who_has_no_injector_or_asks_for_nothing_is_compared(mode: str, preset: str | None) -> None:
    tracked, pages = observing(mode, preset), Pages(3, 2)
    assert await windows(tracked, Reader(pages), 3) == ["Readable"] * 3 and pages.asked == []


async def test_a_restarted_operator_takes_nothing_back_before_it_has_seen_two_windows() -> None:
    tracked = observing()
    stored = Observation(ConditionStatus.TRUE, "CountsDisagree", "Counts can be read. The engine does not agree.")
    tracked.observe(replace(tracked.observations, metrics=stored), NOW)
    assert with_disagreement(tracked, READ) == stored
    assert await windows(tracked, Reader(Pages(2, 2)), 2) == ["CountsDisagree", "Readable"]


async def test_a_source_that_fails_takes_nothing_back_and_one_without_the_counters_is_told_which() -> None:
    tracked = observing()
    await windows(tracked, Reader(Pages(3, 2)), 2)
    failed = Reader(Pages(3, 2), MetricsFailure(FailureKind.TIMEOUT, "it took too long"))
    assert await windows(tracked, failed, 3) == ["CountsDisagree"] * 3
    fresh = observing()
    assert await windows(fresh, Reader(Pages(3, 2, missing="vllm:")), 1) == ["Readable"]
    assert f"cannot be made: there is no counter {ENGINE}_count of Pods of Deploy" in fresh.observations.metrics.message


async def test_who_no_longer_asks_for_it_is_told_nothing() -> None:
    tracked = observing()
    await windows(tracked, Reader(Pages(3, 2)), 2)
    metrics = tracked.spec.metrics.model_copy(update={"cross_check": None})
    tracked.spec = tracked.spec.model_copy(update={"metrics": metrics})
    assert with_disagreement(tracked, READ) == READ and tracked.cross_check.windows.said is None


def said(tracked: TrackedPolicy) -> str:
    """The reason of the condition in the status as it is stored."""
    (metrics,) = [each for each in tracked.policy.conditions if each.type == "MetricsAvailable"]
    return metrics.reason


@pytest.mark.parametrize("phase", sorted(DECIDED - BETWEEN_TRIALS))
@pytest.mark.parametrize("restarted", [False, True])
async def test_it_ends_with_its_campaign_whatever_came_of_that(phase: Phase, restarted: bool) -> None:
    moves = Moves("RequestBody")
    tracked = observing_in(moves)
    await windows(tracked, Reader(Pages(3, 2)), 2)
    await write_status(moves.api, tracked, tracked.state, tracked.ledger, NOW)
    assert said(tracked) == "CountsDisagree"
    if restarted:
        tracked = asking(TrackedPolicy.load(moves.api.at(POLICIES, "llm", "qa"), NOW))
    decided = replace(tracked.state, phase=phase, decision=REACHED["promoting"].decision)
    await write_status(moves.api, tracked, decided, tracked.ledger, NOW)
    assert said(tracked) == tracked.observations.metrics.reason == "Readable"
    assert with_disagreement(tracked, READ) == READ


async def test_the_next_campaign_begins_without_what_the_one_before_showed() -> None:
    moves = Moves("RequestBody")
    tracked = observing_in(moves)
    await windows(tracked, Reader(Pages(3, 2)), 2)
    following = replace(tracked.state, phase=Phase.APPLYING, campaign=2, revision="r2")
    await write_status(moves.api, tracked, following, tracked.ledger, NOW)
    assert said(tracked) == "Readable" and with_disagreement(tracked, READ) == READ
    tracked.advance(replace(following, phase=Phase.OBSERVING), tracked.ledger)
    assert await windows(tracked, Reader(Pages(3, 2)), 2) == ["Readable", "CountsDisagree"]


async def test_a_pause_of_the_campaign_takes_nothing_back() -> None:
    moves = Moves("RequestBody")
    tracked = observing_in(moves)
    await windows(tracked, Reader(Pages(3, 2)), 2)
    paused = replace(tracked.state, phase=Phase.SUSPENDED, suspended_at=NOW)
    await write_status(moves.api, tracked, paused, tracked.ledger, NOW)
    assert said(tracked) == "CountsDisagree"


def test_asking_for_it_begins_no_campaign_anew() -> None:
    asked = observing()
    unasked = asked.spec.model_copy(update={"metrics": asked.spec.metrics.model_copy(update={"cross_check": None})})
    assert plan_text(asked.spec) == plan_text(unasked) and "crossCheck" not in plan_text(asked.spec)
