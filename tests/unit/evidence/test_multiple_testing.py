"""Many claims: no combination of them makes a false one likelier than the risk."""

from __future__ import annotations

from itertools import combinations
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.evidence import multiple_testing
from tests.unit.evidence.simulate import at_most, examples

LOG_E = st.lists(st.floats(-50, 50), min_size=1, max_size=6)


@pytest.mark.slow
@examples
@given(LOG_E)
def test_closed_testing_equals_trying_every_set_of_candidates(log_e: list[float]) -> None:
    values = np.exp(log_e)
    sets = [s for size in range(1, len(log_e) + 1) for s in combinations(range(len(log_e)), size)]
    means = {s: values[list(s)].mean() * 0.05 for s in sets}
    if any(abs(mean - 1) < 1e-9 for mean in means.values()):
        return  # on the edge, rounding decides
    expected = tuple(all(mean >= 1 for s, mean in means.items() if i in s) for i in range(len(log_e)))
    assert multiple_testing.closed_mean(log_e, 0.05) == expected


@examples
@given(LOG_E)
def test_closed_testing_is_never_worse_than_bonferroni(log_e: list[float]) -> None:
    slightly_more = [value + 1e-9 for value in log_e]
    for closed, even in zip(multiple_testing.closed_mean(slightly_more, 0.05), _bonferroni(log_e), strict=True):
        assert closed or not even


def test_two_good_candidates_need_less_than_bonferroni_asks_for() -> None:
    values = [log(25.0), log(25.0)]
    assert multiple_testing.closed_mean(values, 0.05) == (True, True)
    assert _bonferroni(values) == (False, False)


@pytest.mark.slow
def test_any_false_acceptance_among_candidates_that_share_a_baseline_stays_within_the_risk() -> None:
    rng, runs, looks, wrong, found = np.random.default_rng(12), 1000, 100, 0, 0
    gaps = np.array([0.0, 0.0, 0.0, 0.5, 0.5])  # three candidates without merit, two with
    for _ in range(runs):
        shared = rng.normal(size=(looks, 1))
        noise = (rng.normal(size=(looks, 5)) + shared) / np.sqrt(2)
        log_e = np.cumsum(0.5 * (noise + gaps) - 0.125, axis=0)
        accepted = np.array([multiple_testing.closed_mean(row.tolist(), 0.05) for row in log_e[::6]])
        wrong += bool(accepted[:, :3].any())
        found += bool(accepted[:, 3].any() and accepted[:, 4].any())
    assert wrong / runs <= at_most(0.05, runs)
    assert found / runs > 0.7


def test_enormous_evidence_overflows_nothing() -> None:
    assert multiple_testing.closed_mean([1e6, -1e6, 2e6], 0.05) == (True, False, True)


def test_the_risk_of_a_rollback_is_shared_and_never_exceeded() -> None:
    assert multiple_testing.harm_risks(0.05, []) == (0.05, {})
    shared = multiple_testing.harm_risks(0.05, ["floor", "failures", "multi-hop"])
    assert shared.exact_match == 0.025
    assert shared.exact_match + sum(shared.guardrails.values()) == pytest.approx(0.05)
    assert len(set(shared.guardrails.values())) == 1
    with pytest.raises(ValueError, match="write each once"):
        multiple_testing.harm_risks(0.05, ["floor", "floor"])


def test_repeated_campaigns_together_spend_no_more_than_the_risk() -> None:
    assert sum(multiple_testing.campaign_risk(0.05, k) for k in range(1, 5000)) < 0.05
    assert multiple_testing.campaign_risk(0.05, 1) > 0.03
    for horizon in (1, 2, 5, 100):
        spent = [multiple_testing.campaign_risk(0.05, k, horizon) for k in range(1, horizon + 1)]
        assert sum(spent) == pytest.approx(0.05)
    assert multiple_testing.campaign_risk(0.05, 1, 1) == 0.05


@pytest.mark.parametrize(("campaign", "horizon"), [(0, None), (0, 5), (6, 5)])
def test_a_campaign_that_is_none_of_those_that_share_the_risk_is_refused(campaign: int, horizon: int | None) -> None:
    with pytest.raises(ValueError, match="write 1 for the first"):
        multiple_testing.campaign_risk(0.05, campaign, horizon)


@pytest.mark.parametrize("risk", [0.0, 1.0, float("nan")])
def test_a_risk_that_is_no_probability_is_refused(risk: float) -> None:
    with pytest.raises(ValueError, match=r"as in 0\.05"):
        multiple_testing.closed_mean([1.0], risk)


def _bonferroni(log_e: list[float]) -> tuple[bool, ...]:
    """Which claims hold when each gets an even share of the risk of 5 %."""
    return tuple(value >= log(len(log_e) / 0.05) for value in log_e)
