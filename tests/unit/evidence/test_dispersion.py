"""Sessions: the factor learned from the baseline restores the promise that clustered answers break."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence import dispersion
from earlystop.evidence.bets import Answers
from earlystop.evidence.dispersion import DispersionEstimate
from tests.unit.evidence.simulate import LIKENESS, SESSION, learn_scatter, sessions


def test_independent_answers_have_a_factor_close_to_one_even_while_the_baseline_drifts() -> None:
    rng = np.random.default_rng(15)
    rates = 0.8 + 0.1 * np.sin(np.arange(400) / 60)
    found = dispersion.factor(learn_scatter([Answers(200, int(x)) for x in rng.binomial(200, rates)]))
    assert found is not None and 1 <= found < 1.25


def test_sessions_have_the_design_effect_of_survey_sampling() -> None:
    found = dispersion.factor(learn_scatter(sessions(np.random.default_rng(16), 2000, 200, 0.85)))
    assert found == pytest.approx(1 + (SESSION - 1) * LIKENESS, rel=0.1)


def test_too_few_looks_give_no_factor_rather_than_noise() -> None:
    looks = sessions(np.random.default_rng(18), 21, 100, 0.85)
    assert dispersion.factor(learn_scatter(looks[:20])) is None
    assert dispersion.factor(learn_scatter(looks)) is not None
    assert dispersion.factor(DispersionEstimate(), least_pairs=0) is None


def test_looks_without_answers_or_without_errors_show_nothing() -> None:
    scatter = learn_scatter([Answers(50, 40), Answers(0, 0)])
    assert scatter == learn_scatter([Answers(50, 40)])
    assert learn_scatter([Answers(50, 50), Answers(50, 50)]).pairs == 0


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="write 0 <= match"):
        dispersion.observe(DispersionEstimate(), Answers(3, 4))
