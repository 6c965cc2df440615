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


def waiting(seen: list[Look]) -> list[bool]:
    """Whether a promotion waits after each of these looks."""
    process, waits = attrition.start(), []
    for look in seen:
        process = attrition.update(process, EXCLUDING, look)
        waits.append(bool(process.suspected))
    return waits


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_more_that_is_missing_of_the_candidate_holds_its_promotion(way: str) -> None:
    number = 400 if way == "never ended" else 60  # which is told by their age alone
    seen = engine.replay(EXCLUDING, looks(way, 0.01, 0.08, number)).assessment
    assert seen.attrition == (Silence(way.replace(" ", "_")),) and Gap.ATTRITION in seen.gaps
    assert seen.verdict is not engine.Verdict.PROMOTE


@pytest.mark.parametrize("share", [0.02, 0.05, 0.5])
def test_a_promotion_waits_for_requests_that_never_end_from_the_first_looks_on_and_long_before_an_alarm(
    share: float,
) -> None:
    seen = looks("never ended", 0.0, share, 40)
    assert all(waiting(seen)[4:])
    assert Gap.ATTRITION in engine.replay(EXCLUDING, seen[:5]).assessment.gaps


def test_a_promotion_waits_for_the_second_look_where_a_first_large_one_has_many_requests_open() -> None:
    look = Look(15, 0, 50, arm(50_000, 0, "never ended"), arm(50_000, 2000, "never ended"))
    assert engine.replay(EXCLUDING, [look]).assessment.attrition_suspected


def test_open_requests_that_come_and_go_hold_no_promotion_for_long() -> None:
    rng = np.random.default_rng(7)
    waits = np.zeros(30)
    for _ in range(20):
        level = rng.poisson(300, (31, 2))  # in flight at each look, of 2,000 requests that start in it
        more = np.diff(level, axis=0).tolist()
        arms = [[arm(2000, 0, "", late=each) for each in pair] for pair in more]
        waits += waiting([Look(15 * at, 0, 50, baseline, candidate) for at, (baseline, candidate) in enumerate(arms)])
    assert waits[4:].mean() / 20 < 0.03


def test_a_rise_of_the_load_inside_of_a_look_makes_no_promotion_wait_where_the_candidate_is_slower() -> None:
    risen = [0, 0, 400, *(0,) * 10]
    seen = [Look(15 * at, 0, 50, arm(2000, 0, ""), arm(2000, 0, "", late=each)) for at, each in enumerate(risen)]
    assert not waiting(seen)[-1]


@pytest.mark.parametrize("rise", [20, 200])
def test_a_slow_rise_of_the_load_is_waited_for_no_longer_than_twenty_looks_after_it(rise: int) -> None:
    risen = [*(rise,) * 15, *(0,) * 21]
    seen = [Look(15 * at, 0, 50, arm(2000, 0, ""), arm(2000, 0, "", late=each)) for at, each in enumerate(risen)]
    assert not waiting(seen)[-1]


@pytest.mark.parametrize("way", ["not tried", "unscored"])
def test_more_of_the_baselines_answers_without_a_score_hold_it_too(way: str) -> None:
    seen = engine.replay(EXCLUDING, looks(way, 0.08, 0.01)).assessment
    assert seen.attrition == (Silence(way.replace(" ", "_")),) and Gap.ATTRITION in seen.gaps


@pytest.mark.slow
@pytest.mark.parametrize("way", ["failed", "never ended"])
def test_a_candidate_whose_requests_fail_more_rarely_is_not_held_for_it(way: str) -> None:
    found = engine.replay(EXCLUDING, looks(way, 0.08, 0.01, 400)).assessment
    assert found.attrition == () and Gap.ATTRITION not in found.gaps


@pytest.mark.parametrize("factor", [1, 3, 10])
def test_a_rise_of_the_load_is_no_request_that_never_ends_however_long_answers_take(factor: int) -> None:
    """The baseline's answers take four looks, the candidate's two; the load rises after 100 looks."""
    size = [20 * (factor if 100 <= at < 110 else 1) for at in range(200)]

    def ended(at: int, delay: int) -> int:
        return size[at - delay] if at >= delay else 0

    def told(at: int, delay: int) -> Tally:
        done = ended(at, delay)
        return Tally(size[at], done, 0, done * 9 // 10, done - done * 9 // 10, 0, 300 * done, 90_000 * done)

    seen = [Look(15 * at, 0, 50, told(at, 4), told(at, 2)) for at in range(200)]
    assert differing(EXCLUDING, seen) == ()


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


@pytest.mark.parametrize("way", WAYS)
def test_what_live_requests_miss_says_nothing_of_pairs(way: str) -> None:
    assert differing(replace(OBJECTIVE, basis=Basis.PAIRS), looks(way, 0.0, 0.3)) == ()


def test_before_any_look_nothing_speaks_for_a_difference() -> None:
    assert attrition.start().log_e == pytest.approx(0.0)
    assert attrition.start().log_e_max == pytest.approx(0.0)
