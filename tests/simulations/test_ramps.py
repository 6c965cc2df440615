"""Ramps whose steps are left when that is safe: their errors, whom they expose, and what they cost.

The quick version of `make bench-ramps`, with wider margins so that campaigns are short. Fixed seeds.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest

from earlystop.rollout.advance import RISK_TO_ADVANCE
from tests.bench.ramps import RISING, TEN_MINUTES, Row, row, spec_of

RUNS, MARGIN, RATE = 300, 0.05, 30.0
SAFE: dict[str, Any] = {"steps": RISING, "advance": "WhenSafe"}
BY_TIME: dict[str, Any] = {"steps": TEN_MINUTES, "advance": "ByTime"}


def quick(loss: float, rollout: dict[str, Any] = SAFE, runs: int = RUNS) -> Row:
    return row("", loss, spec_of(rollout, MARGIN, 1800, 30), RATE, runs)


def limit(risk: float, runs: int = RUNS) -> float:
    return risk + 2 * sqrt(risk * (1 - risk) / runs)


@pytest.fixture(scope="module")
def border() -> Row:
    return quick(1.0)


def test_a_candidate_at_the_border_is_promoted_and_rolled_back_no_more_often_than_the_risks_say(border: Row) -> None:
    assert border.promoted <= limit(0.05) and border.rolled_back <= limit(0.05)


@pytest.mark.parametrize(("loss", "weight"), [(2.0, 50), (4.0, 25)])
def test_who_costs_all_requests_the_margin_at_a_weight_seldom_gets_it(loss: float, weight: int) -> None:
    assert quick(loss).raised[weight] <= limit(RISK_TO_ADVANCE)


def test_a_harmless_candidate_is_promoted_and_one_that_loses_four_margins_rolled_back() -> None:
    assert quick(0.0, runs=60).promoted >= 0.95 and quick(4.0, runs=60).rolled_back >= 0.95


def test_a_ramp_that_is_left_when_safe_costs_half_of_one_by_the_clock_and_exposes_no_more_users() -> None:
    assert quick(0.0, runs=100).cost < 0.6 * quick(0.0, BY_TIME, 100).cost
    safe, timed = quick(4.0, runs=100), quick(4.0, BY_TIME, 100)
    assert safe.exposed <= timed.exposed + 2 * (safe.exposed_error + timed.exposed_error)
