"""Evidence that is divided by a factor that was learned: what counts of it, and at which risks it is worth that."""

from __future__ import annotations

from math import inf, log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtr

from earlystop.evidence import engine
from earlystop.evidence.discount import CALIBRATED_RISK, FULL_LOG_E, Discount
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.divisors import divisors
from earlystop.evidence.objective import Objective
from earlystop.evidence.scatter import KNOWN_LOOKS, Scatter, freedom_after, observe
from earlystop.evidence.version import CURRENT, FOURTH

FREEDOMS = st.floats(1.0, 1e4)


@given(FREEDOMS, st.floats(0, 60))
def test_no_evidence_counts_for_more_than_it_is_and_what_a_whole_risk_asks_for_counts_in_full(
    freedom: float, divided: float
) -> None:
    counted = Discount(freedom=freedom).log_e(divided)
    assert counted <= divided + 1e-9
    if divided <= FULL_LOG_E:
        assert counted == divided


@given(FREEDOMS, st.floats(0, 60))
def test_what_is_needed_is_what_then_counts(freedom: float, log_e: float) -> None:
    discount = Discount(freedom=freedom)
    assert discount.log_e(discount.needed(log_e)) == pytest.approx(log_e, rel=1e-6)


@given(FREEDOMS, st.floats(1e-30, 1.0))
def test_a_claim_at_a_part_of_the_risk_is_wrong_at_most_that_part_as_often_by_students_law(
    freedom: float, part: float
) -> None:
    needed = Discount(freedom=freedom).needed(FULL_LOG_E - log(part))
    wrong, whole = (stdtr(freedom, -sqrt(2 * each)) for each in (needed, FULL_LOG_E))
    assert wrong <= part * whole * (1 + 1e-6)


@pytest.mark.parametrize("risk", [0.5, CALIBRATED_RISK])
def test_an_interval_at_a_whole_risk_is_as_wide_as_ever(risk: float) -> None:
    assert Discount(4.0, freedom=4.0).risk(risk) == risk


def test_an_interval_at_a_small_risk_is_the_dual_of_its_claim() -> None:
    discount = Discount(4.0, freedom=12.0)
    assert discount.log_e(-log(discount.risk(0.001))) == pytest.approx(-log(0.001))
    assert 0 < Discount(freedom=1.0).risk(1e-9) < 1e-200


def test_a_factor_that_the_policy_states_is_no_estimate() -> None:
    for source in (DispersionSource.ASSUMED, DispersionSource.GIVEN, DispersionSource.BY_DESIGN):
        objective = Objective(0.02, 0.1, 0.05, 0.05, source=source)
        assert divisors(objective, engine.begin(objective).witnesses).answers.freedom == inf


def test_campaigns_of_earlier_versions_go_on_under_theirs() -> None:
    for version in range(2, CURRENT + 1):
        objective = Objective(0.02, 0.1, 0.05, 0.05, source=DispersionSource.LOOKS, engine=version)
        divided = divisors(objective, engine.begin(objective).witnesses)
        assert (divided.answers.freedom == inf) == (divided.lengths.freedom == inf) == (version <= FOURTH)


def test_degrees_of_freedom_are_those_of_the_blocks_that_must_be_learned_and_only_grow() -> None:
    seen, before = Scatter(), 0.0
    for look in range(400):
        seen = observe(seen, (-1.0) ** look, 1.0)
        assert seen.freedom(KNOWN_LOOKS) >= before
        before = seen.freedom(KNOWN_LOOKS)
    assert before == pytest.approx(15.0, abs=3)
    assert seen.freedom(1) > 10 * before


def test_a_plan_supposes_the_degrees_of_freedom_that_looks_will_have() -> None:
    seen = Scatter()
    for look in range(1, 300):
        seen = observe(seen, (-1.0) ** look, 1.0)
        assert freedom_after(KNOWN_LOOKS, look) == seen.freedom(KNOWN_LOOKS)
