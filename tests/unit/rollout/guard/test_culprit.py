"""What a guard names at its alarm: what evidence shows has moved, and nothing where it does not tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from earlystop.evidence.objective import EXACT_MATCH, FLOOR, Claim, ClaimKind
from earlystop.rollout.guard.culprit import (
    GRACE_SECONDS,
    Changed,
    Culprit,
    Evidence,
    Finding,
    Frozen,
    culprits,
    scorer_moved,
)
from earlystop.rollout.guard.culprit_words import culprit_sentence
from earlystop.rollout.guard.spans import LARGEST, MOST_OF_A_SIZE, Rates, Spans, total, with_rates
from tests.unit.rollout.policies import NOW, examples

AGREES = Frozen(2400, 0, 200, 0)
BROKEN = Frozen(2400, 0, 150, 50)
FAILURES = Claim(ClaimKind.GUARDRAIL, "failures")


def rates(baseline: float, candidate: float, size: int = 2000) -> Rates:
    """A tenth of the requests are the baseline's."""
    return Rates(size, round(size * baseline), 9 * size, round(9 * size * candidate))


def evidence(baseline: float, candidate: float, frozen: Frozen | None = AGREES) -> Evidence:
    """Exact Match went from .8 of both variants to these."""
    return Evidence(
        claims=(EXACT_MATCH,),
        earliest=NOW,
        onset=NOW + 60,
        latest=NOW + 120,
        before=rates(0.8, 0.8),
        after=rates(baseline, candidate),
        frozen=frozen,
    )


def facts(culprit: Culprit, at: int = NOW) -> tuple[Changed, ...]:
    return (Changed(culprit, at),)


SETTING_ALONE, UNDER_BOTH = evidence(0.8, 0.65), evidence(0.65, 0.5)


@pytest.mark.parametrize(
    ("shown", "named"),
    [
        (SETTING_ALONE, [Culprit.SETTING]),
        (UNDER_BOTH, [Culprit.DATA]),
        (evidence(0.9, 0.75), [Culprit.DATA]),
        (replace(UNDER_BOTH, changed=facts(Culprit.ENGINE)), [Culprit.ENGINE]),
        (replace(SETTING_ALONE, changed=facts(Culprit.ENGINE)), [Culprit.ENGINE]),
        (replace(SETTING_ALONE, frozen=BROKEN), [Culprit.SCORER]),
        (replace(UNDER_BOTH, frozen=BROKEN), [Culprit.SCORER]),
        (replace(UNDER_BOTH, frozen=BROKEN, changed=facts(Culprit.ENGINE)), [Culprit.ENGINE, Culprit.SCORER]),
        (replace(UNDER_BOTH, changed=facts(Culprit.SETTING)), [Culprit.SETTING]),
        (replace(UNDER_BOTH, on_pairs=True, questions_known=True), [Culprit.ENGINE]),
        (replace(UNDER_BOTH, on_pairs=True, questions_known=True, changed=facts(Culprit.DATA)), [Culprit.DATA]),
        (replace(evidence(0.8, 0.6), claims=(FLOOR,), below_floor=True), [Culprit.SETTING]),
        (replace(evidence(0.6, 0.6), claims=(FLOOR,), below_floor=True), [Culprit.DATA]),
    ],
)
def test_what_the_baseline_recorded_answers_and_facts_show_is_named(shown: Evidence, named: list[Culprit]) -> None:
    assert culprits(shown) == Finding(tuple(named))


@pytest.mark.parametrize(
    ("shown", "possible"),
    [
        (replace(UNDER_BOTH, frozen=None), [Culprit.DATA, Culprit.SCORER]),
        (replace(UNDER_BOTH, frozen=Frozen(2400, 0, 3, 3)), [Culprit.DATA, Culprit.SCORER]),
        (replace(UNDER_BOTH, facts_known=False), [Culprit.DATA, Culprit.ENGINE]),
        (replace(UNDER_BOTH, on_pairs=True), [Culprit.DATA, Culprit.ENGINE]),
        (replace(UNDER_BOTH, after=Rates()), [Culprit.SETTING, Culprit.DATA]),
        (replace(UNDER_BOTH, after=rates(0.75, 0.6, 30)), [Culprit.SETTING, Culprit.DATA]),
    ],
)
def test_where_evidence_does_not_tell_nothing_is_named_but_said_what_it_may_be(
    shown: Evidence, possible: list[Culprit]
) -> None:
    found = culprits(shown)
    assert found == Finding((), tuple(possible)) and found.words == ("Unknown",)
    assert culprit_sentence(found, shown).startswith("What has moved is unknown: it may be ")


@pytest.mark.parametrize("at", [NOW - GRACE_SECONDS - 1, NOW + 120 + GRACE_SECONDS + 1])
def test_a_target_that_changed_long_before_the_harm_or_after_it_is_not_named(at: int) -> None:
    assert culprits(replace(SETTING_ALONE, changed=facts(Culprit.ENGINE, at))).named == (Culprit.SETTING,)


def test_a_scorer_says_nothing_of_failures_and_is_not_named_for_them() -> None:
    shown = replace(
        evidence(0.01, 0.05, BROKEN), claims=(FAILURES,), before=rates(0.01, 0.01), bad_hits=True, scored=False
    )
    assert culprits(shown).named == (Culprit.SETTING,)
    assert "recorded answers" not in culprit_sentence(culprits(shown), shown)


def test_other_shares_of_classes_are_the_data_even_where_nobody_scores_recorded_answers() -> None:
    """The baseline answers both classes alike; the setting loses in the second, which is asked more often now."""
    easy, hard = (0.8, 0.8), (0.8, 0.5)
    before = rates(*easy, 1800), rates(*hard, 200)
    after = rates(*easy, 400), rates(*hard, 1600)
    shown = replace(
        evidence(0.8, 0.6, None),
        before=total(before),
        after=total(after),
        by_class_before=before,
        by_class_after=after,
    )
    assert culprits(shown).named == (Culprit.DATA,)
    worse = rates(*easy, 1800), rates(0.8, 0.1, 200)
    shown = replace(shown, after=total(worse), by_class_after=worse, frozen=AGREES)
    assert culprits(shown).named == (Culprit.SETTING,), "the same shares, and a class that got worse"


def _any_rates(size: int, baseline: int, other: int, candidate: int) -> Rates:
    return Rates(size, min(size, baseline), other, min(other, candidate))


ANY_RATES = some.builds(_any_rates, *[some.sampled_from([0, 0, 1, 30, 4000])] * 4)


@pytest.mark.slow
@given(
    some.tuples(ANY_RATES, ANY_RATES),
    some.lists(some.tuples(ANY_RATES, ANY_RATES), min_size=1, max_size=3),
    some.booleans(),
)
@examples
def test_any_counts_of_classes_give_a_finding_where_a_variant_had_no_answer_as_well(
    counts: tuple[Rates, Rates], of_classes: list[tuple[Rates, Rates]], floor: bool
) -> None:
    before, after = counts
    by_class = (tuple(each) for each in zip(*of_classes, strict=True))
    shown = replace(evidence(0.8, 0.6), before=before, after=after, below_floor=floor)
    first, second = by_class
    found = culprits(replace(shown, by_class_before=first, by_class_after=second))
    if not before.candidate or not after.candidate:
        assert found.named == () and Culprit.SETTING in found.possible


@pytest.mark.slow
@given(
    some.tuples(*[some.integers(0, 400)] * 8),
    some.booleans(),
    some.booleans(),
    some.none() | some.tuples(*[some.integers(0, 500)] * 4),
)
@examples
def test_any_counts_give_a_finding_and_a_sentence_and_without_an_alarm_nothing_is_named(
    counts: tuple[int, ...], bad: bool, floor: bool, frozen: tuple[int, int, int, int] | None
) -> None:
    sizes = [max(pair) for pair in zip(counts[::2], counts[1::2], strict=True)]
    hits = [min(pair) for pair in zip(counts[::2], counts[1::2], strict=True)]
    shown = Evidence(
        claims=(EXACT_MATCH,),
        earliest=NOW,
        onset=NOW,
        latest=NOW,
        before=Rates(sizes[0], hits[0], sizes[1], hits[1]),
        after=Rates(sizes[2], hits[2], sizes[3], hits[3]),
        bad_hits=bad,
        below_floor=floor,
        frozen=None if frozen is None else Frozen(*frozen),
    )
    found = culprits(shown)
    assert bool(found.named) != bool(found.possible) and len(culprit_sentence(found, shown)) < 800
    assert culprits(replace(shown, claims=())) == Finding()


def test_a_scorer_that_always_disagreed_with_a_wrong_file_has_not_moved() -> None:
    assert not scorer_moved(Frozen(1800, 600, 150, 50)) and not scorer_moved(Frozen(0, 0, 190, 10))
    assert scorer_moved(Frozen(2352, 48, 180, 20)) and scorer_moved(Frozen(0, 0, 0, 40))


@pytest.mark.parametrize("before", [(0, 0), (5, 1), (1, 2)])
def test_without_enough_recorded_answers_from_before_only_a_new_majority_names_the_scorer(
    before: tuple[int, int],
) -> None:
    assert not scorer_moved(Frozen(*before, 70, 30)) and not scorer_moved(Frozen(0, 6, 10, 30))
    minority = replace(UNDER_BOTH, frozen=Frozen(*before, 70, 30))
    found = culprits(minority)
    assert found == Finding((), (Culprit.DATA, Culprit.SCORER)), "a wrong file, or a scorer that moved: nobody knows"
    assert "30 of 100 recorded answers" in culprit_sentence(found, minority)
    assert "may always have been so" in culprit_sentence(found, minority)
    assert culprits(replace(UNDER_BOTH, frozen=Frozen(*before, 98, 2))).named == (Culprit.DATA,)
    if before != (1, 2):
        assert culprits(replace(UNDER_BOTH, frozen=Frozen(*before, 40, 60))).named == (Culprit.SCORER,)


def test_any_time_up_to_days_ago_is_remembered_in_few_spans_that_lose_no_count() -> None:
    spans: Spans = ()
    for number in range(1, 3 * LARGEST):
        spans = with_rates(spans, 60 * number, Rates(1, number % 2, 9, 0))
        if number % 7 == 0:
            assert len(spans) <= MOST_OF_A_SIZE * LARGEST.bit_length()
            assert total([each.rates for each in spans]).baseline == sum(each.looks for each in spans) == number
            assert spans[-1].looks == 1 and [each.begin for each in spans] == sorted(each.begin for each in spans)
    for number in range(3 * LARGEST, 6 * LARGEST):
        spans = with_rates(spans, 60 * number, Rates(1, 0, 9, 0))
    assert 2 * LARGEST <= sum(each.looks for each in spans) <= 4 * LARGEST
