"""A simulated search takes as long as one in the cluster: its own transitions say when a trial may end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from numpy.random import default_rng

from earlystop.api.policy import PolicySpec
from earlystop.rollout.search.space import settings_of
from earlystop.simulation.search_campaigns import PlayedSearch, play_search
from earlystop.simulation.search_truth import TrueCurve, read_curve
from tests.unit.rollout.searching import searched

CURVE = read_curve(
    "setting,em,tokens\nbaseline,0.8,600\nwindow-30,0.8,480\nwindow-20,0.8,420\nwindow-10,0.8,300\nwindow-5,0.5,200\n"
)
INDEPENDENT = {"exactMatch": {"margin": "0.02", "assumeIndependent": True}}


def played(spec: PolicySpec, rate: float = 50.0, curve: TrueCurve = CURVE) -> PlayedSearch:
    ordered = curve.in_order_of([each.name for each in spec.search_settings()])
    return play_search(spec, ordered, rate, default_rng(5))


def spec(search: dict[str, Any] | None = None, **rollout: Any) -> PolicySpec:
    return searched(
        {"parameters": [{"name": "window", "values": ["20", "10"]}], **(search or {})},
        rollout=rollout,
        objective=INDEPENDENT,
    )


def test_without_least_times_a_search_is_over_in_less_than_an_hour() -> None:
    assert played(spec()).seconds < 3600


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rollout", "hours"),
    [
        ({"steps": [{"weight": 50, "minimumSeconds": 7200}]}, 2),
        ({"steps": [{"weight": 25, "minimumSeconds": 3600}, {"weight": 50, "minimumSeconds": 7200}]}, 3),
        ({"steps": [{"weight": 50}], "minimumHours": 6}, 6),
    ],
)
def test_no_trial_is_certified_before_its_least_times_are_over(rollout: dict[str, Any], hours: int) -> None:
    found = played(spec({"horizonRequests": 1_000_000_000}, deadlineSeconds=86_400, **rollout), rate=2.0)
    assert found.certified and found.seconds >= 3600 * hours * len(found.certified)


def test_a_search_ends_with_the_seconds_of_its_budget() -> None:
    found = played(spec({"budget": {"seconds": 120}}))
    assert found.ended == "SearchBudgetUsed" and found.seconds <= 200 and found.best is None
    assert all(each.missing for each in found.tried)


@pytest.mark.slow
def test_a_trial_ends_at_the_deadline_of_its_rollout() -> None:
    found = played(spec(deadlineSeconds=3600), rate=0.05)
    assert {each.reason for each in found.tried} == {"DeadlineExceeded"}


def test_the_best_setting_is_found_and_the_incumbent_saves_meanwhile() -> None:
    found = played(spec())
    assert found.best in (0, 1)
    assert found.certified and 0 < found.saved < 0.5 and found.requests > 1000


EXAMPLES = Path(__file__).parents[3] / "manifests" / "examples"
WINDOWS = {
    "20": (0.816, 900),
    "10": (0.816, 632),
    "5": (0.816, 345),
    "3": (0.81, 200),
    "2": (0.8, 130),
    "1": (0.766, 36),
}
AGREEMENTS = {"1": (0.0, 1.0), "0.8": (0.002, 0.7), "0.6": (0.012, 0.5)}
"""What the reference server's answers are like: Exact Match and tokens of a window, and what becomes of them."""


@pytest.mark.slow
@pytest.mark.parametrize("example", ["search-agreement", "search-shadow"])
def test_the_examples_of_searches_end_with_a_proven_setting_within_a_day(example: str) -> None:
    written = yaml.safe_load((EXAMPLES / f"{example}.yaml").read_text())
    policy = PolicySpec.model_validate(written["spec"])
    rows = []
    for each in settings_of(policy):
        values = dict(each.values)
        (em, tokens), (lost, part) = WINDOWS[values["window"]], AGREEMENTS[values.get("agreement", "1")]
        rows.append(f"{each.name},{em - lost},{tokens * part}")
    curve = read_curve("\n".join(["setting,em,tokens", "baseline,0.816,1463", *rows, ""]))
    found = played(policy, rate=5.0, curve=curve)
    assert found.ended in ("MostProvenSaving", "NonInferiorAndSaving") and found.seconds < 86_400
    assert found.best is not None and curve.settings[found.best].saving > 0.7
