"""Counts for the tests: answers of a given quality, and a server whose counters only grow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from earlystop.api.counts import ClassAnswers, Tally
from earlystop.api.policy import PolicySpec
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.state import Phase, RolloutState, Totals
from earlystop.rollout.step_moves import take_look, weights_in_force


def answers(scored: int, exact_match: float = 0.8, mean_tokens: int = 600) -> Tally:
    """As many scored answers, with lengths that vary by half of their mean."""
    match = round(scored * exact_match)
    squares = scored * mean_tokens * mean_tokens * 5 // 4
    return Tally(scored, scored, 0, match, scored - match, 0, scored * mean_tokens, squares)


def split(weight: int, requests: int, exact_match: float = 0.8, mean_tokens: int = 600) -> Totals:
    """Requests that are split as the weight says; the candidate's answers have this rate and length, the baseline's
    0.8 and 600 tokens."""
    of_candidate = requests * weight // 100
    return Totals(answers(requests - of_candidate), answers(of_candidate, exact_match, mean_tokens))


@dataclass(frozen=True, slots=True)
class Quality:
    """How a candidate answers, and how many requests come between two looks."""

    exact_match: float = 0.8
    mean_tokens: int = 600
    requests: int = 2000

    def at(self, weight: int) -> Totals:
        return split(weight, self.requests, self.exact_match, self.mean_tokens)


SAME = Quality()
SAVING = Quality(mean_tokens=300)
HARMFUL = Quality(exact_match=0.4, mean_tokens=300)


def nothing(classes: int) -> Totals:
    """No counts of so many query classes."""
    return Totals(classes=(ClassAnswers(),) * classes)


def plus(one: Totals, other: Totals) -> Totals:
    classes = (
        ClassAnswers(*(mine + more for mine, more in zip(*both, strict=True)))
        for both in zip(one.classes, other.classes, strict=True)
    )
    return Totals(one.baseline + other.baseline, one.candidate + other.candidate, tuple(classes))


def minus(one: Totals, other: Totals) -> Totals:
    classes = (mine - theirs for mine, theirs in zip(one.classes, other.classes, strict=True))
    return Totals(one.baseline - other.baseline, one.candidate - other.candidate, tuple(classes))


class Server:
    """Counters by revision and step, as the convention keeps them; classes: how many query classes are named."""

    def __init__(self, classes: int = 0) -> None:
        self.counters: defaultdict[tuple[str, int], Totals] = defaultdict(lambda: nothing(classes))

    def serve(self, state: RolloutState, counts: Totals) -> None:
        key = state.revision, state.clock.step
        self.counters[key] = plus(self.counters[key], counts)

    def totals(self, state: RolloutState) -> Totals:
        return self.counters[state.revision, state.clock.step]


def snapshot(spec: PolicySpec, state: RolloutState, server: Server) -> RolloutState:
    """The step put in force five seconds after the last moment, and its snapshot taken."""
    last = max([state.campaign_started_at, *(look.at for look in state.looks)])
    return look(spec, weights_in_force(state, last + 5), server)


def observe(spec: PolicySpec, state: RolloutState, server: Server, *served: Totals) -> RolloutState:
    """A look after each of `served`, which the step must outlast."""
    if state.phase == Phase.APPLYING:
        state = snapshot(spec, state, server)
    for counts in served:
        server.serve(state, counts)
        state = look(spec, state, server)
    return state


def decided(spec: PolicySpec, state: RolloutState, server: Server, quality: Quality) -> RolloutState:
    """Steps and looks until the evidence decides, within 400 looks."""
    for _ in range(400):
        if state.decision is not None:
            return state
        state = observe(spec, state, server, quality.at(state.pinned_plan.stage(state.step).weight))
    raise AssertionError("nothing was decided within 400 looks")


def look(spec: PolicySpec, state: RolloutState, server: Server, in_flight: Sequence[int] | None = None) -> RolloutState:
    """The next look of the grid. in_flight: as for `take_look`."""
    at = next_look(LiveTimes.of(spec), state)
    assert at is not None
    return take_look(LiveTimes.of(spec), state, at, server.totals(state), in_flight=in_flight)
