"""Policies with every claim of an objective, and traffic whose answers belong to query classes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from earlystop.api.counts import ClassAnswers, Pairs, Tally
from earlystop.api.policy import PolicySpec
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Phase, RolloutState, Totals
from earlystop.rollout.stored.status_codec import from_status, to_status
from tests.unit.rollout.policies import UID, policy, started
from tests.unit.rollout.traffic import Server, answers, observe, snapshot

CLASSES = ("easy", "hard")
PAIRED = {"exactMatch": {"evidence": "Pairs"}}
ONE_STEP = {"steps": [{"weight": 50}], "deadlineSeconds": 1_000_000}
TWO_STEPS = {"steps": [{"weight": 50}, {"weight": 60}], "deadlineSeconds": 1_000_000}
CLAIMED: dict[str, Any] = {
    "exactMatch": {"margin": "0.05", "floor": "0.5"},
    "guardrails": [
        {"name": "failures", "kind": "FailureRate", "maximumRatio": "1.5"},
        {"name": "unhappy", "kind": "NegativeFeedback", "maximumRatio": "2"},
    ],
    "queryClasses": [{"name": "easy", "margin": "0.1"}, {"name": "hard", "margin": "0.12"}],
}

# No harm of a handful of answers is enough, and no saving.
UNDECIDED: dict[str, Any] = {
    "exactMatch": {"margin": "0.9"},
    "tokens": {"minimumSaving": "0.9"},
    "risk": {"promote": "0.000001", "harm": "0.000001"},
}

Arms = tuple[Tally, Tally]
"""Answers of the baseline and of the candidate."""


def judging(objective: Mapping[str, Any], rollout: Mapping[str, Any] = ONE_STEP) -> PolicySpec:
    """A policy that judges by this objective."""
    return policy({"objective": objective, "rollout": rollout})


def arms(scored: int, exact_match: float = 0.8, mean_tokens: int = 300, baseline: float = 0.8) -> Arms:
    """As many answers of each variant; the candidate's are half as long."""
    return answers(scored, baseline), answers(scored, exact_match, mean_tokens)


def in_classes(easy: Arms, hard: Arms, other: Arms = (Tally(), Tally())) -> Totals:
    """Counts of the two named classes and of all others; what could not be scored is a wrong answer of its class."""
    baseline, candidate = (easy[arm] + hard[arm] + other[arm] for arm in (0, 1))
    named = (ClassAnswers(b.match, b.mismatch + b.unscored, c.match, c.mismatch + c.unscored) for b, c in (easy, hard))
    return Totals(baseline, candidate, tuple(named))


def with_events(totals: Totals, baseline: Mapping[str, int], candidate: Mapping[str, int]) -> Totals:
    """The same answers, with other counts of events beside them."""
    return replace(
        totals, baseline=replace(totals.baseline, **baseline), candidate=replace(totals.candidate, **candidate)
    )


def paired(pairs: Pairs, requests: Arms = (Tally(), Tally())) -> Totals:
    """Pairs, and what ordinary requests were served beside them."""
    counted = {f"pairs_{name}": count for name, count in pairs._asdict().items()}
    return Totals(requests[0], replace(requests[1], **counted))


def begun(spec: PolicySpec) -> tuple[RolloutState, Server]:
    """The first step of a policy with its snapshot taken, and a server that has served nothing."""
    server = Server(len(spec.objective.query_classes or ()))
    return snapshot(spec, started(spec), server), server


def observed(spec: PolicySpec, *served: Totals) -> RolloutState:
    """The first step after a look at each of `served`, or at as many as are looked at before something is decided."""
    state, server = begun(spec)
    for counts in served:
        if state.phase == Phase.OBSERVING:
            state = observe(spec, state, server, counts)
    return state


def restarted(spec: PolicySpec, state: RolloutState) -> RolloutState:
    """The state as another operator reads it from the status."""
    return from_status(json.loads(json.dumps(to_status("qa", UID, LiveTimes.of(spec), state, ""))))[0]
