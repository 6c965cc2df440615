"""Looks with events of every kind, in ten query classes."""

from __future__ import annotations

import random
from dataclasses import replace

from earlystop.api.counts import ClassAnswers
from earlystop.rollout.totals import Totals
from tests.unit.rollout.traffic import answers

RAILS = [
    {"name": kind.lower(), "kind": kind, "maximumRatio": "1.5"}
    for kind in ("FailureRate", "NegativeFeedback", "UnscoredRate", "EmptyRate", "CutRate")
]
CLASSES = [{"name": f"class-{number}", "margin": "0.05"} for number in range(10)]


def in_classes(rng: random.Random, harmed: float = 0.8, classes: int = len(CLASSES)) -> Totals:
    """A look with ten query classes, in one of which the candidate has another rate; events of every kind."""
    rows, arms = [], []
    for number in range(classes):
        rate, few, many = harmed if number == 3 else 0.8, rng.randrange(18, 23), rng.randrange(180, 220)
        right = round(few * 0.8), round(many * rate)
        rows.append(ClassAnswers(right[0], few - right[0], right[1], many - right[1]))
    for match, miss, tokens in (
        (sum(each[0] for each in rows), sum(each[1] for each in rows), 600),
        (sum(each[2] for each in rows), sum(each[3] for each in rows), 300),
    ):
        rare = {name: rng.randrange(3) for name in ("failed", "feedback_down", "empty", "cut")}
        counted = answers(match + miss, match / (match + miss), tokens)
        arms.append(replace(counted, started=match + miss + rare["failed"], **rare))
    baseline, candidate = arms
    return Totals(baseline, candidate, tuple(rows))
