"""Answers that vanish hold a promotion, in whatever way they do; what is missing alike in both variants does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earlystop.api.counts import Look, Tally
from earlystop.evidence import attrition, engine
from earlystop.evidence.attrition import Silence
from earlystop.evidence.engine import Gap
from earlystop.evidence.objective import Basis, Objective, Unscored
from earlystop.evidence.version import FIRST

OBJECTIVE = Objective(margin=0.02, minimum_saving=0.1, risk_promote=0.05, risk_harm=0.05)
EXCLUDING = replace(OBJECTIVE, unscored=Unscored.EXCLUDE)
WAYS = ("failed", "never ended", "not tried", "unscored")


def arm(size: int, gone: int, way: str, late: int = 0) -> Tally:
    """Requests of a look of which so many are missing, and so many more or fewer ended than started in it."""
    failed, unscored = gone * (way == "failed"), gone * (way == "unscored")
    ended = size - late - (gone if way in ("failed", "never ended") else 0)
    tried = ended - (gone if way == "not tried" else 0)
    scored = tried - unscored
    match = scored * 9 // 10
    return Tally(size, ended, failed, match, scored - match, unscored, 300 * ended, 90_000 * ended)


def looks(way: str, baseline: float, candidate: float, number: int = 60, seed: int = 1) -> list[Look]:
    """Looks of 100 requests in each arm, with these fractions missing."""
    rng = np.random.default_rng(seed)
    pairs = ((int(rng.binomial(100, baseline)), int(rng.binomial(100, candidate))) for _ in range(number))
    return [Look(15 * at, 0, 50, arm(100, b, way), arm(100, c, way)) for at, (b, c) in enumerate(pairs)]


def differing(objective: Objective, seen: list[Look]) -> tuple[Silence, ...]:
    process = attrition.start()
    for look in seen:
        process = attrition.update(process, objective, look)
    return process.shown(objective.risk_attrition)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("baseline", "candidate"), [(0.01, 0.08), (0.08, 0.01)], ids=["candidate", "baseline"])
def test_more_that_is_missing_in_one_variant_is_found_in_either_direction(
    way: str, baseline: float, candidate: float
) -> None:
    seen = engine.replay(EXCLUDING, looks(way, baseline, candidate)).assessment
    assert seen.attrition == (Silence(way.replace(" ", "_")),) and Gap.ATTRITION in seen.gaps
    assert seen.verdict is not engine.Verdict.PROMOTE


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.9])
def test_equal_shares_are_hardly_ever_taken_for_different_ones(way: str, share: float) -> None:
    alarms = sum(bool(differing(EXCLUDING, looks(way, share, share, 40, seed))) for seed in range(20))
    # The risk is 0.1 % a campaign, so one alarm in twenty has a probability of 2 %.
    assert alarms <= 1


def test_a_variant_with_more_requests_in_flight_is_none_the_worse() -> None:
    slow = [arm(100, 0, "failed", late=late) for late in (60, 40, 20, 0, 10, -10, *(0,) * 50)]
    seen = [Look(15 * at, 0, 50, arm(100, 0, "failed"), each) for at, each in enumerate(slow)]
    assert differing(EXCLUDING, seen) == ()


def test_requests_that_are_open_at_the_end_of_a_step_are_not_carried_into_the_next() -> None:
    some = [Look(15 * at, at, 50, arm(100, 0, "failed"), arm(100, 0, "failed", late=90)) for at in range(20)]
    assert differing(EXCLUDING, some) == ()


def test_where_a_sample_is_scored_the_answers_left_out_are_neither_missing_nor_wrong() -> None:
    rng = np.random.default_rng(5)
    seen = []
    for at in range(60):
        sampled = [int(rng.binomial(100, 0.1)) for _ in range(2)]
        baseline, candidate = (Tally(100, 100, 0, each, 0, 0, 300 * 100, 90_000 * 100) for each in sampled)
        seen.append(Look(15 * at, 0, 50, baseline, candidate))
    found = engine.replay(OBJECTIVE, seen).assessment
    assert found.attrition == () and not found.is_mostly_unscored
    assert sum(found.scored) == sum(look.baseline.scored + look.candidate.scored for look in seen)


def test_answers_that_mostly_could_not_be_scored_hold_a_promotion_where_they_count_as_wrong() -> None:
    seen = looks("unscored", 0.6, 0.6)
    assert Gap.UNSCORED in engine.replay(OBJECTIVE, seen).assessment.gaps
    assert Gap.UNSCORED not in engine.replay(EXCLUDING, seen).assessment.gaps


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"unscored": 101}, "101 unscored answers and 100 completed"),
        ({"empty": 101}, "101 empty answers"),
        ({"cut": 101}, "101 cut-off answers"),
        ({"failed": 101}, "101 failed requests and 100 that started"),
        ({"tokens_squared": 8_999_999 - 90}, "squared tokens of the candidate"),
    ],
)
def test_counts_that_cannot_be_hold_a_promotion_and_say_what_is_wrong(counts: dict[str, int], words: str) -> None:
    whole = arm(100, 0, "failed")
    seen = engine.replay(OBJECTIVE, [Look(0, 0, 50, whole, replace(whole, **counts))]).assessment
    assert words in seen.contradiction and Gap.COUNTS in seen.gaps
    assert engine.replay(OBJECTIVE, [Look(0, 0, 50, whole, whole)]).assessment.contradiction == ""


def test_counters_without_squares_contradict_nothing() -> None:
    whole = replace(arm(100, 0, "failed"), tokens_squared=0)
    assert engine.replay(OBJECTIVE, [Look(0, 0, 50, whole, whole)]).assessment.contradiction == ""


@pytest.mark.parametrize(
    "objective", [replace(OBJECTIVE, engine=FIRST), replace(OBJECTIVE, has_own_requests=False)], ids=["old", "shadow"]
)
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_compared_by_the_first_version_nor_in_shadow(objective: Objective, way: str) -> None:
    assert engine.replay(objective, looks(way, 0.0, 0.3)).attrition == attrition.start()


def test_on_pairs_requests_are_compared_and_answers_that_no_pair_is_made_of_are_not() -> None:
    on_pairs = replace(OBJECTIVE, basis=Basis.PAIRS)
    assert differing(on_pairs, looks("unscored", 0.0, 0.3)) == ()
    assert differing(on_pairs, looks("failed", 0.0, 0.3)) == (Silence.FAILED,)


def test_before_any_look_nothing_speaks_for_a_difference() -> None:
    assert attrition.start().log_e == pytest.approx(0.0)
    assert attrition.start().log_e_max == pytest.approx(0.0)
