"""`kubectl earlystop plan` says what a promotion waits for besides answers, how long, and what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from earlystop.api.policy import PolicySpec
from earlystop.cli.plan_waits import dispersion_hours, people_remarks, rate_remarks, wait_remarks
from earlystop.rollout.look_spacing import seconds_of_looks, spacing
from tests.unit.api.body_policies import body_spec, setting
from tests.unit.rollout.policies import policy

SHADOW = Path(__file__).parents[3] / "manifests" / "examples" / "shadow.yaml"


def spec(candidates: int = 4, **exact: Any) -> PolicySpec:
    """The example in shadow, with so many of its candidates."""
    (found,) = (each["spec"] for each in yaml.safe_load_all(SHADOW.read_text()) if each["kind"] == "EarlyStopPolicy")
    found["candidates"] = found["candidates"][:candidates]
    found["objective"]["exactMatch"] |= exact
    return PolicySpec.model_validate(found)


def remarks(spec: PolicySpec, hours: float = 17.02, verdict: str = "Recommend") -> str:
    return " ".join(wait_remarks(spec, {"hours_mean": hours, "verdict": verdict}))


def test_the_looks_that_teach_scatter_are_said_with_why_they_take_17_hours_for_four_candidates() -> None:
    said = remarks(spec())
    assert "before 128 looks have shown how much answers scatter (DispersionUnknown), which takes 17 h." in said
    assert "takes the time here" in said and "A look of 4 candidates takes more room" in said
    assert "half as often after every 16 of them" in said
    assert "with one candidate it would take 0.82 h" in said and "assumeIndependent: true" in said


@pytest.mark.parametrize(("candidates", "hours"), [(1, 0.82), (2, 2.02), (3, 6.06), (4, 17.02)])
def test_the_time_is_that_of_the_looks_themselves(candidates: int, hours: float) -> None:
    found = dispersion_hours(spec(candidates))
    assert found is not None and abs(found - hours) < 0.01
    assert seconds_of_looks(15, 128) == sum(spacing(15, each) for each in range(128)) == 48 * 60


def test_query_classes_that_make_looks_rarer_are_said_too_and_nothing_where_none_do() -> None:
    live = policy({"objective": {"exactMatch": {"assumeIndependent": None}}})
    classes = {"queryClasses": [{"name": f"c{k}", "margin": "0.03"} for k in range(10)]}
    several = policy({"objective": {"exactMatch": {"assumeIndependent": None}, **classes}})
    assert "10 query classes" in remarks(several) and "after every 14 of them" in remarks(several)
    assert "no query classes it would take 0.81 h" in remarks(several)
    assert "takes more room" not in remarks(live) and "DispersionUnknown" in remarks(live)


@pytest.mark.parametrize("stated", [{"assumeIndependent": True}, {"dispersion": "2"}])
def test_who_says_how_much_answers_scatter_is_told_of_no_wait_for_it(stated: dict[str, Any]) -> None:
    assert dispersion_hours(spec(**stated)) is None
    said = remarks(spec(**stated), hours=0.18)
    assert "DispersionUnknown" not in said and "what the policy asks for at least" in said


def test_harm_waits_for_nothing() -> None:
    assert remarks(spec(), verdict="RollBack") == ""


def test_a_declared_session_makes_the_wait_shorter_or_longer_and_who_declares_none_is_told_of_it() -> None:
    assert "longestSessionSeconds: 60: 64 looks are then enough" in remarks(spec(1))
    for seconds, looks, hours in ((60, 64, 0.28), (285, 128, 0.82), (585, 256, 4.02)):
        declared = spec(1, longestSessionSeconds=seconds)
        found, said = dispersion_hours(declared), remarks(declared, hours=5)
        assert found is not None and abs(found - hours) < 0.01
        assert f"before {looks} looks" in said and "longestSessionSeconds" not in said


def test_a_rate_is_said_to_be_one_of_pairs_where_golden_questions_are_the_evidence() -> None:
    exact = {"objective": {"exactMatch": {"evidence": "Pairs"}}}
    (said,) = rate_remarks(policy(exact), 2.0)
    assert "2 pairs a second" in said and "both variants answer" in said and "4 answers a second in all" in said
    (said,) = rate_remarks(policy(exact), 1.0)
    assert "--rate 1 means 1 pair a second here" in said
    several = [{"name": each, "values": [setting("budget", each[1:])]} for each in ("b512", "b256")]
    rollout = {"strategy": "ABTest", "steps": [{"weight": 10}]}
    (said,) = rate_remarks(PolicySpec.model_validate(body_spec(candidates=several, rollout=rollout)), 2.0)
    assert "2 pairs a second here for each candidate" in said and "8 answers a second in all" in said
    assert rate_remarks(policy(), 2.0) == [], "requests of users are what the option says"


def test_a_bound_on_requests_is_said_to_be_none_on_pairs() -> None:
    search = {"strategy": "Ladder", "parameters": [{"name": "budget", "values": ["256", "512"]}]}
    bounded = body_spec(candidates=None, search={**search, "budget": {"requests": 20_000}})
    in_time = body_spec(candidates=None, search={**search, "budget": {"seconds": 36_000}})
    (_, said) = rate_remarks(PolicySpec.model_validate(bounded), 1.0)
    assert "search.budget.requests: 20000 counts requests of users" in said and "search.budget.seconds" in said
    assert len(rate_remarks(PolicySpec.model_validate(in_time), 1.0)) == 1


def test_what_people_and_gates_take_is_said_to_be_in_no_figure_with_its_bound() -> None:
    ci = {"name": "ci", "timeoutSeconds": 7200, "condition": {"kind": "Deployment", "name": "ci", "type": "Available"}}
    asking = {"approval": {"mode": "BeforePromotion", "expiresSeconds": 86_400}}
    assert "24 h at most (approval.expiresSeconds)" in remarks(policy(asking))
    said = remarks(policy({"rollout": {"gates": [ci]}}))
    assert "rollout.gates (ci)" in said and "in none of these figures" in said and "2.00 h at most" in said
    endless = policy({"rollout": {"gates": [{**ci, "onTimeout": "Wait", "before": "Step"}]}})
    assert "as long as one with onTimeout Wait is not open" in remarks(endless) and "asked anew" in remarks(endless)
    assert people_remarks(policy()) == [] and remarks(policy(asking), verdict="RollBack") == ""
