"""What the detectors of a guard promise together, and that a setting which answers is never shown to be silent."""

from __future__ import annotations

from itertools import product
from math import comb, exp

import pytest

from earlystop.api.counts import Look, Tally
from earlystop.evidence import guard_detectors
from earlystop.evidence.guard_detectors import Factors
from earlystop.evidence.objective import UNANSWERED, Basis, ClassMargin, Guardrail, GuardrailKind, Objective
from tests.turns import Turns

PLAIN = Objective(margin=0.02, minimum_saving=0.0, risk_promote=0.05, risk_harm=0.05)
RAILS = (Guardrail("failures", GuardrailKind.FAILURE_RATE, 1.5),)
FULL = Objective(
    margin=0.02,
    minimum_saving=0.0,
    risk_promote=0.05,
    risk_harm=0.05,
    floor=0.6,
    guardrails=RAILS,
    classes=(ClassMargin("code", 0.05),),
)


def answered(requests: int, scored: int) -> Tally:
    return Tally(started=requests, completed=scored, failed=requests - scored, match=scored)


@pytest.mark.parametrize("objective", [PLAIN, FULL])
def test_all_detectors_together_spend_the_promised_rate_of_false_alarms_and_no_more(objective: Objective) -> None:
    times = guard_detectors.mean_times(objective, 2_592_000.0)
    named = guard_detectors.named(guard_detectors.start(objective), objective)
    assert {claim for claim, _ in named} == set(times)
    assert sum(2_592_000.0 / each for each in times.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(("baseline", "candidate"), [(0.9, 0.72), (0.5, 0.4), (1.0, 0.8), (0.1, 0.08), (0.9, 0.9)])
@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_a_setting_that_answers_four_fifths_as_often_gains_no_evidence_of_silence_on_average(
    baseline: float, candidate: float, factor: float
) -> None:
    sizes = 4, 12
    mean = [0.0] * 5
    for ours, theirs in product(range(sizes[0] + 1), range(sizes[1] + 1)):
        chance = _chance(sizes[0], ours, baseline) * _chance(sizes[1], theirs, candidate)
        look = Look(60, 0, 75, answered(sizes[0], ours), answered(sizes[1], theirs))
        after = guard_detectors.update(
            guard_detectors.start(PLAIN), PLAIN, Factors(factor), look, 1.0, usable=False
        ).unanswered
        mean = [value + chance * exp(each) for value, each in zip(mean, after.log_r, strict=True)]
    assert max(mean) <= 1 + 1e-9


def test_no_single_look_is_an_alarm_however_large_it_is() -> None:
    look = Look(60, 0, 90, answered(100_000, 100_000), answered(900_000, 0))
    detectors = guard_detectors.start(PLAIN)
    taken = 0
    turns = Turns()
    while not guard_detectors.alarms(detectors, PLAIN, 2_592_000.0) and turns.another():
        detectors = guard_detectors.update(detectors, PLAIN, Factors(), look, 60.0, usable=False)
        taken += 1
    assert 5 <= taken <= 10


def _chance(size: int, number: int, rate: float) -> float:
    return comb(size, number) * rate**number * (1 - rate) ** (size - number)


GOLDEN = 40
PAIRED = Objective(margin=0.02, minimum_saving=0.0, risk_promote=0.05, risk_harm=0.05, basis=Basis.PAIRS)


def beside_golden(requests: int, *, failed: int = 0, paired: bool = False) -> Tally:
    """Requests of a variant, and beside them answers to golden questions, which no request of the route started."""
    ended = requests - failed + GOLDEN
    return Tally(started=requests, completed=ended, failed=failed, match=ended, pairs_both=GOLDEN if paired else 0)


def looks_until_alarm(objective: Objective, candidate: Tally, most: int) -> int:
    """How many looks it takes beside a baseline with a tenth of the requests; `most` where none is an alarm."""
    detectors, look = guard_detectors.start(objective), Look(60, 0, 90, beside_golden(10), candidate)
    for taken in range(most):
        if UNANSWERED in guard_detectors.alarms(detectors, objective, 2_592_000.0):
            return taken
        detectors = guard_detectors.update(detectors, objective, Factors(), look, 60.0, usable=False)
    return most


@pytest.mark.parametrize("objective", [PAIRED, PLAIN])
def test_golden_questions_that_both_variants_answer_are_no_sign_of_silence_of_the_one_with_more_requests(
    objective: Objective,
) -> None:
    assert looks_until_alarm(objective, beside_golden(90, paired=True), 200) == 200


@pytest.mark.parametrize("objective", [PAIRED, PLAIN])
def test_requests_that_fail_are_found_beside_golden_questions_that_are_answered(objective: Objective) -> None:
    assert looks_until_alarm(objective, beside_golden(90, failed=60, paired=True), 200) <= 30


def test_golden_answers_that_nobody_can_score_for_a_while_are_no_sign_of_silence() -> None:
    assert looks_until_alarm(PAIRED, beside_golden(90), 200) == 200
