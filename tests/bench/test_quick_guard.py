"""A guard's false alarms are as rare as promised, and its delays near the bound: `make bench-guard`, made quick."""

from __future__ import annotations

import pytest

from tests.bench.guard import delays, false_alarms


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_promised_whatever_the_baseline_does_and_however_irregular_looks_are() -> None:
    assert [each for each in false_alarms(40, promised_looks=50) if each.missed] == []


@pytest.mark.slow
def test_harm_after_long_health_is_found_within_one_and_a_half_times_the_bound() -> None:
    found = list(delays(8))
    assert len(found) == 8 and [each for each in found if each.missed] == []
