"""Cohorts that get the baseline's setting first (A/A): what is served, waited for, decided and recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.cli.screen.waiting_words import step_waits
from earlystop.controller.desired_split import desired_split
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.longest_session import looks_to_learn
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.spent_risk import risk_status
from earlystop.rollout.state import Phase, RolloutState, Totals, Verdict
from earlystop.rollout.steps import CohortsApart, ScatterUnknown, StepTime, missing_for_next_step
from earlystop.rollout.transitions import expire
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.words.summary import outlook
from earlystop.simulation.simulate import states_of
from earlystop.simulation.traffic import SyntheticTraffic
from tests.unit.rollout.claims import restarted
from tests.unit.rollout.policies import UID, policy, started
from tests.unit.rollout.traffic import Server, answers, observe

COHORTS = [{"variant": "baseline", "values": ["a"]}, {"variant": "w10", "values": ["b"]}]
LOOKS = looks_to_learn(16)


def cohorts(rollout: dict[str, Any] | None = None, **exact: Any) -> PolicySpec:
    """A policy whose cohorts have the baseline's setting for five minutes first."""
    return policy(
        {
            "delivery": {
                "mode": "HeaderCohort",
                "gatewayHeader": None,
                "headerCohort": {"routeRef": {"name": "qa"}, "header": "x-user-cohort", "cohorts": COHORTS},
            },
            "rollout": {
                "strategy": "ABTest",
                "steps": None,
                "aaSeconds": 300,
                "deadlineSeconds": 86_400,
                **(rollout or {}),
            },
            "objective": {"exactMatch": {"assumeIndependent": None, "longestSessionSeconds": 60, **exact}},
        }
    )


def served(own: float, effect: float, step: int, scored: int = 1000) -> Totals:
    """A look of cohorts of which the candidate's is better by `own` by itself. effect: of the setting on EM."""
    candidate = answers(scored, 0.8 + own + effect * step, 300 if step else 600)
    return Totals(answers(scored, 0.8), candidate)


def run(spec: PolicySpec, own: float, effect: float, looks: int = 260) -> RolloutState:
    """The campaign after so many looks, or after its decision."""
    state, server = started(spec), Server()
    for _ in range(looks):
        if state.decision is not None:
            break
        state = observe(spec, state, server, served(own, effect, state.step))
    return state


def test_while_cohorts_have_the_same_setting_the_overlay_gives_all_of_them_the_baselines() -> None:
    spec = cohorts()
    state, server = started(spec), Server()
    settings = []
    for _ in range(LOOKS + 30):
        split = desired_split(state)
        assert split is not None and split.step == state.step
        baseline, candidate = (dict(each.settings) for each in split.variants)
        settings.append((state.step, candidate == baseline))
        state = observe(spec, state, server, served(0.0, 0.0, state.step))
        if state.step:
            break
    assert settings[-1] == (0, True) and state.step == 1 and state.phase is Phase.APPLYING
    split = desired_split(state)
    assert split is not None and dict(split.variants[1].settings) == spec.candidate_settings((spec.candidates or ())[0])


@pytest.mark.slow
def test_the_stage_lasts_until_scatter_is_known_the_least_time_is_over_and_cohorts_are_alike_enough() -> None:
    spec = cohorts()
    early = run(spec, 0.0, 0.0, looks=5)
    assert early.last_look_at is not None
    gaps = missing_for_next_step(early.pinned_plan, early, early.last_look_at)
    assert {type(each) for each in gaps} == {StepTime, ScatterUnknown, CohortsApart}
    assert "the A/A stage" in outlook(early) and "with the same setting" in outlook(early)
    waits = " ".join(step_waits(early.pinned_plan, early, early.last_look_at))
    assert "sessions of" in waits and "least time" in waits
    assert len(run(spec, 0.0, 0.0).looks) > LOOKS


@pytest.mark.slow
def test_a_cohort_that_is_better_by_itself_by_more_than_the_margin_is_never_tried_and_the_deadline_ends_it() -> None:
    spec = cohorts()
    state = run(spec, 0.08, 0.0, looks=120)
    assert state.step == 0 and state.decision is None and state.last_look_at is not None
    (gap,) = missing_for_next_step(state.pinned_plan, state, state.last_look_at)
    assert isinstance(gap, CohortsApart) and gap.high is not None and gap.high > 0.05
    assert "may be better by itself by up to" in outlook(state)
    ended = expire(LiveTimes.of(spec), state, state.campaign_started_at + 86_400)
    assert ended.decision is not None and ended.decision.verdict is Verdict.INCONCLUSIVE
    assert differences(verdict_spec("qa", UID, ended)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("own", "effect", "verdict"),
    [(-0.06, 0.0, Verdict.PROMOTE), (0.0, 0.0, Verdict.PROMOTE), (0.02, -0.25, Verdict.ROLL_BACK)],
)
def test_a_candidate_is_judged_by_what_its_setting_does_and_the_record_gives_the_same(
    own: float, effect: float, verdict: Verdict
) -> None:
    state = run(cohorts(), own, effect)
    assert state.decision is not None and state.decision.verdict is verdict
    assert {look.step for look in state.looks} == {0, 1}
    assert differences(verdict_spec("qa", UID, state)) == []


@pytest.mark.slow
def test_another_operator_goes_on_where_the_stage_was() -> None:
    spec = cohorts()
    for looks in (10, LOOKS + 40):
        state = run(spec, 0.0, 0.0, looks)
        again = restarted(spec, state)
        assert again.comparisons == state.comparisons and again.step == state.step


def test_a_plan_says_that_looks_show_the_scatter_and_keeps_a_part_of_each_risk_for_the_bounds() -> None:
    plan = parse_plan(plan_text(cohorts()))
    assert [each.same_setting for each in plan.stages] == [True, False]
    objective = plan.objective
    assert objective.source is DispersionSource.LOOKS and objective.same_setting_steps == 1
    assert (objective.risk_promote, objective.risk_harm) == pytest.approx((0.04, 0.04))
    assert (risk_status(plan).promote, risk_status(plan).harm) == ("0.05", "0.05")
    without = parse_plan(plan_text(cohorts({"aaSeconds": None}, longestSessionSeconds=None))).objective
    assert without.source is DispersionSource.USERS and without.risk_promote == 0.05


@pytest.mark.slow
def test_a_simulated_candidate_answers_as_the_baseline_before_it_is_tried() -> None:
    spec = cohorts()
    traffic = SyntheticTraffic(rate=100, em_loss=0.2, saving=0.5, discordance=0.3)
    *_, (_, last) = states_of(spec, traffic, np.random.default_rng(5))
    assert last.decision is not None and last.decision.verdict is Verdict.ROLL_BACK
    (only,) = last.comparisons
    assert only.evidence.own is not None and abs(only.evidence.own.em.estimate or 1) < 0.02
    assert sum((look.candidate for look in only.looks if look.step == 0), Tally()).match > 0
