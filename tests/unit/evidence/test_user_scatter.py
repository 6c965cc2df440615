"""How much users scatter: the factor is the design effect, and the largest possible one while users are few."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import Look, Tally, UserScatter
from earlystop.evidence import engine, user_factors, user_scatter
from earlystop.evidence.discount import Discount
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.divisors import USER_FREEDOM
from earlystop.evidence.engine import Gap, Verdict
from earlystop.evidence.objective import Guardrail, GuardrailKind, Objective
from earlystop.evidence.user_factors import NOBODY_SEEN

GROUPS = 32
NOTHING = (Tally(),) * GROUPS


def group(answers: int, matches: int = 0, tokens: int = 0, failed: int = 0) -> Tally:
    return Tally(completed=answers, match=matches, mismatch=answers - matches, tokens=tokens, failed=failed)


def crowd(rng: np.random.Generator, users: int, answers: int, likeness: float) -> tuple[Tally, ...]:
    """Groups of users who each answer so often, and are right as often as a Beta law says."""
    spread = 1 / likeness - 1 if likeness else 0.0
    rates = rng.beta(0.8 * spread, 0.2 * spread, users) if spread else np.full(users, 0.8)
    matches, of_group = rng.binomial(answers, rates), rng.integers(0, GROUPS, users)
    sizes, right = (np.bincount(of_group, each, GROUPS) for each in (np.full(users, answers), matches))
    return tuple(group(int(n), int(x), tokens=100 * int(n)) for n, x in zip(sizes, right, strict=True))


def arm(groups: tuple[Tally, ...]) -> Tally:
    found = sum(groups, Tally())
    return Tally(completed=found.completed, tokens=found.tokens, tokens_squared=2 * found.tokens * 100)


def measured(baseline: tuple[Tally, ...], candidate: tuple[Tally, ...]) -> UserScatter:
    return user_scatter.measure(baseline, candidate, (arm(baseline), arm(candidate)))


@pytest.mark.parametrize(("answers", "likeness"), [(10, 0.0), (10, 0.3), (60, 0.1)])
def test_the_factor_is_the_design_effect_with_some_care(answers: int, likeness: float) -> None:
    rng, true = np.random.default_rng(7), 1 + (answers - 1) * likeness
    factors = [
        measured(crowd(rng, 1000, answers, likeness), crowd(rng, 1000, answers, likeness)).answers / 1000
        for _ in range(40)
    ]
    assert true <= float(np.mean(factors)) <= 1.25 * true


def test_users_are_seen_in_how_unequal_groups_are() -> None:
    rng = np.random.default_rng(5)
    seen = [user_scatter.effective_users(crowd(rng, 400, 50, 0.0)) for _ in range(40)]
    assert 350 < float(np.median(seen)) < 460


def test_while_users_are_few_all_answers_of_one_are_taken_as_alike() -> None:
    few = tuple(group(100 if number < 4 else 0, 80 if number < 4 else 0) for number in range(GROUPS))
    found = measured(few, few)
    assert (found.baseline, found.candidate) == (4, 4)
    # 400 answers of about 4 users tell as much as 4 answers.
    assert 85_000 <= found.answers <= 115_000


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 5)), min_size=4, max_size=40))
def test_a_factor_is_never_below_one_and_fits_into_a_row(
    rows: list[tuple[int, int, int]],
) -> None:
    groups = tuple(group(right + wrong, right, 9 * right + wrong, failed) for right, wrong, failed in rows)
    found = measured(groups, groups)
    assert all(1000 <= factor <= 1000 * user_scatter.LARGEST_FACTOR for factor in found[:4])


def test_the_order_of_groups_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    one, other = crowd(rng, 300, 20, 0.2), crowd(rng, 300, 20, 0.2)
    again = measured(one[::-1], other[::-1])
    assert again == pytest.approx(measured(one, other), abs=1)


def test_bursts_of_failures_of_single_users_raise_the_factor_of_failures_alone() -> None:
    calm = tuple(group(300, 240) for _ in range(GROUPS))
    bursts = tuple(group(300, 240, failed=30 if number % 8 == 0 else 0) for number in range(GROUPS))
    found = measured(calm, bursts)
    assert found.failures > 10_000 and found.answers == 1000


def test_unscored_answers_of_single_users_raise_the_factor_of_answers_where_they_are_judged_as_wrong() -> None:
    calm = tuple(group(300, 240) for _ in range(GROUPS))
    hard = tuple(replace(each, unscored=100 if number % 8 == 0 else 0) for number, each in enumerate(calm))
    arms = arm(calm), arm(hard)
    assert user_scatter.measure(calm, hard, arms).answers == 1000
    judged = tuple(replace(each, mismatch=each.mismatch + each.unscored, unscored=0) for each in hard)
    found = user_scatter.measure(calm, hard, arms, unscored_is_wrong=True)
    assert found == user_scatter.measure(calm, judged, arms) and found.answers > 5000


def objective(dispersion: float = 1.0, source: DispersionSource = DispersionSource.USERS) -> Objective:
    rails = (Guardrail("failures", GuardrailKind.FAILURE_RATE, 1.5),)
    return Objective(0.02, 0.0, 0.05, 0.05, guardrails=rails, split_known=False, dispersion=dispersion, source=source)


def look(number: int, users: UserScatter | None, matches: int = 1600, failed: int = 10) -> Look:
    baseline, candidate = (
        Tally(2010, 2000, failed, right, 2000 - right, 0, 200_000, 25_000_000) for right in (1600, matches)
    )
    return Look(60 * number, 0, 50, baseline, candidate, users=users)


def known(factor: float) -> UserScatter:
    return UserScatter(*(round(1000 * factor),) * 4, 500, 480)


def test_nothing_is_promoted_before_it_is_known_how_much_users_scatter() -> None:
    state = engine.replay(objective(), [look(number, UserScatter(), 1620) for number in range(40)])
    assert Gap.DISPERSION in state.assessment.gaps
    assert state.assessment.verdict is Verdict.CONTINUE and state.assessment.users is None
    after = engine.update(state, look(40, known(1.0), 1620))
    assert Gap.DISPERSION not in after.assessment.gaps and after.assessment.users == known(1.0)
    lost = engine.update(after, look(41, UserScatter(), 1620))
    assert Gap.DISPERSION in lost.assessment.gaps and lost.assessment.users == known(1.0)


def test_harm_is_acted_on_before_that() -> None:
    state = engine.replay(objective(), [look(number, UserScatter(), 1200) for number in range(5)])
    assert state.assessment.verdict is Verdict.ROLL_BACK


def test_all_evidence_so_far_is_divided_by_the_factor_as_it_is_now() -> None:
    looks = 30
    alike = engine.replay(objective(), [look(number, known(1 + number / 10)) for number in range(looks)])
    last = 1 + (looks - 1) / 10
    written = engine.replay(objective(last, DispersionSource.GIVEN), [look(number, None) for number in range(looks)])
    # A bet's stake follows the guess of rates alone, so both have the same bets; each look of one was divided alike.
    counts = Discount(freedom=USER_FREEDOM).log_e(written.assessment.log_e.promote)
    assert alike.assessment.log_e.promote == pytest.approx(counts, abs=0.05)
    assert alike.assessment.effect.low == pytest.approx(written.assessment.effect.low, abs=1e-3)


def test_the_interval_widens_and_each_claim_weakens_with_the_factor() -> None:
    some = [engine.replay(objective(), [look(n, known(f), 1620, 12) for n in range(20)]) for f in (1.0, 6.0)]
    tight, wide = (state.assessment for state in some)
    assert tight.effect.low is not None and wide.effect.low is not None and wide.effect.low < tight.effect.low
    assert 0 < wide.log_e.promote < tight.log_e.promote
    assert abs(wide.log_e.tokens) < abs(tight.log_e.tokens)
    (_, rail_wide), (_, rail_tight) = wide.log_e.others[0], tight.log_e.others[0]
    assert abs(rail_wide) < abs(rail_tight)


def test_the_larger_of_what_the_policy_says_and_of_what_users_show_counts() -> None:
    factors = [
        engine.replay(objective(given), [look(number, known(6.0)) for number in range(3)]).dispersion.factor
        for given in (1.0, 2.0, 7.5)
    ]
    assert factors == [6.0, 6.0, 7.5]


def test_a_factor_grows_as_requests_do_while_users_are_not_counted() -> None:
    seen = user_factors.observe(NOBODY_SEEN, look(0, known(2.0)))
    assert seen.is_known and seen.factors.answers == 2.0
    later = user_factors.observe(seen, look(1, UserScatter()))
    assert not later.is_known and later.factors.answers == pytest.approx(4.0)
    assert user_factors.observe(later, look(2, known(2.5))).factors.answers == 2.5


def test_counts_of_users_below_0_are_refused() -> None:
    with pytest.raises(ValueError, match="a count of users is -1"):
        engine.update(engine.begin(objective()), look(0, UserScatter(1000, 1000, 1000, 1000, -1, 5)))
