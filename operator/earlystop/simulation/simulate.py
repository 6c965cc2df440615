"""A policy on made-up traffic: the very same transitions and evidence, fed by a random stream instead of Prometheus."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from numpy.random import Generator

from earlystop.api.counts import ClassAnswers
from earlystop.api.policy import PolicySpec
from earlystop.evidence.objective import Basis
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.exposure import weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.state import TRYING, RolloutState, Totals
from earlystop.rollout.transitions import expire, weights_in_force
from earlystop.simulation.open_gates import with_open_gates
from earlystop.simulation.traffic import SyntheticTraffic, alike, by_single_users, more_in_shadow, more_split, paired

__all__ = ["SimulatedRollout", "SyntheticTraffic", "simulate"]


@dataclass(frozen=True, slots=True)
class SimulatedRollout:
    """How one simulated rollout ended.

    verdict, reason: of its decision. answers: to requests that were evidence; in shadow an answer of the baseline is
    evidence for every candidate and is counted once. seconds: it took so long. exposed: answers that users got from
    candidates. largest_weight: of a candidate in any look, percent.
    """

    verdict: str
    reason: str
    answers: int
    seconds: int
    exposed: int = 0
    largest_weight: int = 0


def simulate(spec: PolicySpec, traffic: SyntheticTraffic, random: Generator, runs: int) -> Iterator[SimulatedRollout]:
    """Simulates `runs` rollouts of the policy, one after the other, all from the same source of randomness.

    The truth about the candidate is that about each of several. Raises ValueError where pairs are compared that the
    traffic cannot have.
    """
    spec = spec.model_copy(update={"suspend": False})
    for _ in range(runs):
        yield _rollout(spec, traffic, random)


def _rollout(spec: PolicySpec, traffic: SyntheticTraffic, random: Generator) -> SimulatedRollout:
    now, state = deque(states_of(spec, traffic, random), maxlen=1).pop()
    assert state.decision is not None  # nothing else ends a rollout
    weight = max((look.weight for each in state.comparisons for look in each.looks), default=0)
    verdict, reason = state.decision.verdict.value, state.decision.reason
    return SimulatedRollout(verdict, reason, _answers(state), now, _exposed(state), weight)


def states_of(spec: PolicySpec, traffic: SyntheticTraffic, random: Generator) -> Iterator[tuple[int, RolloutState]]:
    """One rollout of the policy: the moment of each look, in seconds, and the state after it, until it has a decision.

    Raises ValueError as `simulate`.
    """
    spec = with_open_gates(spec)
    now, times = 0, LiveTimes.of(spec).without_people
    state = start_campaign(spec, "", RolloutState(), now, CampaignInputs(uid="simulated", entropy=""))
    plan = state.pinned_plan
    totals: tuple[Totals, ...] = ()
    while state.phase in TRYING:
        if state.step_started_at is None:
            state, totals = weights_in_force(state, now), _totals_at_the_beginning(plan, state.step)
        at = next_look(times, state)
        assert at is not None  # a step whose weights are in force is watched
        assert state.step_started_at is not None  # weights are in force
        seconds = traffic.seconds_of_answers(state.step_started_at, now, at)
        if plan.stage(state.step).kind is StageKind.SHADOW:
            totals = more_in_shadow(totals, traffic, random, seconds)
        else:
            met = alike(traffic) if plan.stage(state.step).same_setting else traffic
            totals = more_split(totals, met, random, seconds, weights(state) or ())
            if plan.objective.basis is Basis.PAIRS:
                totals = tuple(paired(each, traffic, random) for each in totals)
            if plan.objective.by_users:
                totals = tuple(map(by_single_users, totals))
        now = at
        state = take_look(times, state, now, *totals)
        state = expire(times, state, now)
        yield now, state


def _exposed(state: RolloutState) -> int:
    """Scored answers in the looks that users got from candidates."""
    if state.pinned_plan.stage(state.step).kind is StageKind.SHADOW:
        return 0
    return sum(look.candidate.scored for each in state.comparisons for look in each.looks)


def _totals_at_the_beginning(plan: Plan, step: int) -> tuple[Totals, ...]:
    """What each candidate's totals are when a step begins."""
    return (Totals(classes=(ClassAnswers(),) * len(plan.objective_at(step, None).classes)),) * len(plan.names)


def _answers(state: RolloutState) -> int:
    """Scored answers to requests in the looks: the baseline's, and the candidates' where those answered any."""
    baseline = max(sum(look.baseline.scored for look in each.looks) for each in state.comparisons)
    if state.pinned_plan.stage(state.step).kind is StageKind.SHADOW:
        return baseline
    return baseline + _exposed(state)
