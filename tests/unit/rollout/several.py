"""Several candidates for the tests: policies that judge them together, and traffic for each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.rollout.exposure import weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.plan import StageKind
from earlystop.rollout.state import TRYING, Comparison, Phase, RolloutState, Totals
from earlystop.rollout.transitions import weights_in_force
from tests.unit.rollout.policies import policy
from tests.unit.rollout.traffic import answers, nothing

WINDOWS = (10, 5, 1)
CANDIDATES = [{"name": f"w{window}", "values": [{"name": "window", "value": str(window)}]} for window in WINDOWS]
TOGETHER: dict[str, Any] = {
    "candidates": CANDIDATES,
    "rollout": {"strategy": "ABTest", "steps": [{"weight": 20, "minimumSeconds": 60}]},
}
AB_TEST = policy(TOGETHER)
IN_SHADOW = policy(
    {
        "candidates": CANDIDATES,
        "delivery": {"mode": "Shadow", "gatewayHeader": None, "shadow": {"routeRef": {"name": "qa"}}},
        "rollout": {"steps": [], "minimumSeconds": 60},
    }
)
STAGED = policy({"rollout": {"shadowSeconds": 120}})
STAGED_TOGETHER = policy({**TOGETHER, "rollout": {**TOGETHER["rollout"], "shadowSeconds": 120}})


@dataclass(frozen=True, slots=True)
class Answering:
    """How a candidate answers: its EM where the baseline has 0.8, and its mean tokens where the baseline has 600."""

    exact_match: float = 0.8
    mean_tokens: int = 300


GOOD, BETTER, BAD = Answering(), Answering(mean_tokens=150), Answering(0.3, 60)
USUAL = (GOOD, BETTER, BAD)


def observe(
    spec: PolicySpec, state: RolloutState, answering: Sequence[Answering], requests: int = 3000, looks: int = 1
) -> RolloutState:
    """So many looks, each after as many requests, split as the state's weights say or all of them in shadow."""
    for _ in range(looks):
        if state.phase == Phase.APPLYING:
            last = max([state.campaign_started_at, *(look.at for each in state.comparisons for look in each.looks)])
            state = weights_in_force(state, last + 5)
            state = take_look(LiveTimes.of(spec), state, _next(spec, state), *map(_known, state.comparisons))
        shadow = state.pinned_plan.stage(state.step).kind is StageKind.SHADOW
        new = _in_shadow(answering, requests) if shadow else _split(state, answering, requests)
        marks = [_known(each) for each in state.comparisons]
        state = take_look(LiveTimes.of(spec), state, _next(spec, state), *map(_plus, marks, new))
    return state


def decided(
    spec: PolicySpec, state: RolloutState, answering: Sequence[Answering], requests: int = 3000
) -> RolloutState:
    """Looks until the campaign is decided, within 400."""
    for _ in range(400):
        if state.phase not in TRYING:
            return state
        state = observe(spec, state, answering, requests)
    raise AssertionError("nothing was decided within 400 looks")


def by_name(state: RolloutState) -> Mapping[str, Any]:
    """Each candidate's comparison by its name."""
    return {each.name: each for each in state.comparisons}


def _next(spec: PolicySpec, state: RolloutState) -> int:
    at = next_look(LiveTimes.of(spec), state)
    assert at is not None
    return at


def _split(state: RolloutState, answering: Sequence[Answering], requests: int) -> list[Totals]:
    shares = weights(state)
    assert shares is not None
    baseline = answers(requests * shares[0] // 100)
    return [
        Totals(baseline, answers(requests * share // 100, each.exact_match, each.mean_tokens))
        for share, each in zip(shares[1:], answering, strict=True)
    ]


def _in_shadow(answering: Sequence[Answering], requests: int) -> list[Totals]:
    """Every request is the baseline's; what is lost in EM, only the baseline gets right."""
    return [Totals(answers(requests), _judged(each, requests)) for each in answering]


def _judged(each: Answering, requests: int) -> Tally:
    tally = answers(requests, each.exact_match, each.mean_tokens)
    right = requests * 8 // 10
    lost = right - tally.match
    return replace(
        tally,
        pairs_both=right - lost - 1,
        pairs_baseline_only=lost + 1,
        pairs_candidate_only=1,
        pairs_neither=requests - right - 1,
    )


def _known(comparison: Comparison) -> Totals:
    """What was counted so far, with no answer in any query class that is judged."""
    none = nothing(len(comparison.evidence.objective.classes)).classes
    return replace(comparison.mark, classes=none)


def _plus(one: Totals, other: Totals) -> Totals:
    return Totals(one.baseline + other.baseline, one.candidate + other.candidate, one.classes)
