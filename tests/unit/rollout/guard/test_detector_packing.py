"""Detectors are stored in little room: rounded against an alarm, and written again in the form in which they stand."""

from __future__ import annotations

import base64
import random
import struct
from typing import NamedTuple

import pytest

from earlystop.api.counts import Look
from earlystop.evidence import guard_detectors
from earlystop.evidence.change_detection import BetDetector, Detector
from earlystop.evidence.guard_detectors import Detectors, Factors
from earlystop.evidence.objective import Basis, Objective
from earlystop.rollout.guard.detector_packing import pack_detectors, rounded, unpack_detectors
from earlystop.rollout.guard.follow import guard_objective
from tests.unit.rollout.guard.many_kinds import CLASSES, RAILS, in_classes
from tests.unit.rollout.guarding import guarded_policy
from tests.unit.rollout.policies import NOW, started

EVERY_KIND = {"exactMatch": {"floor": "0.5"}, "guardrails": RAILS, "queryClasses": CLASSES}


class Watch(NamedTuple):
    """What is compared, and the detectors after some looks."""

    objective: Objective
    detectors: Detectors


@pytest.fixture(scope="module")
def guard() -> Watch:
    """Detectors of every kind, after twenty looks that differ."""
    plan = started(guarded_policy({"objective": EVERY_KIND})).pinned_plan
    objective, rng = guard_objective(plan, None, Basis.ANSWERS), random.Random(5)
    detectors, factors = guard_detectors.start(objective), Factors(1.0, (1.0,) * len(RAILS))
    for number in range(20):
        totals = in_classes(rng)
        look = Look(NOW + 60 * number, 0, 90, totals.baseline, totals.candidate, totals.classes)
        detectors = guard_detectors.update(detectors, objective, factors, look, 60.0, usable=True)
    return Watch(objective, detectors)


def log_r(detector: Detector) -> tuple[float, ...]:
    return detector.log_r if isinstance(detector, BetDetector) else tuple(detector.harm.log_capital)


def test_what_is_rounded_comes_back_to_the_last_bit_and_is_rounded_once(guard: Watch) -> None:
    stored = rounded(guard.detectors, guard.objective)
    text = pack_detectors(stored, guard.objective)
    assert unpack_detectors(text, guard.objective) == stored == rounded(stored, guard.objective)
    assert len(text) <= 0.7 * len(pack_detectors(guard.detectors, guard.objective))


def test_rounding_brings_no_alarm_nearer_and_takes_hardly_anything(guard: Watch) -> None:
    named = guard_detectors.named(guard.detectors, guard.objective)
    stored = guard_detectors.named(rounded(guard.detectors, guard.objective), guard.objective)
    for (claim, before), (same, after) in zip(named, stored, strict=True):
        assert claim == same and after.log_statistic <= before.log_statistic < after.log_statistic + 1 / 1024
        for exact, lower in zip(log_r(before), log_r(after), strict=True):
            assert lower <= exact and (exact < lower + 1 / 1024 or exact < -24)


def test_detectors_of_earlier_releases_are_read_and_written_as_they_were(guard: Watch) -> None:
    fresh = guard_detectors.start(guard.objective)
    for each in (guard.detectors, fresh):
        text = pack_detectors(each, guard.objective)
        content = base64.b85decode(text)
        assert len(content) % 4 == 0 and struct.unpack(f"<{len(content) // 4}f", content)
        again = unpack_detectors(text, guard.objective)
        assert pack_detectors(again, guard.objective) == text
    assert unpack_detectors(pack_detectors(fresh, guard.objective), guard.objective) == fresh


def test_a_text_that_nobody_here_packed_is_refused(guard: Watch) -> None:
    text = pack_detectors(rounded(guard.detectors, guard.objective), guard.objective)
    for other in (text[:-5], text + "00000", ":", ":é", text[1:]):
        with pytest.raises(ValueError, match="not a packed list of numbers"):
            unpack_detectors(other, guard.objective)
