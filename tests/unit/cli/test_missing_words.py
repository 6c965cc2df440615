"""`plan` says what missing answers would cost, and `explain` what those that are missing cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from earlystop.api.counts import Look, Tally
from earlystop.api.policy import PolicySpec
from earlystop.cli.missing_words import missing_costs, missing_remarks
from earlystop.cli.plan import planned
from earlystop.evidence.engine import begin
from earlystop.evidence.objective import Basis, Objective, Unscored
from earlystop.rollout.state import Comparison
from earlystop.simulation.watched_stages import SupposedTraffic
from tests.bench.street_pairs import Missing, look_of
from tests.cluster.objects import changed, policy

PLAIN = Objective(0.02, 0.0, 0.05, 0.05)
PAIRED = replace(PLAIN, basis=Basis.PAIRS)


def remarks(em_loss: float = 0.0, **exact_match: Any) -> str:
    judged = {"margin": "0.02", **exact_match}
    spec = PolicySpec.model_validate(changed(policy(), "spec.objective.exactMatch", judged)["spec"])
    return " ".join(missing_remarks(spec, planned(spec, SupposedTraffic(2.0, 0.85, em_loss))))


def costs(objective: Objective, *looks: Look) -> str:
    return " ".join(missing_costs(Comparison("w10", begin(objective), looks=looks)))


@pytest.mark.slow
def test_a_plan_says_what_it_would_cost_if_answers_were_missing() -> None:
    assert "Where 5 % of each variant's cannot be scored, whichever, a proof takes about 1.2 times" in remarks()
    on_pairs = remarks(evidence="Pairs")
    assert "fail or cannot be scored" in on_pairs and "2.2 times as many questions" in on_pairs
    assert "with exactMatch.unscored: Exclude about 1.1 times" in on_pairs
    left_out = remarks(evidence="Pairs", unscored="Exclude")
    assert "1.1 times as many questions, as exactMatch.unscored: Exclude leaves them out" in left_out


def test_a_plan_says_once_what_answers_cost_that_count_as_wrong_or_are_left_out_alike() -> None:
    spec = PolicySpec.model_validate(policy()["spec"])
    (alike,) = missing_remarks(spec, {"missing_as_wrong": 1.12, "missing_left_out": 1.06})
    assert alike.count("1.1 times") == 1 and alike.endswith("or is left out (exactMatch.unscored).")


def test_nothing_is_said_of_what_a_forecast_has_no_figure_for() -> None:
    assert missing_remarks(PolicySpec.model_validate(policy()["spec"]), {}) == []


def test_pairs_that_lack_answers_are_told_with_what_they_cost() -> None:
    rng = np.random.default_rng(4)
    looks = [look_of(rng, 0, 0.0, Missing(0.05, 0.05)) for _ in range(200)]
    text = costs(PAIRED, *looks)
    assert text.startswith("Pairs lack answers, ") and "of the baseline and " in text and "% of w10" in text
    assert "Each counts as a wrong one, so a proof takes about 2." in text and "Exclude would leave them out" in text
    left_out = costs(replace(PAIRED, unscored=Unscored.EXCLUDE), *looks)
    assert "They are left out" in left_out and "about 1.1 times as many pairs" in left_out and "would" not in left_out


def test_answers_that_could_not_be_scored_are_told_and_few_or_failed_ones_are_not() -> None:
    arm = Tally(1000, 1000, match=808, mismatch=142, unscored=50)
    assert "Answers could not be scored, 5.0 % of the baseline" in costs(PLAIN, Look(15, 0, 50, arm, arm))
    few, failed = Tally(1000, 1000, match=850, mismatch=149, unscored=1), Tally(1000, 900, 100, match=765, mismatch=135)
    assert costs(PLAIN, Look(15, 0, 50, few, few)) == costs(PLAIN, Look(15, 0, 50, failed, failed)) == ""
    assert costs(PLAIN) == costs(PAIRED) == ""
