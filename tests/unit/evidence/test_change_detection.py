"""The detector: false alarms are as rare as promised, late harm is found soon, whatever happened before."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from earlystop.evidence import change_detection, exact_match, strata
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.change_detection import AnswerDetector
from earlystop.evidence.strata import Arms
from tests.unit.evidence.simulate import binomial

MARGIN = 0.02


def look(rng: np.random.Generator, rate: float, effect: float, n_b: int = 10, n_c: int = 190) -> dict[str, Arms]:
    return {"": Arms(Answers(n_b, int(rng.binomial(n_b, rate))), Answers(n_c, int(rng.binomial(n_c, rate + effect))))}


def looks_until_alarm(
    rng: np.random.Generator, watch: AnswerDetector, effect: float, most: int, promised: float, drift: float = 0.0
) -> int:
    for number in range(1, most + 1):
        rate = 0.85 + drift * np.sin(number / 20)
        watch = change_detection.update(watch, look(rng, rate, effect))
        if change_detection.shows_change(watch, promised):
            return number
    return most


@pytest.mark.parametrize("drift", [0.0, 0.05])
def test_the_mean_time_between_false_alarms_is_at_least_what_was_promised(drift: float) -> None:
    rng, runs, promised = np.random.default_rng(9), 60, 40.0
    times = [looks_until_alarm(rng, change_detection.start(MARGIN), -MARGIN, 400, promised, drift) for _ in range(runs)]
    # Times are nearly exponential, so their mean has a standard error of mean / sqrt(runs); capped times only lower it.
    assert np.mean(times) >= promised * (1 - 3 / np.sqrt(runs))


def test_the_statistic_grows_by_no_more_than_one_a_look_on_average_under_the_null() -> None:
    n_b, n_c = 3, 2
    watch = change_detection.update(change_detection.start(MARGIN), {"": Arms(Answers(30, 20), Answers(20, 15))})
    before = np.exp(watch.log_statistic)
    for rate, depth in product((0.02, 0.3, 0.6, 0.95), (0.0, 0.05)):
        after = 0.0
        for b, c in product(range(n_b + 1), range(n_c + 1)):
            chance = binomial(b, n_b, rate) * binomial(c, n_c, rate - MARGIN + depth)
            after += chance * np.exp(
                change_detection.update(watch, {"": Arms(Answers(n_b, b), Answers(n_c, c))}).log_statistic
            )
        assert after <= before + 1 + 1e-12


@pytest.mark.slow
def test_harm_that_begins_after_months_of_health_is_found_as_soon_as_harm_from_the_start() -> None:
    rng = np.random.default_rng(10)
    fresh = change_detection.start(MARGIN)
    healthy, process = fresh, exact_match.start(MARGIN, Side.HARM)
    for _ in range(1500):
        classes = look(rng, 0.85, 0.0)
        healthy = change_detection.update(healthy, classes)
        process = exact_match.update(process, *classes[""])
    assert (
        not change_detection.shows_change(healthy, 1000) and process.log_e < -6
    )  # a plain e-process has lost what it would need
    late = [looks_until_alarm(rng, healthy, -0.15, 600, 1000) for _ in range(12)]
    early = [looks_until_alarm(rng, fresh, -0.15, 600, 1000) for _ in range(12)]
    assert np.mean(late) < 1.5 * np.mean(early) < 60


def test_the_statistic_follows_its_recursion_with_the_increments_of_the_harm_side() -> None:
    rng = np.random.default_rng(11)
    watch, statistic = change_detection.start(MARGIN), np.zeros(len(exact_match.HARM_GRID))
    process = strata.start(MARGIN, Side.HARM)
    for _ in range(20):
        classes = look(rng, 0.85, -0.05)
        after = strata.update(process, classes)
        statistic = (1 + statistic) * np.exp(np.subtract(after.log_capital, process.log_capital))
        process = after
        watch = change_detection.update(watch, classes)
    expected = np.log(statistic @ np.exp(exact_match.HARM_GRID.log_weights))
    assert watch.log_statistic == pytest.approx(expected, rel=1e-9)


def test_a_look_with_an_empty_arm_changes_nothing() -> None:
    watch = change_detection.update(change_detection.start(MARGIN), {"": Arms(Answers(30, 20), Answers(20, 15))})
    assert change_detection.update(watch, {"": Arms(Answers(0, 0), Answers(20, 15))}) == watch
    assert change_detection.update(watch, {}) == watch


def test_time_without_looks_opens_as_many_bets_as_looks_in_it_would_have() -> None:
    """The promise is one in time, so a look that comes late has as much to lose as all that were due before it."""
    watch = change_detection.update(change_detection.start(MARGIN), {"": Arms(Answers(30, 20), Answers(20, 15))})
    nothing = {"": Arms(Answers(4, 3), Answers(4, 3))}
    late = change_detection.update(watch, nothing, opened=3.0)
    log_e = change_detection.update(watch, nothing, opened=1e-9).log_statistic - watch.log_statistic
    assert np.exp(late.log_statistic) > np.exp(watch.log_statistic + log_e) + 2
    with pytest.raises(ValueError, match="write more than 0"):
        change_detection.update(watch, nothing, opened=0.0)
