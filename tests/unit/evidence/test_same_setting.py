"""Looks with the same setting on both sides bound what cohorts differ by, claim nothing, and move what is tested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earlystop.api.counts import Look, Tally
from earlystop.evidence import engine
from earlystop.evidence.bound_part import BOUND_PART, bound_risk
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.engine import EvidenceState
from earlystop.evidence.intervals import Interval
from earlystop.evidence.objective import Basis, ClassMargin, Objective
from earlystop.evidence.own_difference import OwnDifference

OBJECTIVE = Objective(0.05, 0.1, 0.04, 0.04, split_known=False, source=DispersionSource.ASSUMED, same_setting_steps=1)
SIZE = 400


def tally(rng: np.random.Generator, rate: float, mean: float) -> Tally:
    lengths = 1 + rng.exponential(mean, SIZE).astype(int)
    match = int(rng.binomial(SIZE, rate))
    return Tally(
        SIZE,
        completed=SIZE,
        match=match,
        mismatch=SIZE - match,
        tokens=int(lengths.sum()),
        tokens_squared=int((lengths * lengths).sum()),
    )


def watched(own: float, effect: float, keep: float, looks: int = 60, objective: Objective = OBJECTIVE) -> EvidenceState:
    """As many looks with the same setting as with the candidate's. own: EM that the candidate's cohort has more by
    itself. effect, keep: of the setting."""
    rng, state = np.random.default_rng(7), engine.begin(objective)
    for at in range(2 * looks):
        step = int(at >= looks)
        candidate = tally(rng, 0.8 + own + effect * step, 300 * (keep if step else 1))
        state = engine.update(state, Look(at, step, 50, tally(rng, 0.8, 300), candidate))
    return state


def test_nothing_is_claimed_while_both_sides_have_the_same_setting_however_far_apart_they_are() -> None:
    rng, state = np.random.default_rng(1), engine.begin(OBJECTIVE)
    for at in range(40):
        state = engine.update(state, Look(at, 0, 50, tally(rng, 0.9, 300), tally(rng, 0.6, 150)))
        said = state.assessment
        assert not (said.non_inferior or said.saves_tokens or said.harmful) and max(said.log_e_max.harms) == 0
    assert state.assessment.effect.estimate == pytest.approx(-0.3, abs=0.02)
    assert state.assessment.saving.estimate == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("own", [-0.08, 0.0, 0.02])
def test_the_shown_effect_is_that_of_the_setting_whatever_the_cohorts_differ_by(own: float) -> None:
    said = watched(own, -0.01, 0.7).assessment
    for interval, truth in ((said.effect, -0.01), (said.saving, 0.3)):
        assert interval.low is not None and interval.high is not None
        assert interval.low < truth < interval.high
    assert said.saves_tokens


def test_a_cohort_that_answers_worse_by_itself_is_no_harm_and_one_that_is_better_hides_none() -> None:
    assert not watched(-0.1, 0.0, 0.7).assessment.harmful
    hidden = watched(0.04, -0.16, 0.7).assessment
    assert hidden.harmful and not hidden.non_inferior


def test_where_the_cohorts_own_difference_leaves_no_room_nothing_is_promoted() -> None:
    state = watched(0.12, 0.0, 0.5, looks=100)
    assert state.own is not None and not state.own.leaves_room(OBJECTIVE.margin)
    assert not state.assessment.non_inferior


def test_margins_are_moved_by_the_worst_bounds_and_both_parts_of_the_risk_are_the_policys() -> None:
    state = watched(0.0, 0.0, 0.7)
    own = state.own
    assert own is not None and own.em.low is not None and own.em.high is not None and own.keep_low is not None
    assert state.quality.promote.margin == pytest.approx(OBJECTIVE.margin - own.em.high)
    assert state.quality.harm.margin == pytest.approx(OBJECTIVE.margin - own.em.low)
    assert state.tokens.keep == pytest.approx(0.9 * own.keep_low)
    assert OBJECTIVE.risk_promote + bound_risk(OBJECTIVE.risk_promote) == pytest.approx(0.05)
    assert bound_risk(1 - BOUND_PART) == pytest.approx(BOUND_PART)


def test_what_is_learned_of_scatter_with_the_same_setting_is_known_from_the_first_look_that_tries() -> None:
    learns = replace(OBJECTIVE, source=DispersionSource.LOOKS, known_looks=8, sessions_declared=True)
    rng, state = np.random.default_rng(3), engine.begin(learns)
    for at in range(34):
        state = engine.update(state, Look(at, int(at > 31), 50, tally(rng, 0.8, 300), tally(rng, 0.8, 300)))
        assert state.dispersion.is_known == (at >= 31)


def test_a_difference_that_is_not_bounded_yet_makes_every_corrected_bound_unknown() -> None:
    open_ended = OwnDifference(Interval(None, -1.0, 1.0), None, None, 1.0)
    assert open_ended.corrected_saving(Interval(0.3, 0.2, 0.4)) == Interval(None, None, 0.4)
    assert open_ended.corrected_effect(Interval(0.0, -0.1, 0.1)) == Interval(None, -1.0, 1.0)
    assert not open_ended.bounds_lengths and not open_ended.leaves_room(0.5)


@pytest.mark.parametrize("changes", [{"classes": (ClassMargin("hard", 0.03),)}, {"basis": Basis.PAIRS}])
def test_claims_that_no_such_look_bounds_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="leave out query classes, guardrails and pairs"):
        replace(OBJECTIVE, **changes)  # type: ignore[arg-type]
