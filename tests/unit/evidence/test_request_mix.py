"""The loss over all requests, where the mix of query classes moved with the weights, and where it did not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence.objective import ClassMargin, Objective
from earlystop.evidence.request_mix import Shift, holds_over_requests, shift

CLASSES = (ClassMargin("easy", 0.2), ClassMargin("hard", 0.2))
OBJECTIVE = Objective(0.02, 0.0, 0.05, 0.05, classes=CLASSES)
EASY, HARD = 1.0, 0.5
"""Exact Match of the baseline."""


def arm(easy: int, hard: int, lost: float) -> tuple[Tally, tuple[int, int, int, int]]:
    """Answers to easy and hard questions, of which the hard ones lose so much Exact Match."""
    match = round(easy * EASY), round(hard * (HARD - lost))
    rows = match[0], easy - match[0], match[1], hard - match[1]
    return Tally(easy + hard, easy + hard, 0, sum(match), easy + hard - sum(match)), rows


def look(requests: int, hard: float, weight: int, lost: float) -> Look:
    """A look at so many requests, a part of which is hard in both variants alike."""
    of_candidate = requests * weight // 100
    sizes = requests - of_candidate, of_candidate
    (baseline, of_b), (candidate, of_c) = (
        arm(round(size * (1 - hard)), round(size * hard), each) for size, each in zip(sizes, (0.0, lost), strict=True)
    )
    classes = ClassAnswers(*of_b[:2], *of_c[:2]), ClassAnswers(*of_b[2:], *of_c[2:])
    return Look(0, 0, weight, baseline, candidate, classes)


HARD_FIRST = [look(10_000, 1.0, 1, 0.04), look(10_000, 0.0, 50, 0.04)]


def test_hard_questions_at_a_small_weight_count_as_much_as_easy_ones_at_a_large_one() -> None:
    # Over all requests half of 4 points are lost; the evidence, by w (1 - w), has nearly all its weight on easy ones.
    moved = shift(OBJECTIVE, HARD_FIRST)
    of_hard = 0.01 * 0.99 / (0.01 * 0.99 + 0.25)
    assert moved.difference == pytest.approx(-(0.5 - of_hard) * 0.04, abs=1e-12)
    assert moved.error > 0.02  # 100 answers of the candidate say little of hard questions


def test_a_loss_over_all_requests_is_not_excluded_by_what_hardly_saw_it() -> None:
    assert not holds_over_requests(OBJECTIVE, shift(OBJECTIVE, HARD_FIRST), low=-0.001)
    long = [*HARD_FIRST, look(300_000, 0.0, 50, 0.04)]
    assert holds_over_requests(OBJECTIVE, shift(OBJECTIVE, long), low=-0.001)


def test_a_constant_mix_holds_no_promotion_on_a_ramp() -> None:
    rng, held = np.random.default_rng(3), 0
    for _ in range(200):
        looks = []
        for requests, weight in ((8000, 5), (2400, 25), (4000, 50)):
            hard = rng.binomial(requests, 0.4) / requests
            looks.append(look(requests, float(hard + rng.normal(0, 0.005)), weight, 0.03))
        held += not holds_over_requests(OBJECTIVE, shift(OBJECTIVE, looks), low=-OBJECTIVE.margin)
    assert held == 0


def test_a_class_with_requests_and_no_evidence_may_lose_everything() -> None:
    alone = Look(0, 0, 1, Tally(100, 100, 0, 100, 0), Tally(), (ClassAnswers(100, 0, 0, 0), ClassAnswers()))
    seen = look(900, 1.0, 50, 0.0)
    assert shift(OBJECTIVE, [alone, seen]).difference == pytest.approx(-0.1)


def test_scatter_makes_the_shift_less_certain_and_moves_it_nowhere() -> None:
    plain, scattered = shift(OBJECTIVE, HARD_FIRST), shift(OBJECTIVE, HARD_FIRST, 4.0)
    assert scattered.difference == plain.difference
    assert scattered.error == pytest.approx(2 * plain.error)


def test_without_classes_no_mix_is_seen() -> None:
    assert shift(replace(OBJECTIVE, classes=()), HARD_FIRST) == Shift(0.0, 0.0)
