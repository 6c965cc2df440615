"""Planning: the forecast agrees with what the very same process does."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence import exact_match
from earlystop.evidence.bets import Answers, Side
from earlystop.simulation import planning
from earlystop.simulation.planning import Question

EQUAL = Question(0.85, 0.0, 0.02)


def simulated(question: Question, share: float, runs: int, size: int = 100) -> np.ndarray:
    """Requests until the verdict in each run, in looks of `size`."""
    rng = np.random.default_rng(25)
    n_c = round(size * share)
    n_b = size - n_c
    used = []
    for _ in range(runs):
        process, requests = exact_match.start(question.margin, question.side), 0
        while process.log_e_max < -np.log(question.risk) and requests < 200_000:
            baseline = Answers(n_b, int(rng.binomial(n_b, question.baseline_rate)))
            candidate = Answers(n_c, int(rng.binomial(n_c, question.baseline_rate + question.difference)))
            process, requests = exact_match.update(process, baseline, candidate), requests + size
        used.append(requests)
    return np.array(used)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "share"),
    [
        (EQUAL, 0.5),
        (Question(0.85, 0.0, 0.02), 0.1),
        (Question(0.85, -0.06, 0.02, side=Side.HARM), 0.5),
        (Question(0.6, 0.02, 0.04, risk=0.01), 0.5),
    ],
)
def test_the_forecast_agrees_with_simulated_rollouts(question: Question, share: float) -> None:
    runs = 200
    used, shown = simulated(question, share, runs), planning.forecast(question, share)
    # The spread is about 0.8 of the mean; three standard errors of the mean, five points for the approximation.
    assert used.mean() == pytest.approx(shown.mean, rel=3 * 0.8 / np.sqrt(runs) + 0.05)
    assert (used <= shown.ninety).mean() == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / runs) + 0.02)
    if question.gap <= question.margin:  # for larger gaps verdicts scatter less than the forecast says
        assert (used <= shown.median).mean() == pytest.approx(0.5, abs=3 * np.sqrt(0.25 / runs) + 0.02)
    assert shown.median < shown.mean < shown.ninety < 1.2 * shown.longest


def test_an_even_split_needs_the_fewest_requests() -> None:
    needs = {share: planning.forecast(EQUAL, share).mean for share in (0.05, 0.1, 0.25, 0.5, 0.9)}
    assert min(needs, key=needs.__getitem__) == 0.5
    assert needs[0.1] / needs[0.5] == pytest.approx(2.78, abs=0.01)


def test_questions_that_no_number_of_requests_answers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"write one above -0\.02"):
        Question(0.85, -0.02, 0.02)
    with pytest.raises(ValueError, match=r"write one below -0\.02"):
        Question(0.85, -0.01, 0.02, side=Side.HARM)
    with pytest.raises(ValueError, match=r"leave 1\.05 for the candidate"):
        Question(0.85, 0.2, 0.02)
    with pytest.raises(ValueError, match=r"as in 0\.25"):
        planning.forecast(EQUAL, 1.0)
