"""Sessions: the factor learned from the baseline restores the promise that clustered answers break."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence import dispersion, exact_match
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.dispersion import DispersionEstimate
from tests.unit.evidence.simulate import at_most

SESSION, LIKENESS = 5, 0.3


def sessions(
    rng: np.random.Generator, looks: int, answers: int, rate: float, likeness: float = LIKENESS
) -> list[Answers]:
    """Looks of sessions whose answers share a Beta rate with that intraclass correlation."""
    strength = 1 / likeness - 1
    rates = rng.beta(rate * strength, (1 - rate) * strength, size=(looks, answers // SESSION))
    return [Answers(answers, int(match)) for match in rng.binomial(SESSION, rates).sum(axis=1)]


def learn(looks: list[Answers]) -> DispersionEstimate:
    scatter = DispersionEstimate()
    for look in looks:
        scatter = dispersion.observe(scatter, look)
    return scatter


def test_independent_answers_have_a_factor_close_to_one_even_while_the_baseline_drifts() -> None:
    rng = np.random.default_rng(15)
    rates = 0.8 + 0.1 * np.sin(np.arange(400) / 60)
    found = dispersion.factor(learn([Answers(200, int(x)) for x in rng.binomial(200, rates)]))
    assert found is not None and 1 <= found < 1.25


def test_sessions_have_the_design_effect_of_survey_sampling() -> None:
    found = dispersion.factor(learn(sessions(np.random.default_rng(16), 2000, 200, 0.85)))
    assert found == pytest.approx(1 + (SESSION - 1) * LIKENESS, rel=0.1)


def test_sessions_break_the_promise_and_the_learned_factor_restores_it() -> None:
    rng, runs, wrong = np.random.default_rng(17), 150, {"plain": 0, "learned": 0}
    for _ in range(runs):
        learned = dispersion.factor(learn(sessions(rng, 60, 100, 0.85)))
        assert learned is not None
        looks = list(zip(sessions(rng, 150, 100, 0.85), sessions(rng, 150, 100, 0.83), strict=True))
        for name, factor in (("plain", 1.0), ("learned", learned)):
            process = exact_match.start(0.02, Side.PROMOTE)
            for baseline, candidate in looks:
                process = exact_match.update(process, baseline, candidate, factor)
            wrong[name] += process.log_e_max >= np.log(20)
    assert wrong["plain"] / runs > at_most(0.05, runs)
    assert wrong["learned"] / runs <= at_most(0.05, runs)


def test_too_few_looks_give_no_factor_rather_than_noise() -> None:
    looks = sessions(np.random.default_rng(18), 21, 100, 0.85)
    assert dispersion.factor(learn(looks[:20])) is None
    assert dispersion.factor(learn(looks)) is not None
    assert dispersion.factor(DispersionEstimate(), least_pairs=0) is None


def test_looks_without_answers_or_without_errors_show_nothing() -> None:
    scatter = learn([Answers(50, 40), Answers(0, 0)])
    assert scatter == learn([Answers(50, 40)])
    assert learn([Answers(50, 50), Answers(50, 50)]).pairs == 0


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="write 0 <= match"):
        dispersion.observe(DispersionEstimate(), Answers(3, 4))
