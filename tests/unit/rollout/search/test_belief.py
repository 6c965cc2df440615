"""What history makes likely of settings: right where it is known, humble where it is not, and never flat by fiat."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.rollout.search.belief import LOSS, PastResult, belief_of
from earlystop.rollout.search.trial import Belief, Estimate, Setting
from earlystop.rollout.stored.search_codec import belief_text, restore_belief
from tests.unit.rollout.policies import examples

RUNGS = tuple(Setting(f"window-{40 - 4 * k}", (("window", str(40 - 4 * k)),), (k / 9,)) for k in range(10))
GRID = tuple(
    Setting(f"window-{x}-agree-{y}", (("window", str(x)), ("agree", str(y))), (x / 7, y / 5))
    for x, y in product(range(8), range(6))
)
PUBLISHED = (0.0, 0.0, 0.001, 0.002, 0.005, 0.009, 0.015, 0.024, 0.04, 0.065)
U_SHAPE = (0.04, 0.03, 0.02, 0.01, 0.0, 0.0, 0.01, 0.02, 0.03, 0.04)


def result(rung: int, loss: float, error: float, saving: float = 0.2) -> PastResult:
    return PastResult(RUNGS[rung].place, Estimate(loss, error), Estimate(saving, 0.02))


def losses(belief: Belief | None) -> list[Estimate]:
    """What is believed of each setting's loss; the test says that something is."""
    assert belief is not None
    found = [each for each in belief.loss if each is not None]
    assert len(found) == len(belief.loss)
    return found


def history(
    rng: random.Random, truth: Sequence[float], tenants: int, rungs: int, between: float, error: float
) -> list[PastResult]:
    """Tenants that each tried some rungs, whose losses differ from the curve and were measured with errors."""
    found = []
    for _ in range(tenants):
        for rung in rng.sample(range(len(truth)), rungs):
            own = rng.gauss(truth[rung], between)
            found.append(result(rung, rng.gauss(own, error), error, saving=0.05 * (rung + 1)))
    return found


def test_no_history_is_no_belief() -> None:
    assert belief_of(RUNGS, []) is None
    assert belief_of(RUNGS, [PastResult((0.0,), None, None)]) is None


def test_a_history_without_savings_says_nothing_of_savings() -> None:
    belief = belief_of(RUNGS, [PastResult((0.0,), Estimate(0.01, 0.01), None)])
    assert belief is not None
    assert set(belief.saving) == {None}
    assert None not in belief.loss


def test_one_exact_result_is_believed_but_for_what_deployments_differ_by() -> None:
    found = losses(belief_of(RUNGS, [result(4, 0.013, 1e-6)]))[4]
    assert found.mean == pytest.approx(0.013)
    # The mean is that of one deployment, and the next one differs as much again.
    assert found.error == pytest.approx(sqrt(2 * LOSS.between), rel=1e-3)


def test_deployments_that_agree_leave_a_smaller_error_than_one_alone_and_such_that_differ_a_larger_one() -> None:
    alone = losses(belief_of(RUNGS, [result(4, 0.013, 0.002)]))[4].error
    alike = losses(belief_of(RUNGS, [result(4, 0.013, 0.002)] * 8))[4].error
    unlike = losses(belief_of(RUNGS, [result(4, 0.013 + 0.05 * (-1) ** k, 0.002) for k in range(8)]))[4].error
    assert alike < alone < unlike


def test_a_setting_that_was_never_tried_lies_between_its_neighbours_and_is_less_certain() -> None:
    found = losses(belief_of(RUNGS, [result(2, 0.0, 1e-4), result(6, 0.02, 1e-4)]))
    assert [found[k].mean for k in (3, 4, 5)] == pytest.approx([0.005, 0.01, 0.015], abs=1e-6)
    assert found[4].error > found[3].error > found[2].error
    assert found[4].error > found[5].error > found[6].error
    assert found[9].error > found[8].error > found[7].error > found[6].error
    assert found[0].error > found[1].error > found[2].error
    assert found[9].mean == pytest.approx(0.02)


@pytest.mark.slow
@examples
@given(st.lists(st.tuples(st.integers(0, 9), st.floats(-0.2, 0.9), st.floats(0.001, 0.3)), min_size=1, max_size=20))
def test_any_history_gives_finite_beliefs_within_the_bounds_of_a_loss(rows: list[tuple[int, float, float]]) -> None:
    for each in losses(belief_of(RUNGS, [result(*row) for row in rows])):
        assert -1 <= each.mean <= 1
        assert 0 < each.error < 10


@pytest.mark.slow
@examples
@given(st.permutations([result(k % 10, U_SHAPE[k % 10] + 0.001 * (k // 10), 0.004) for k in range(20)]))
def test_the_order_in_which_verdicts_are_read_changes_nothing(results: list[PastResult]) -> None:
    found = losses(belief_of(RUNGS, results))
    again = losses(belief_of(RUNGS, sorted(results, key=lambda each: each.place)))
    assert [each.mean for each in found] == pytest.approx([each.mean for each in again])
    assert [each.error for each in found] == pytest.approx([each.error for each in again])


@pytest.mark.parametrize("truth", [PUBLISHED, U_SHAPE], ids=["published", "u-shape"])
def test_the_next_deployment_lies_within_two_errors_about_as_often_as_they_say(
    truth: Sequence[float],
) -> None:
    rng, inside, total = random.Random(11), 0, 0
    for _ in range(60):
        found = losses(belief_of(RUNGS, history(rng, truth, 4, 4, 0.006, 0.006)))
        for value, each in zip(truth, found, strict=True):
            inside += abs(rng.gauss(value, 0.006) - each.mean) < 2 * each.error
            total += 1
    assert 0.9 * total < inside


def test_a_u_shape_stays_one_with_its_best_setting_in_the_middle() -> None:
    rng, right = random.Random(3), 0
    for _ in range(60):
        means = [each.mean for each in losses(belief_of(RUNGS, history(rng, U_SHAPE, 3, 10, 0.003, 0.004)))]
        right += means.index(min(means)) in (3, 4, 5, 6) and min(means[0], means[9]) - min(means) > 0.02
    assert right >= 57


def test_a_result_that_says_little_leans_on_precise_neighbours_and_a_precise_one_does_not() -> None:
    neighbours = [result(3, 0.01, 0.001), result(5, 0.01, 0.001)]
    vague = losses(belief_of(RUNGS, [*neighbours, result(4, 0.15, 0.1)]))[4]
    precise = losses(belief_of(RUNGS, [*neighbours, result(4, 0.15, 0.001)]))[4]
    assert vague.mean < 0.05
    assert precise.mean > 0.14


def test_settings_of_two_parameters_are_read_from_the_nearest_ones_without_an_order() -> None:
    tried = [each for number, each in enumerate(GRID) if number // 6 % 2 == 0 and number % 6 in (0, 3)]
    results = [PastResult(each.place, Estimate(abs(each.place[0] - 0.5), 0.005), None) for each in tried]
    found = losses(belief_of(GRID, results))
    wrong = [abs(each.mean - abs(setting.place[0] - 0.5)) for each, setting in zip(found, GRID, strict=True)]
    assert sum(wrong) / len(wrong) < 0.08
    assert all(distance < 2 * each.error for distance, each in zip(wrong, found, strict=True))


def test_places_of_another_number_of_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="write one place for each parameter"):
        belief_of(RUNGS, [PastResult((0.1, 0.2), Estimate(0.0, 0.01), None)])


def test_of_values_without_an_order_none_is_nearer_than_another_and_none_is_pooled() -> None:
    results = [result(0, 0.05, 0.001), result(9, 0.0, 0.001)]
    found = losses(belief_of(RUNGS, results, ordered=[False]))
    assert {(each.mean, each.error) for each in found[1:9]} == {(found[1].mean, found[1].error)}
    assert found[0].mean > 0.045
    assert found[1].error > losses(belief_of(RUNGS, results))[1].error


def test_a_belief_is_stored_and_restored_to_the_last_digit() -> None:
    belief = belief_of(RUNGS, history(random.Random(2), PUBLISHED, 5, 4, 0.01, 0.01))
    assert restore_belief(belief_text(belief), len(RUNGS)) == belief
