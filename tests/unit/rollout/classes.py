"""Query classes with settings of their own, for the tests: policies that ask for them, and their traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from earlystop.api.counts import ClassAnswers, Tally, total
from earlystop.api.policy import PolicySpec
from earlystop.rollout.exposure import weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.plan import StageKind
from earlystop.rollout.state import TRYING, Comparison, Phase, RolloutState, Totals
from earlystop.rollout.transitions import weights_in_force
from tests.unit.rollout.policies import policy
from tests.unit.rollout.several import BAD, BETTER, CANDIDATES, GOOD, Answering
from tests.unit.rollout.traffic import answers

CLASSES = ("lookup", "proof")
BY_CLASS: dict[str, Any] = {
    "candidates": CANDIDATES,
    "objective": {
        "perClass": True,
        "queryClasses": [
            {"name": name, "margin": "0.05", "match": {"header": "x-query-class", "value": name}} for name in CLASSES
        ],
    },
}
IN_SHADOW = policy(
    {
        **BY_CLASS,
        "delivery": {"mode": "Shadow", "gatewayHeader": None, "shadow": {"routeRef": {"name": "qa"}}},
        "rollout": {"steps": [], "minimumSeconds": 60},
    }
)
BY_SEARCH = policy(
    {
        **BY_CLASS,
        "candidates": None,
        "search": {"strategy": "Grid", "parameters": [{"name": "window", "values": ["10", "5", "1"]}]},
        "delivery": {"mode": "Shadow", "gatewayHeader": None, "shadow": {"routeRef": {"name": "qa"}}},
        "rollout": {"steps": [], "minimumSeconds": 60},
    }
)
"""The same settings, as a search in one campaign."""

LIVE = policy({**BY_CLASS, "rollout": {"strategy": "ABTest", "steps": [{"weight": 20, "minimumSeconds": 60}]}})

Truth = Mapping[str, Sequence[Answering]]
"""How each candidate answers in each class."""

EASY_AND_HARD: Truth = {"lookup": (GOOD, BETTER, Answering(mean_tokens=60)), "proof": (GOOD, BAD, BAD)}
"""The boldest candidate is the best for look-ups, the most careful one for proofs."""


def observe(spec: PolicySpec, state: RolloutState, truth: Truth, requests: int = 600) -> RolloutState:
    """One look, after as many requests in each class."""
    if state.phase is Phase.APPLYING:
        last = max([state.campaign_started_at, *(look.at for each in state.comparisons for look in each.looks)])
        state = weights_in_force(state, last + 5)
        state = take_look(LiveTimes.of(spec), state, _next(spec, state), *map(_known, state.comparisons))
    added = [_counted(state, place, truth, requests) for place in range(len(state.comparisons))]
    totals = [_plus(_known(each), more) for each, more in zip(state.comparisons, added, strict=True)]
    return take_look(LiveTimes.of(spec), state, _next(spec, state), *totals)


def decided(spec: PolicySpec, state: RolloutState, truth: Truth, requests: int = 600) -> RolloutState:
    """Looks until the campaign is decided, within 200."""
    for _ in range(200):
        if state.phase not in TRYING:
            return state
        state = observe(spec, state, truth, requests)
    raise AssertionError("nothing was decided within 200 looks")


def _next(spec: PolicySpec, state: RolloutState) -> int:
    at = next_look(LiveTimes.of(spec), state)
    assert at is not None
    return at


def _counted(state: RolloutState, place: int, truth: Truth, requests: int) -> Totals:
    """New counts of one candidate and the baseline, in all and in each class."""
    arms = [_arms(state, place, truth[name][place], requests) for name in CLASSES]
    in_shadow = state.pinned_plan.stage(state.step).kind is StageKind.SHADOW
    classes = () if in_shadow else tuple(ClassAnswers(b.match, b.mismatch, c.match, c.mismatch) for b, c in arms)
    baseline, candidate = (total([arm[side] for arm in arms]) for side in (0, 1))
    return Totals(baseline, candidate, classes, by_class=tuple(Totals(*each) for each in arms))


def _arms(state: RolloutState, place: int, each: Answering, requests: int) -> tuple[Tally, Tally]:
    shares = weights(state)
    assert shares is not None
    if state.pinned_plan.stage(state.step).kind is not StageKind.SHADOW:
        own = requests * shares[place + 1] // 100
        return answers(requests * shares[0] // 100), answers(own, each.exact_match, each.mean_tokens)
    tally, right = answers(requests, each.exact_match, each.mean_tokens), requests * 8 // 10
    lost = right - tally.match
    pairs = Tally(pairs_both=right - lost, pairs_baseline_only=lost, pairs_neither=requests - right)
    return answers(requests), tally + pairs


def _known(comparison: Comparison) -> Totals:
    """What was counted of a candidate so far."""
    none = (ClassAnswers(),) * len(comparison.evidence.objective.classes)
    known, by_class = comparison.mark, tuple(part.mark for part in comparison.by_class)
    return Totals(known.baseline, known.candidate, known.classes or none, by_class=by_class)


def _plus(one: Totals, other: Totals) -> Totals:
    classes = tuple(
        ClassAnswers(*(mine + more for mine, more in zip(*both, strict=True)))
        for both in zip(one.classes, other.classes, strict=True)
    )
    by_class = tuple(_plus(*both) for both in zip(one.by_class, other.by_class, strict=True))
    return Totals(one.baseline + other.baseline, one.candidate + other.candidate, classes, by_class=by_class)
