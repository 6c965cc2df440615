"""`plan` tells what `simulate` finds: hours and requests within a tenth, over ramps, sessions, classes and delays.

Three standard errors of the simulated mean are allowed beside the tenth. Margins are wide, so that rollouts are short.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import pytest
from numpy import array
from numpy.random import default_rng

from earlystop.api.policy import PolicySpec
from earlystop.cli.plan import planned
from earlystop.simulation.simulate import SyntheticTraffic, simulate
from earlystop.simulation.watched_stages import SupposedTraffic
from tests.bench.ramps import RISING, spec_of

RUNS, RATE, EM, MARGIN = 60, 30.0, 0.85, 0.05
TOKENS = {"saving": 0.6, "spread": 0.3}
"""A plan supposes that tokens are proven before Exact Match, so they are here, too."""

WITH_LEAST = [{"weight": 5, "minimumSeconds": 200}, {"weight": 25, "minimumSeconds": 100}, {"weight": 50}]


@dataclass(frozen=True)
class Case:
    """rollout: changes of it. objective: of it. em_loss: supposed. more: options of both commands."""

    rollout: dict[str, Any]
    em_loss: float = 0.0
    objective: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> PolicySpec:
        plain = spec_of(self.rollout, MARGIN, 86_400, 10).wire()
        plain["objective"] = {**plain["objective"], **self.objective}
        return PolicySpec.model_validate(plain)


EACH = {
    "queryClasses": [{"name": name, "margin": "0.1"} for name in ("easy", "hard")],
    "requireEach": True,
}
CASES = {
    "a constant split": Case({"steps": [{"weight": 50}]}),
    "a ramp that is left when safe": Case({"steps": RISING}),
    "the same with least times": Case({"steps": WITH_LEAST}),
    "a ramp by time": Case({"steps": RISING, "advance": "ByTime"}),
    "a ramp by least times": Case({"steps": WITH_LEAST, "advance": "ByTime"}),
    "two margins lost": Case({"steps": RISING}, 0.1),
    "two margins lost, by least times": Case({"steps": WITH_LEAST, "advance": "ByTime"}, 0.1),
    "sessions": Case(
        {"steps": RISING}, 0.0, {"exactMatch": {"margin": "0.05", "dispersion": "2"}}, {"dispersion": 2.0}
    ),
    "answers that take longer than settling": Case({"steps": RISING}, 0.0, {}, {"answer_seconds": 120.0}),
    "nothing is written of sessions": Case({"steps": [{"weight": 50}]}, 0.0, {"exactMatch": {"margin": "0.05"}}),
    "nothing is written of sessions, on a ramp": Case({"steps": RISING}, 0.0, {"exactMatch": {"margin": "0.05"}}),
    "query classes that are proven each": Case({"steps": RISING}, 0.0, EACH),
}


@pytest.mark.parametrize("name", CASES)
def test_hours_and_requests_are_those_of_simulated_rollouts_within_a_tenth(name: str) -> None:
    case = CASES[name]
    told = planned(case.spec, SupposedTraffic(RATE, EM, case.em_loss, max(0.06, case.em_loss), **case.more))
    traffic = SyntheticTraffic(
        rate=RATE, baseline_em=EM, em_loss=case.em_loss, discordance=max(0.06, case.em_loss), **TOKENS, **case.more
    )
    ends = [each for each in simulate(case.spec, traffic, default_rng(3), RUNS) if each.verdict == told["verdict"]]
    assert len(ends) >= 0.9 * RUNS
    for figure, values in (
        ("hours_mean", [each.seconds / 3600 for each in ends]),
        ("requests_mean", [each.answers for each in ends]),
    ):
        found, error = array(values).mean(), array(values).std() / sqrt(len(ends))
        assert abs(float(told[figure]) - found) <= 0.1 * found + 3 * error, (figure, told[figure], found)


def test_a_short_campaign_is_not_planned_to_end_before_tokens_can_be_proven() -> None:
    # Of some 2,700 requests on a ramp; without that wait the plan was 14 % too low.
    spec = spec_of({"steps": RISING}, 0.08, 86_400, 10)
    told, traffic = planned(spec, SupposedTraffic(RATE, EM, 0.0)), SyntheticTraffic(rate=RATE, baseline_em=EM, **TOKENS)
    ends = [each for each in simulate(spec, traffic, default_rng(5), 200) if each.verdict == "Promote"]
    for figure, values in (
        ("hours_mean", [each.seconds / 3600 for each in ends]),
        ("requests_mean", [each.answers for each in ends]),
    ):
        assert float(told[figure]) == pytest.approx(array(values).mean(), rel=0.08)


def test_no_promotion_is_planned_before_its_least_hours() -> None:
    spec = spec_of({"steps": RISING, "minimumHours": 3}, MARGIN, 86_400, 10)
    assert 3 <= float(planned(spec, SupposedTraffic(RATE, EM, 0.0))["hours_mean"]) <= 3.1


def test_the_probability_of_a_verdict_before_a_short_deadline_is_that_of_simulated_rollouts() -> None:
    spec = spec_of({"steps": RISING}, MARGIN, 300, 10)
    traffic, runs = SyntheticTraffic(rate=RATE, baseline_em=EM, **TOKENS), 100
    ends = [each.verdict == "Promote" for each in simulate(spec, traffic, default_rng(4), runs)]
    found = sum(ends) / runs
    assert 0.2 < found < 0.8
    forecast = float(planned(spec, SupposedTraffic(RATE, EM, 0.0))["power"])
    assert abs(forecast - found) <= 0.05 + 2 * sqrt(found * (1 - found) / runs)
