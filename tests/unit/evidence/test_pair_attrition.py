"""Pairs that lack one variant's answer: what they hold, what they prove, and what is not known of them."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest

from earlystop.api.counts import Look, PairAnswers, Pairs, Tally
from earlystop.evidence import engine, pair_attrition, sample_ratio
from earlystop.evidence.discount import UNDIVIDED
from earlystop.evidence.engine import Gap, Verdict
from earlystop.evidence.gaps import UNSOUND
from earlystop.evidence.missing_answers import as_judged
from earlystop.evidence.objective import Basis, Objective, Unscored
from earlystop.evidence.pair_attrition import OneSided
from earlystop.evidence.version import FIFTH
from tests.bench.street_pairs import PAIRED, Missing, campaigns, look_of

EXCLUDING = replace(PAIRED, unscored=Unscored.EXCLUDE)
BOTH_WAYS = (OneSided.MISSING, OneSided.BESIDE_RIGHT)


def look(pairs: Pairs, answers: PairAnswers = PairAnswers(), at: int = 0) -> Look:  # noqa: B008 - immutable
    counts = {f"pairs_{name}": count for name, count in (*pairs._asdict().items(), *answers._asdict().items())}
    return Look(15 * at, 0, 50, Tally(), Tally(**counts))


def looks(missing: Missing, loss: float, number: int = 40, seed: int = 3) -> list[Look]:
    rng = np.random.default_rng(seed)
    return [look_of(rng, at, loss, missing) for at in range(number)]


@pytest.mark.parametrize(("baseline", "loss"), [(0.3, 0.1), (0.1, 0.05)])
def test_a_baseline_whose_answers_are_missing_promotes_no_candidate_that_loses_of_the_others(
    baseline: float, loss: float
) -> None:
    seen = looks(Missing(baseline=baseline), loss)
    found, before = engine.replay(PAIRED, seen), engine.replay(replace(PAIRED, engine=FIFTH), seen)
    assert found.assessment.attrition == BOTH_WAYS and found.assessment.verdict is Verdict.CONTINUE
    assert found.assessment.gaps == (Gap.ATTRITION, Gap.WHOLE_PAIRS), "all else is proven"
    assert before.assessment.verdict is Verdict.PROMOTE, "as the version before had it"


@pytest.mark.slow
@pytest.mark.parametrize(("baseline", "loss"), [(0.3, 0.1), (0.05, 0.03), (0.03, 0.03)])
def test_over_campaigns_hardly_any_such_candidate_is_promoted(baseline: float, loss: float) -> None:
    found = campaigns(PAIRED, Missing(baseline=baseline), loss, 20, 11)
    # The risk is 5 % a campaign: more than three of 20 have a probability of 2 %.
    assert found.promoted <= 3 / 20 and found.rolled_back == 0


@pytest.mark.slow
@pytest.mark.parametrize("objective", [PAIRED, EXCLUDING], ids=["wrong", "left out"])
def test_as_many_failures_on_both_sides_hold_no_promotion(objective: Objective) -> None:
    found = campaigns(objective, Missing(0.05, 0.05), 0.0, 10, 7)
    # The risk of an alarm is 0.1 % a campaign and of a doubt 5 %, so more than two of ten have a probability of 1 %.
    assert found.promoted == 1.0 and found.held <= 2 / 10


def test_a_candidate_that_fails_more_is_held_by_the_wrong_answers_that_its_failures_are() -> None:
    found = engine.replay(PAIRED, looks(Missing(candidate=0.1), 0.0)).assessment
    assert found.attrition == () and found.verdict is Verdict.ROLL_BACK


def test_where_such_pairs_are_left_out_more_failures_of_the_candidate_hold_its_promotion() -> None:
    found = engine.replay(EXCLUDING, looks(Missing(candidate=0.1), 0.0)).assessment
    assert found.attrition == BOTH_WAYS and found.gaps == (Gap.ATTRITION,)


@pytest.mark.slow
@pytest.mark.parametrize("objective", [PAIRED, EXCLUDING], ids=["wrong", "left out"])
def test_equal_numbers_hide_no_wrong_answers_that_the_candidate_alone_lacks(objective: Objective) -> None:
    """Of the baseline 5 % are missing whichever they are, of the candidate as many and the wrong ones alone."""
    found = campaigns(objective, Missing(baseline=0.05, hidden=0.33), 0.04, 10, 5)
    assert found.promoted == 0


def test_where_they_are_left_out_right_answers_of_the_baseline_that_go_with_them_hold_a_promotion_too() -> None:
    """Both variants lack as many, the candidate those that the baseline had right."""
    seen = [look(Pairs(40, 4, 1, 5), PairAnswers(42, 1, 3, 4, 0), at) for at in range(40)]
    found = engine.replay(EXCLUDING, seen).assessment
    assert found.attrition == (OneSided.BESIDE_RIGHT,) and Gap.ATTRITION in found.gaps
    assert engine.replay(PAIRED, seen).assessment.attrition == (), "there they are wrong answers of the candidate"


def test_a_promotion_is_proven_by_the_pairs_that_lack_no_answer_as_well() -> None:
    """Nothing is shown to be missing more often, and the proof rests on what is missing all the same."""
    whole = look(Pairs(130, 0, 4, 66), PairAnswers(196, 4))
    seen = engine.replay(PAIRED, [whole])
    promote = seen.quality.paired_promote
    rest = engine.replay(PAIRED, [look(Pairs(130, 0, 0, 66), PairAnswers(196))]).quality.paired_promote
    kept = seen.pair_attrition.whole
    assert kept is not None and kept.pairs == rest.pairs == Pairs(130, 0, 0, 66)
    assert kept.log_e == pytest.approx(rest.log_e) and kept.log_e < promote.log_e
    needed = exp(-(kept.log_e + promote.log_e) / 2)
    between = engine.replay(replace(PAIRED, risk_promote=needed), [whole]).assessment
    assert between.non_inferior and Gap.WHOLE_PAIRS in between.gaps and Gap.ATTRITION not in between.gaps
    assert not UNSOUND & set(between.gaps), "more evidence may close it"
    enough = engine.replay(replace(PAIRED, risk_promote=exp(-kept.log_e_max)), [whole])
    assert not enough.pair_attrition.rests_on_missing(enough.objective.risk_promote)


def test_pairs_that_lack_no_answer_and_speak_against_what_they_proved_hold_it() -> None:
    good = [look(Pairs(43, 1, 2, 4), PairAnswers(50), at) for at in range(40)]
    bad = [look(Pairs(28, 10, 9, 3), PairAnswers(42, 8), at) for at in range(40, 50)]
    proven, turned = engine.replay(PAIRED, good), engine.replay(PAIRED, good + bad)
    whole = turned.pair_attrition.whole
    assert proven.assessment.non_inferior and not proven.assessment.rests_on_missing
    assert whole is not None and whole.log_e <= 0 < -log(PAIRED.risk_promote) <= whole.log_e_max
    assert turned.assessment.log_e.promote > 0 and turned.assessment.rests_on_missing


def test_what_nobody_counts_is_not_known_and_changes_nothing_else() -> None:
    told, untold = looks(Missing(), 0.0), looks(Missing(is_told=False), 0.0)
    known, unknown = engine.replay(PAIRED, told), engine.replay(PAIRED, untold)
    assert known.pair_attrition.unknown == 0 and unknown.pair_attrition.unknown == 50 * len(untold)
    assert known.quality.paired_promote == unknown.quality.paired_promote
    assert known.assessment.gaps == unknown.assessment.gaps == ()
    some = engine.replay(PAIRED, [look(Pairs(10, 1, 1, 1)), look(Pairs(10, 1, 1, 1), PairAnswers(12, 1))])
    assert some.pair_attrition.unknown == 13


def test_a_set_of_evaluators_of_which_one_is_old_is_compared_by_what_the_others_say() -> None:
    told, untold = (looks(Missing(baseline=0.3, is_told=is_told), 0.1) for is_told in (True, False))
    mixed = [(told if at % 2 else untold)[at] for at in range(len(told))]
    assert engine.replay(PAIRED, mixed).assessment.attrition == BOTH_WAYS


def test_more_that_lack_an_answer_than_there_are_pairs_contradict_themselves() -> None:
    found = engine.replay(PAIRED, [look(Pairs(10, 0, 0, 0), PairAnswers(11))]).assessment
    assert found.contradiction == "of 10 pairs 11 are said to be whole, or to lack an answer"
    assert Gap.COUNTS in found.gaps


@pytest.mark.parametrize("objective", [replace(PAIRED, engine=FIFTH), replace(PAIRED, basis=Basis.ANSWERS)])
def test_nothing_is_compared_before_nor_where_answers_are_read(objective: Objective) -> None:
    assert engine.replay(objective, looks(Missing(baseline=0.3), 0.1)).pair_attrition == pair_attrition.start(objective)


def test_each_check_is_the_sign_test_of_pairs_that_lack_one_answer() -> None:
    seen = [look(Pairs(40, 3, 9, 8), PairAnswers(44, 8, 4, 2, 2), at) for at in range(2)]
    process = engine.replay(PAIRED, seen).pair_attrition
    ours = sample_ratio.start(in_clumps=True)
    for counts in ((12, 4), (12, 4)):
        ours = sample_ratio.update(ours, *counts, share=50.0, unknown=1.0)
    assert process.checks[0] == ours
    assert process.answers == PairAnswers(88, 16, 8, 4, 4) and process.pairs == 120


@pytest.mark.slow
def test_the_e_values_of_what_fails_by_chance_have_an_expectation_of_at_most_one() -> None:
    rng, objective = np.random.default_rng(9), PAIRED
    values = []
    for _ in range(2000):
        process = pair_attrition.start(objective)
        lost = int(rng.binomial(20, 0.5))
        counted = look(Pairs(100, 20 - lost, lost, 0), PairAnswers(100, lost, 0, 20 - lost, 0))
        promote = engine.begin(objective).quality.paired_promote
        values.append(exp(pair_attrition.update(process, objective, counted, promote, UNDIVIDED).log_e))
    # The mean of 2,000 e-values, beside its standard error.
    assert np.mean(values) <= 1 + 3 * np.std(values) / np.sqrt(len(values))


def test_pairs_that_lack_an_answer_are_left_out_only_where_the_policy_says_so_and_once() -> None:
    counted = look(Pairs(40, 5, 9, 8), PairAnswers(45, 6, 3, 4, 4))
    judged = as_judged(EXCLUDING, counted)
    assert judged.candidate.pairs == Pairs(40, 1, 3, 1) and judged.candidate.pair_answers == PairAnswers(45)
    assert as_judged(EXCLUDING, judged) == judged
    assert as_judged(PAIRED, counted) is counted
    assert as_judged(replace(EXCLUDING, engine=FIFTH), counted) is counted


def test_before_any_look_nothing_speaks_for_a_difference() -> None:
    assert pair_attrition.start(PAIRED).log_e == pytest.approx(0.0)
    assert pair_attrition.start(PAIRED).log_e_max == pytest.approx(0.0)
    assert not pair_attrition.start(PAIRED).rests_on_missing(0.05)
