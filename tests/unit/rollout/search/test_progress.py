"""The ledger of a search's risk: what trials spend that share a level, and what each spends where none is shared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.rollout.search.ladder import level
from earlystop.rollout.search.progress import spent_risk
from earlystop.rollout.search.trial import TrialEnd, TrialOutcome
from tests.unit.rollout.policies import examples

CERTIFIED, HARMFUL, OPEN = TrialEnd.CERTIFIED, TrialEnd.HARMFUL, TrialEnd.INCONCLUSIVE


def over(*trials: tuple[TrialEnd, float]) -> tuple[TrialOutcome, ...]:
    """Trials that are over, each at its risk."""
    return tuple(TrialOutcome(at, end, risk, None, None, 0) for at, (end, risk) in enumerate(trials))


@pytest.mark.parametrize(
    ("trials", "trying", "spent"),
    [
        ((), 0.025, 0.025),
        (((CERTIFIED, 0.025),), 0.0, 0.025),
        (((CERTIFIED, 0.025), (CERTIFIED, 0.025)), 0.025, 0.025),
        (((CERTIFIED, 0.025), (HARMFUL, 0.025)), 0.0125, 0.0375),
        (((HARMFUL, 0.025), (OPEN, 0.0125), (CERTIFIED, 0.0125)), 0.0125, 0.05),
    ],
)
def test_trials_from_one_failure_to_the_next_spend_their_risk_once(
    trials: tuple[tuple[TrialEnd, float], ...], trying: float, spent: float
) -> None:
    assert spent_risk(over(*trials), trying, certified_are_free=True) == pytest.approx(spent)


def test_of_trials_that_share_a_level_the_largest_risk_counts_whichever_failed() -> None:
    trials = over((CERTIFIED, 0.03), (HARMFUL, 0.001))
    assert spent_risk(trials, certified_are_free=True) == 0.03


def test_where_nothing_is_shared_each_trial_spends_its_risk() -> None:
    trials = over((CERTIFIED, 0.02), (HARMFUL, 0.01))
    assert spent_risk(trials, 0.005, certified_are_free=False) == pytest.approx(0.035)


@given(st.lists(st.sampled_from(TrialEnd), max_size=12), st.integers(1, 10))
@examples
def test_a_ladder_never_spends_more_than_its_risk_however_its_trials_end(ends: list[TrialEnd], budget: int) -> None:
    failures, trials = 0, []
    for end in ends:
        if failures >= budget:
            break
        trials.append((end, level(0.05, budget, failures)))
        failures += end is not CERTIFIED
    assert spent_risk(over(*trials), certified_are_free=True) <= 0.05 * (1 + 1e-9)
