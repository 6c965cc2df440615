"""By what evidence is divided, from where that is known, and that no claim is made that would not be made without."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import Look, Tally
from earlystop.evidence import engine
from earlystop.evidence.arm_scatter import EVENTS_A_BLOCK, observe_events, start
from earlystop.evidence.discount import GUESS_FREEDOM, Discount
from earlystop.evidence.dispersion_guess import UNKNOWN, UNLIKELY
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.divisors import (
    BURSTS_FREEDOM,
    UNKNOWN_BURSTS,
    UNKNOWN_LEVEL,
    Witnesses,
    divisors,
    knowledge,
)
from earlystop.evidence.engine import EvidenceState, Gap, Objective
from earlystop.evidence.lasting_groups import guessed_scatter, most_scatter
from earlystop.evidence.mixture import log_mixture, weighted_grid
from earlystop.evidence.objective import Basis, Guardrail, GuardrailKind
from earlystop.evidence.rate_ratio import Events
from earlystop.evidence.scatter import KNOWN_LOOKS, MOST_FACTOR
from earlystop.evidence.split_scatter import LEAST_LOOKS, NO_SPLIT, SplitScatter, observe
from earlystop.evidence.user_factors import NOBODY_SEEN
from earlystop.evidence.version import CURRENT, FIFTH, SEVENTH, SIXTH, THIRD

PLAIN = Objective(0.02, 0.0, 0.05, 0.05)


@pytest.mark.parametrize(("version", "looks"), [(THIRD, 8), (CURRENT, 128)])
def test_bursts_of_frequent_events_are_known_once_as_many_looks_taught_them_as_are_waited_for(
    version: int, looks: int
) -> None:
    rail = Guardrail("rail", GuardrailKind.FAILURE_RATE, 1.5)
    objective = replace(PLAIN, guardrails=(rail,), source=DispersionSource.LOOKS, engine=version)
    arms, known = start(1), []
    for _ in range(140):
        arms = observe_events(arms, [(Events(1000, 10), Events(1000, 10))])
        known.append(divisors(objective, Witnesses(NOBODY_SEEN, arms, NO_SPLIT, None)).guardrails[0].is_known)
    assert known.index(True) + 1 == looks and all(known[looks:])


def after(
    objective: Objective,
    looks: int,
    wobble: float = 0.0,
    drift: float = 0.0,
    loss: float = 0.0,
    counts_requests: bool = False,
) -> EvidenceState:
    """After looks of 100 answers an arm; wobble: shared by the arms, drift: the candidate's own.
    counts_requests: whether each request is counted as it draws its arm."""
    rng, found = random.Random(1), []
    for at in range(looks):
        level = 0.8 + rng.uniform(-wobble, wobble)
        rates = level, level - loss + drift * (1 if at % 120 < 60 else -1)
        of_candidate = sum(rng.random() < 0.5 for _ in range(200)) if counts_requests else 100
        counts = 200 - of_candidate, of_candidate
        right = [sum(rng.random() < rate for _ in range(count)) for rate, count in zip(rates, counts, strict=True)]
        baseline, candidate = (
            Tally(started=count if counts_requests else 0, match=each, mismatch=count - each)
            for each, count in zip(right, counts, strict=True)
        )
        found.append(Look(at, 0, 50, baseline, candidate))
    return engine.replay(objective, found)


@pytest.mark.parametrize("source", [DispersionSource.GIVEN, DispersionSource.ASSUMED, DispersionSource.BY_DESIGN])
def test_what_the_policy_says_is_known_before_any_look(source: DispersionSource) -> None:
    state = engine.begin(replace(PLAIN, source=source))
    assert state.dispersion.is_known and Gap.DISPERSION not in state.assessment.gaps


def test_what_looks_teach_is_known_after_enough_of_them_and_holds_a_promotion_before() -> None:
    objective = replace(PLAIN, source=DispersionSource.LOOKS)
    early, late = after(objective, 100), after(objective, 140)
    assert Gap.DISPERSION in early.assessment.gaps and early.dispersion.factor >= UNKNOWN
    assert early.quality.promote.log_e_max == 0.0
    assert Gap.DISPERSION not in late.assessment.gaps and late.dispersion.factor < UNKNOWN


def test_users_that_nobody_counts_are_never_known() -> None:
    state = after(replace(PLAIN, source=DispersionSource.USERS, split_known=False), 140)
    assert not state.dispersion.is_known and Gap.DISPERSION in state.assessment.gaps
    assert state.dispersion.factor == UNKNOWN and state.quality.promote.log_e_max == 0.0


def split_in_long_groups() -> SplitScatter:
    """Of 128 looks, in which one variant has more for 32 looks and then the other."""
    known = NO_SPLIT
    for at in range(128):
        known = observe(known, *((90, 110) if at // 32 % 2 else (110, 90)), 50)
    return known


def test_groups_of_requests_that_outlast_blocks_keep_a_promotion_waiting_for_longer_ones() -> None:
    objective = replace(PLAIN, source=DispersionSource.LOOKS)
    state = after(objective, 140)
    short, grouped = state.witnesses, state.witnesses._replace(split=split_in_long_groups())
    assert grouped.split.groups_outlast_blocks and knowledge(objective, short).is_known
    found = knowledge(objective, grouped)
    assert (found.is_known, found.groups_outlast, found.needed_looks) == (False, True, 64) and found.factor >= UNKNOWN
    assert not divisors(objective, grouped).lengths.is_known
    assert knowledge(replace(objective, engine=FIFTH), grouped).is_known
    assert knowledge(replace(objective, basis=Basis.PAIRS), grouped).is_known
    for looks in (16, 32):  # as short sessions ask for, and ones of up to 20 looks
        declared = knowledge(replace(objective, known_looks=looks, sessions_declared=True), grouped)
        assert (declared.is_known, declared.groups_outlast, declared.needed_looks) == (True, False, looks)
    assert knowledge(PLAIN, grouped).is_known


def test_what_requests_show_of_groups_that_last_bounds_the_factor_from_below_unless_somebody_vouches_for_less() -> None:
    objective = replace(PLAIN, source=DispersionSource.LOOKS)
    grouped = after(objective, 140).witnesses._replace(split=split_in_long_groups())
    least = most_scatter(grouped.arms.answers, grouped.split)
    assert least > UNKNOWN and knowledge(objective, grouped).factor == least
    assert knowledge(replace(objective, engine=SIXTH), grouped).factor < least
    for vouched in (
        replace(objective, sessions_declared=True),
        replace(objective, basis=Basis.PAIRS),
        replace(objective, source=DispersionSource.ASSUMED),
    ):
        assert knowledge(vouched, grouped) == knowledge(replace(vouched, engine=SIXTH), grouped)


def test_a_guess_of_the_scatter_is_at_least_what_requests_show_whatever_is_declared() -> None:
    objective = replace(PLAIN, source=DispersionSource.LOOKS)
    grouped = after(objective, 3).witnesses._replace(split=split_in_long_groups())
    assert guessed_scatter(grouped.split) > UNKNOWN
    for guessed in (objective, replace(objective, sessions_declared=True, known_looks=16)):
        assert knowledge(guessed, grouped).factor >= guessed_scatter(grouped.split)
    declared = replace(objective, sessions_declared=True, engine=SEVENTH)
    assert knowledge(declared, grouped).factor == UNKNOWN
    pairs = replace(objective, basis=Basis.PAIRS)
    assert knowledge(pairs, grouped) == knowledge(replace(pairs, engine=SEVENTH), grouped)


def test_what_requests_show_of_groups_that_last_bounds_how_much_lengths_scatter() -> None:
    objective = replace(PLAIN, source=DispersionSource.LOOKS)
    grouped = after(objective, 140).witnesses._replace(split=split_in_long_groups())
    assert grouped.lengths is not None
    least = most_scatter(grouped.lengths, grouped.split)
    assert least > UNKNOWN and divisors(objective, grouped).lengths.factor == least
    assert divisors(replace(objective, engine=SEVENTH), grouped).lengths.factor < least
    assert divisors(replace(objective, sessions_declared=True), grouped).lengths.factor < least


def test_a_floor_acts_on_a_guess_that_the_split_makes_no_smaller() -> None:
    objective = replace(PLAIN, source=DispersionSource.LOOKS, floor=0.5)
    state = after(objective, 4 * LEAST_LOOKS, counts_requests=True)
    assert state.split.seems_one_by_one and divisors(objective, state.witnesses).answers.factor >= UNLIKELY
    factors = [divisors(replace(objective, engine=each), state.witnesses).floor.factor for each in (FIFTH, CURRENT)]
    assert factors[0] < UNKNOWN_LEVEL <= factors[1]


@pytest.mark.parametrize("looks", [4 * LEAST_LOOKS, 100])
def test_a_split_that_looks_like_one_of_single_requests_makes_the_guess_smaller_and_proves_nothing(looks: int) -> None:
    objective = replace(PLAIN, source=DispersionSource.LOOKS, longest_answer=100)
    state = after(objective, looks, counts_requests=True)
    divided = divisors(objective, state.witnesses)
    assert state.split.seems_one_by_one and UNLIKELY <= state.dispersion.factor < UNKNOWN
    assert not (divided.answers.is_known or divided.lengths.is_known or divided.bounded_lengths.is_known)
    assert after(objective, looks).dispersion.factor >= UNKNOWN


@pytest.mark.parametrize("basis", Basis)
def test_answers_that_are_given_again_leave_the_guess_as_large_as_it_is_whatever_the_split_looks_like(
    basis: Basis,
) -> None:
    objective = replace(PLAIN, source=DispersionSource.LOOKS, basis=basis)
    witnesses = after(objective, 4 * LEAST_LOOKS, counts_requests=True).witnesses
    assert knowledge(objective, witnesses).factor < UNKNOWN
    assert knowledge(replace(objective, answers_repeat=True), witnesses).factor >= UNKNOWN


def test_failures_are_divided_by_their_own_bursts_whatever_the_split_looks_like() -> None:
    rail = Guardrail("f", GuardrailKind.FAILURE_RATE, 1.5)
    objective = replace(PLAIN, source=DispersionSource.LOOKS, guardrails=(rail,))
    state = after(objective, 40, counts_requests=True)
    (failures,) = divisors(objective, state.witnesses).guardrails
    assert failures == Discount(UNKNOWN_BURSTS, is_known=False, is_learned=True, freedom=BURSTS_FREEDOM)
    (before,) = divisors(replace(objective, engine=FIFTH), state.witnesses).guardrails
    assert before == Discount(UNKNOWN_BURSTS, is_known=False, is_learned=True, freedom=GUESS_FREEDOM)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_users_who_keep_a_variant_and_ask_once_in_several_looks_prove_nothing_before_long_blocks(seed: int) -> None:
    rng, users, state = np.random.default_rng(seed), 1200, engine.begin(replace(PLAIN, source=DispersionSource.LOOKS))
    arm, end, rate, seemed = rng.integers(0, 2, users), rng.integers(1, 200, users), rng.random(users), 0
    for look in range(4 * KNOWN_LOOKS - 1):
        arm = np.where(end == look, rng.integers(0, 2, users), arm)
        asks = rng.random(users) < 1 / 6
        right = asks & (rng.random(users) < rate)
        counts = [(int((asks & (arm == each)).sum()), int((right & (arm == each)).sum())) for each in (0, 1)]
        baseline, candidate = (Tally(asked, match=match, mismatch=asked - match) for asked, match in counts)
        state = engine.update(state, Look(look, 0, 50, baseline, candidate))
        seemed += state.split.seems_one_by_one
        assert not state.dispersion.is_known and state.assessment.log_e_max.promote == 0.0
    assert seemed > LEAST_LOOKS  # The split alone would have been taken in.


def swaying(at: int) -> Look:
    """Of 100 answers the candidate has ten more right ones; from look 140 on it has none or all of them, in turn."""
    right_b, right_c = (80, 90) if at < 140 else (50, 100 * (at // 10 % 2))
    return Look(at, 0, 50, Tally(match=right_b, mismatch=100 - right_b), Tally(match=right_c, mismatch=100 - right_c))


@pytest.mark.slow
def test_no_claim_outlives_the_factor_that_it_was_read_with() -> None:
    state, told = engine.begin(replace(PLAIN, source=DispersionSource.LOOKS)), []
    for at in range(240):
        state = engine.update(state, swaying(at))
        proven, said = state.assessment.log_e_max.promote, state.assessment.log_e.promote
        assert proven == (max(0.0, said) if state.dispersion.is_known else 0.0)
        told.append(state.assessment.non_inferior)
    assert any(told[:140]) and not told[-1]


def test_a_claim_by_a_factor_that_the_policy_states_stays() -> None:
    state = engine.replay(replace(PLAIN, source=DispersionSource.ASSUMED), map(swaying, range(240)))
    assert state.assessment.non_inferior and state.assessment.log_e_max.promote > state.assessment.log_e.promote


def test_a_wobble_that_both_arms_share_is_no_scatter_and_one_of_an_arm_alone_is() -> None:
    objective = replace(PLAIN, source=DispersionSource.LOOKS)
    assert after(objective, 140, wobble=0.15).dispersion.factor < 2
    assert after(objective, 140, drift=0.1).dispersion.factor > 5


def test_harm_is_taken_back_while_the_dispersion_is_a_guess() -> None:
    state = after(replace(PLAIN, source=DispersionSource.LOOKS), 60, loss=0.4)
    assert state.assessment.harmful and not state.dispersion.is_known


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.floats(-50, 50), min_size=1, max_size=12), st.floats(1, MOST_FACTOR))
def test_a_discount_makes_no_claim_that_would_not_be_made_without_it(capital: list[float], factor: float) -> None:
    weights = weighted_grid([1.0] * len(capital), [1.0] * len(capital)).log_weights
    divided, whole = log_mixture(Discount(factor).read(capital), weights), log_mixture(capital, weights)
    assert divided <= max(whole, 0.0) / factor + 1e-9 or divided <= 1e-9


def test_the_largest_counts_by_a_stated_factor_the_latest_by_a_learned_one_and_nothing_by_a_guess() -> None:
    assert [Discount(2.0).largest(5.0, each) for each in (1.0, 7.0)] == [5.0, 7.0]
    assert [Discount(2.0, is_learned=True).largest(5.0, each) for each in (-1.0, 1.0, 7.0)] == [0.0, 1.0, 7.0]
    assert Discount(2.0, is_known=False).largest(5.0, 7.0) == 0.0


def failing(*arms: tuple[int, int], looks: int = 200) -> float:
    """The factor of failures after looks of 100 requests an arm, with these failures in turn."""
    known = start(1)
    for at in range(looks):
        baseline, candidate = (Events(100, each) for each in arms[at % len(arms)])
        known = observe_events(known, [(baseline, candidate)])
    return known.events[0].scatter.factor(UNKNOWN)


def test_bursts_that_hit_one_arm_are_found_out_and_those_of_both_are_not() -> None:
    assert failing((20, 0), (0, 0), (0, 20), (0, 0)) > 10
    assert failing((20, 20), (0, 0), (0, 0), (0, 0)) == 1.0


def test_a_candidate_that_fails_more_all_the_time_is_no_burst() -> None:
    assert failing((1, 5)) == 1.0
    assert failing((0, EVENTS_A_BLOCK)) == 1.0


def test_a_guardrail_waits_for_more_than_one_burst() -> None:
    rail = Guardrail("f", GuardrailKind.FAILURE_RATE, 1.5)
    burst = Look(0, 0, 50, Tally(completed=100), Tally(completed=88, failed=12))
    told = {
        source: engine.replay(replace(PLAIN, guardrails=(rail,), source=source), [burst]).assessment.harmful
        for source in (DispersionSource.ASSUMED, DispersionSource.LOOKS)
    }
    assert told == {DispersionSource.ASSUMED: True, DispersionSource.LOOKS: False}
