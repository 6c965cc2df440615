"""A verdict on golden questions says what it is about, and one about their population takes each as evidence once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.evidence.objective import About
from earlystop.rollout.golden_questions import NINETY_OVER_FORECAST, SILENT_SECONDS, questions_needed
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.state import Phase, RolloutState, Totals, Verdict
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import expire, lose_metrics
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.simulation.planning import Question, forecast
from tests.unit.rollout.policies import UID, policy, started
from tests.unit.rollout.traffic import Server, observe, snapshot

BOTH, WORSE = {"pairs_both": 50}, {"pairs_both": 20, "pairs_baseline_only": 30}


def on_pairs(questions: dict[str, Any] | None, margin: str = "0.05") -> PolicySpec:
    wanted = {"margin": margin, "evidence": "Pairs", **({"questions": questions} if questions else {})}
    steps = [{"weight": 50, "minimumSeconds": 0}]
    return policy({"objective": {"exactMatch": wanted}, "rollout": {"steps": steps, "deadlineSeconds": 2_000_000}})


def counts(pairs: dict[str, int], tokens: int = 300) -> Totals:
    def arm(mean: int) -> dict[str, int]:
        return {"started": 50, "completed": 50, "tokens": 50 * mean, "tokens_squared": 50 * mean * mean * 5 // 4}

    return Totals(Tally(**arm(600)), Tally(**arm(tokens), **pairs))


def after(spec: PolicySpec, looks: int, pairs: dict[str, int], tokens: int = 300) -> RolloutState:
    """So many looks, or fewer where a decision comes first."""
    state, server = started(spec), Server()
    for _ in range(looks):
        if state.decision is None:
            state = observe(spec, state, server, counts(pairs, tokens))
    return state


def verified(state: RolloutState) -> dict[str, Any]:
    """The campaign's verdict, which its looks must give."""
    record: dict[str, Any] = json.loads(json.dumps(verdict_spec("qa", UID, state)))
    assert differences(record) == []
    return record


@pytest.mark.parametrize(
    ("questions", "said"),
    [
        (None, "about their file, not about what they were drawn from"),
        ({"about": "File"}, "about their file, not about what they were drawn from"),
        ({"about": "Population", "number": 5000}, "each once, so about the population"),
    ],
)
def test_a_verdict_says_what_it_is_about(questions: dict[str, Any] | None, said: str) -> None:
    for pairs, verdict in ((BOTH, "Promote"), (WORSE, "RollBack")):
        record = verified(after(on_pairs(questions), 100, pairs))
        assert record["decision"] == verdict and said in record["message"]


def test_pairs_of_live_requests_are_about_no_questions() -> None:
    shadow = policy({"rollout": {"shadowSeconds": 60}, "objective": {"exactMatch": {"evidence": "Pairs"}}})
    plan = parse_plan(plan_text(shadow))
    assert plan.objective_at(0, None).about is None and plan.objective_at(1, None).about is About.FILE
    assert parse_plan(plan_text(policy())).objective.about is None


def test_a_campaign_about_the_population_ends_when_its_questions_are_used_up() -> None:
    spec = on_pairs({"about": "Population", "number": 100})
    state = after(spec, 2, BOTH)
    assert state.decision is not None and state.phase is Phase.ROLLING_BACK
    assert (state.decision.verdict, state.decision.reason) == (Verdict.INCONCLUSIVE, "QuestionsExhausted")
    record = verified(state)
    assert "of 100, 100 are pairs" in record["message"] and "needs about" in record["message"]
    status = json.loads(json.dumps(to_status("qa", UID, LiveTimes.of(spec), state, "")))
    assert from_status(status)[0] == state


def test_more_pairs_than_questions_are_never_evidence() -> None:
    state = after(on_pairs({"about": "Population", "number": 120}), 3, BOTH)
    assert state.decision is not None and state.decision.reason == "QuestionsExhausted"
    assert state.comparisons[0].assessment.scored[0] == 100
    verified(state)


def test_a_campaign_about_the_file_goes_on() -> None:
    assert after(on_pairs({"about": "File", "number": 100}, "0.0001"), 5, BOTH).decision is None


def test_what_is_proven_with_the_last_question_is_promoted() -> None:
    promoted = after(on_pairs({"about": "Population", "number": 5000}), 100, BOTH)
    pairs = promoted.comparisons[0].assessment.scored[0]
    again = after(on_pairs({"about": "Population", "number": pairs}), 100, BOTH)
    assert again.decision is not None and again.decision.verdict is Verdict.PROMOTE


def test_questions_that_were_asked_while_nothing_counted_are_missed_for_ten_minutes() -> None:
    spec = on_pairs({"about": "Population", "number": 105})
    times, state = LiveTimes.of(spec), after(spec, 2, BOTH)
    last = state.looks[-1].at
    assert state.decision is None
    assert expire(times, state, last + SILENT_SECONDS) is state, "no look was taken since"
    soon = replace(state, last_look_at=last + SILENT_SECONDS - 1)
    assert expire(times, soon, last + SILENT_SECONDS) is soon
    patient = replace(times, on_no_metrics=times.on_no_metrics.model_copy(update={"hold_seconds": 36_000}))
    assert expire(patient, lose_metrics(state, last + 1), last + SILENT_SECONDS).decision is None
    ended = expire(times, replace(state, last_look_at=last + SILENT_SECONDS), last + SILENT_SECONDS)
    assert ended.decision is not None and ended.decision.reason == "QuestionsExhausted"
    verified(ended)


def test_questions_counted_before_the_snapshot_are_used_up_too() -> None:
    spec, server = on_pairs({"about": "Population", "number": 100}), Server()
    state = started(spec)
    server.serve(state, counts(BOTH))
    state = observe(spec, snapshot(spec, state, server), server, counts(BOTH))
    assert state.comparisons[0].assessment.scored[0] == 50
    assert state.decision is not None and state.decision.reason == "QuestionsExhausted"
    verified(state)


@pytest.mark.parametrize("margin", [0.01, 0.02, 0.05])
@pytest.mark.parametrize("discordance", [0.03, 0.06, 0.15])
def test_as_many_questions_are_said_to_be_needed_as_a_plan_forecasts(margin: float, discordance: float) -> None:
    question = Question(0.8, 0.0, margin, discordance=discordance)
    expected = forecast(question, 0.5).mean * NINETY_OVER_FORECAST
    assert questions_needed(margin, 0.05, discordance) == pytest.approx(expected, abs=10)


def test_a_margin_of_two_points_needs_some_2450_questions() -> None:
    assert questions_needed(0.02, 0.05, 0.06) == 2450
