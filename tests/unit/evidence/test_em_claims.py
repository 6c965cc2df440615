"""Exact Match of a comparison: the mean inside query classes, each class on its own, or pairs and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.counts import ClassAnswers, Look, Pairs, Tally
from earlystop.evidence import em_claims, exact_match, pairs, strata
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.em_claims import Quality
from earlystop.evidence.exact_match import ExactMatchProcess
from earlystop.evidence.objective import Basis, ClassMargin, Objective
from earlystop.evidence.pairs import PairsProcess
from earlystop.evidence.split_look import ClassesInParts, LookInParts
from earlystop.evidence.strata import Arms, StrataProcess
from earlystop.evidence.version import FIRST
from tests.unit.evidence.simulate import examples

PLAIN = Objective(margin=0.02, minimum_saving=0.1, risk_promote=0.04, risk_harm=0.06, dispersion=1.3)
CLASSES = replace(PLAIN, classes=(ClassMargin("hard", 0.05), ClassMargin("easy", 0.01)))
EACH = replace(CLASSES, require_each=True)
PAIRED = replace(PLAIN, basis=Basis.PAIRS)

counts = st.integers(0, 250)
none = st.just(0)
rows = st.one_of(
    st.builds(ClassAnswers, counts, counts, counts, counts),
    st.builds(ClassAnswers, counts, counts, none, none),
    st.builds(ClassAnswers, none, none, counts, counts),
)


def look_of(other: ClassAnswers, *classes: ClassAnswers, at: int = 15) -> Look:
    """A look whose tallies hold the answers of all classes and of `other`, as the operator counts them."""
    match_b, miss_b, match_c, miss_c = (sum(column) for column in zip(other, *classes, strict=True))
    return Look(at, 0, 50, Tally(match=match_b, mismatch=miss_b), Tally(match=match_c, mismatch=miss_c), classes)


def arms(row: ClassAnswers) -> Arms:
    match_b, miss_b, match_c, miss_c = row
    return Arms(Answers(match_b + miss_b, match_b), Answers(match_c + miss_c, match_c))


def judged(objective: Objective, looks: list[Look]) -> Quality:
    state = em_claims.start(objective)
    for look in looks:
        state = em_claims.update(state, objective, look)
    return state


def numbered(drawn: Sequence[tuple[ClassAnswers, ...]]) -> list[Look]:
    return [look_of(*found, at=15 * place) for place, found in enumerate(drawn)]


@pytest.mark.slow
@examples
@given(st.lists(rows, min_size=1, max_size=5))
def test_without_classes_the_mean_is_bet_on_as_exact_match_is_on_its_own(drawn: list[ClassAnswers]) -> None:
    promote, harm = exact_match.start(0.02, Side.PROMOTE), exact_match.start(0.02, Side.HARM)
    for at, row in enumerate(drawn):
        look = LookInParts(*arms(row), 15 * at)
        promote = exact_match.advance(promote, look, PLAIN.risk_promote, PLAIN.dispersion)
        harm = exact_match.advance(harm, look, PLAIN.risk_harm, PLAIN.dispersion)
    found = judged(PLAIN, numbered([(row,) for row in drawn]))
    assert (found.promote, found.harm) == (promote, harm) == found.deciding(Basis.ANSWERS)
    assert found.harmed == found.certified == ()


@pytest.mark.slow
@examples
@given(st.lists(st.tuples(rows, rows, rows), min_size=1, max_size=4))
def test_the_mean_over_classes_is_bet_on_with_all_answers_that_no_class_names_as_one_class(
    drawn: list[tuple[ClassAnswers, ...]],
) -> None:
    expected, risks = {side: strata.start(0.02, side) for side in Side}, {Side.PROMOTE: 0.04, Side.HARM: 0.03}
    for at, (other, hard, easy) in enumerate(drawn):
        classes = {"hard": arms(hard), "easy": arms(easy), em_claims.OTHER: arms(other)}
        if not strata.usable(classes):
            continue
        look = ClassesInParts(classes, 15 * at)
        expected = {
            side: strata.advance(process, look, risks[side], PLAIN.dispersion, 50) for side, process in expected.items()
        }
    found = judged(CLASSES, numbered(drawn))
    assert found.promote == expected[Side.PROMOTE] and found.harm == expected[Side.HARM]


@pytest.mark.slow
@examples
@given(st.lists(st.tuples(rows, rows, rows), min_size=1, max_size=4))
def test_each_class_is_judged_on_its_own_answers_margin_and_share_of_the_risk(
    drawn: list[tuple[ClassAnswers, ...]],
) -> None:
    looks = numbered(drawn)
    used = [look for look in looks if em_claims.usable(EACH, look)]
    found = judged(EACH, looks)
    for place, each in enumerate(EACH.classes):
        harmed, certified = exact_match.start(each.margin, Side.HARM), exact_match.start(each.margin, Side.PROMOTE)
        for look in used:
            parts = LookInParts(*arms(look.classes[place]), look.at)
            harmed = exact_match.advance(harmed, parts, 0.06 / 2 / 2, PLAIN.dispersion)
            certified = exact_match.advance(certified, parts, 0.04, PLAIN.dispersion)
        assert found.harmed[place] == harmed and found.certified[place] == certified


@pytest.mark.slow
@examples
@given(st.lists(rows, min_size=1, max_size=4))
def test_in_version_1_a_single_class_of_all_answers_gives_the_floats_of_whole_looks_of_exact_match(
    drawn: list[ClassAnswers],
) -> None:
    alone = {side: exact_match.start(0.02, side) for side in Side}
    for row in drawn:
        alone = {side: exact_match.update(process, *arms(row), PLAIN.dispersion) for side, process in alone.items()}
    nothing = ClassAnswers()
    one_class = replace(PLAIN, classes=(ClassMargin("named", 0.02),), engine=FIRST)
    for looks in ([(nothing, row) for row in drawn], [(row, nothing) for row in drawn]):
        found = judged(one_class, numbered(looks))
        for process, side in ((found.promote, Side.PROMOTE), (found.harm, Side.HARM)):
            assert isinstance(process, StrataProcess)
            assert process.log_capital == alone[side].log_capital
            assert (process.log_e, process.log_e_max) == (alone[side].log_e, alone[side].log_e_max)


def test_a_class_is_certified_only_where_each_must_be_proven() -> None:
    look = look_of(ClassAnswers(50, 9, 50, 9), ClassAnswers(30, 9, 30, 9), ClassAnswers(40, 1, 40, 1))
    plain, each = judged(CLASSES, [look]), judged(EACH, [look])
    assert plain.certified == () and len(each.certified) == 2
    assert replace(each, certified=()) == plain
    names = [str(claim) for claim, _ in em_claims.class_processes(each, EACH)]
    assert names == ["class/hard", "class/easy", "certificate/hard", "certificate/easy"]
    assert [process for _, process in em_claims.class_processes(each, EACH)] == [*each.harmed, *each.certified]
    assert [str(claim) for claim, _ in em_claims.class_processes(plain, CLASSES)] == names[:2]


def old(process: ExactMatchProcess, log_e: float) -> ExactMatchProcess:
    """As if it had seen thousands of answers and stood at `log_e` now."""
    return replace(process, pseudo_match=4000.0, pseudo_scored=5000.0, log_e=log_e, log_e_max=log_e)


@pytest.mark.parametrize("past", [-0.01, 0.01])
def test_each_claim_is_near_its_line_by_its_own_share_of_the_risk(past: float) -> None:
    """Just before `NEAR` of the line a look is taken whole, from there on in parts."""
    near_promote, near_harm, near_class = (-log(risk) - exact_match.NEAR + past for risk in (0.04, 0.03, 0.015))
    look = look_of(ClassAnswers(80, 20, 80, 20), ClassAnswers(80, 20, 70, 30), ClassAnswers(80, 20, 80, 20))

    def in_parts(objective: Objective, process: ExactMatchProcess, arms: Arms, now: ExactMatchProcess) -> bool:
        whole = exact_match.update(process, *arms, objective.dispersion)
        dealt = process
        for part in LookInParts(*arms, look.at).parts:
            dealt = exact_match.update(dealt, *part, objective.dispersion)
        assert whole != dealt and now in (whole, dealt)
        return now == dealt

    begun = em_claims.start(EACH)
    before = replace(
        begun,
        harmed=tuple(old(process, near_class) for process in begun.harmed),
        certified=tuple(old(process, near_promote) for process in begun.certified),
    )
    after = em_claims.update(before, EACH, look)
    for place, row in enumerate(look.classes):
        assert in_parts(EACH, before.harmed[place], arms(row), after.harmed[place]) is (past > 0)
        assert in_parts(EACH, before.certified[place], arms(row), after.certified[place]) is (past > 0)

    floored = replace(PLAIN, floor=0.5)  # so that Exact Match has half of the risk of harm
    first = em_claims.start(floored)
    assert isinstance(first.promote, ExactMatchProcess) and isinstance(first.harm, ExactMatchProcess)
    promote, harm = old(first.promote, near_promote), old(first.harm, near_harm)
    mean = em_claims.update(replace(first, promote=promote, harm=harm), floored, replace(look, classes=()))
    answers = Arms(
        Answers(look.baseline.scored, look.baseline.match), Answers(look.candidate.scored, look.candidate.match)
    )
    for process, now in ((promote, mean.promote), (harm, mean.harm)):
        assert isinstance(now, ExactMatchProcess)
        assert in_parts(floored, process, answers, now) is (past > 0)


def test_a_class_that_breaks_is_seen_in_its_own_process_and_in_no_other() -> None:
    good, broken = ClassAnswers(80, 20, 80, 20), ClassAnswers(15, 5, 5, 15)
    found = judged(CLASSES, numbered([(good, broken, good)] * 6))
    hard, easy = found.harmed
    assert hard.log_e_max > 5 and easy.log_e_max < 1
    assert (hard.margin, easy.margin) == (0.05, 0.01)


SOME, NONE = ClassAnswers(5, 5, 5, 5), ClassAnswers()
ONLY_BASELINE, ONLY_CANDIDATE = ClassAnswers(4, 4, 0, 0), ClassAnswers(0, 0, 4, 4)


@pytest.mark.parametrize(
    ("other", "hard", "easy", "expected"),
    [
        (SOME, SOME, SOME, True),
        (SOME, NONE, NONE, True),
        (NONE, SOME, NONE, True),
        (SOME, ONLY_BASELINE, NONE, True),
        (ONLY_BASELINE, NONE, SOME, True),
        (ONLY_BASELINE, ONLY_BASELINE, NONE, False),
        (NONE, NONE, NONE, False),
        (SOME, ONLY_CANDIDATE, SOME, False),
        (ONLY_CANDIDATE, SOME, SOME, False),
        (ONLY_CANDIDATE, ONLY_BASELINE, NONE, False),
    ],
)
def test_a_look_can_be_bet_on_when_every_class_of_the_candidate_has_answers_of_the_baseline_beside_it(
    other: ClassAnswers, hard: ClassAnswers, easy: ClassAnswers, expected: bool
) -> None:
    look = look_of(other, hard, easy)
    assert em_claims.usable(EACH, look) is expected
    before = judged(EACH, [look_of(SOME, SOME, SOME)])
    assert (em_claims.update(before, EACH, look) != before) is expected


@pytest.mark.parametrize(
    ("row", "expected"), [(SOME, True), (ONLY_BASELINE, False), (ONLY_CANDIDATE, False), (NONE, False)]
)
def test_without_classes_a_look_can_be_bet_on_when_both_arms_have_answers(row: ClassAnswers, expected: bool) -> None:
    assert em_claims.usable(PLAIN, look_of(row)) is expected
    before = judged(PLAIN, [look_of(SOME)])
    assert (em_claims.update(before, PLAIN, look_of(row)) != before) is expected


@pytest.mark.slow
@examples
@given(st.tuples(rows, rows, rows), st.lists(st.integers(0, 250), min_size=6, max_size=6))
def test_whether_a_look_can_be_bet_on_depends_on_numbers_of_answers_and_never_on_matches(
    drawn: tuple[ClassAnswers, ...], moved: list[int]
) -> None:
    changed = []
    for place, (match_b, miss_b, match_c, miss_c) in enumerate(drawn):
        b, c = min(moved[2 * place], match_b), min(moved[2 * place + 1], match_c)
        changed.append(ClassAnswers(match_b - b, miss_b + b, match_c - c, miss_c + c))
    assert em_claims.usable(CLASSES, look_of(*drawn)) is em_claims.usable(CLASSES, look_of(*changed))


@pytest.mark.parametrize(
    "hard",
    [ClassAnswers(41, 0, 0, 0), ClassAnswers(0, 11, 0, 0), ClassAnswers(0, 0, 31, 0), ClassAnswers(0, 0, 0, 21)],
)
def test_a_class_with_more_answers_than_all_classes_together_is_refused(hard: ClassAnswers) -> None:
    look = replace(look_of(ClassAnswers(40, 10, 30, 20), NONE, NONE), classes=(hard, NONE))
    for refused in (
        lambda: em_claims.usable(CLASSES, look),
        lambda: em_claims.update(em_claims.start(CLASSES), CLASSES, look),
    ):
        with pytest.raises(ValueError, match="query class"):
            refused()


@pytest.mark.parametrize("easy", [ClassAnswers(-1, 3, 1, 1), ClassAnswers(1, 1, 3, -1)])
def test_a_negative_count_of_a_class_is_refused_and_the_class_is_named(easy: ClassAnswers) -> None:
    look = replace(look_of(ClassAnswers(40, 10, 30, 20), NONE, NONE), classes=(NONE, easy))
    with pytest.raises(ValueError, match="query class 'easy': "):
        em_claims.update(em_claims.start(CLASSES), CLASSES, look)


def test_the_bets_on_a_class_and_on_the_mean_over_classes_are_dealt_and_in_version_1_that_on_the_mean_was_not() -> None:
    look = look_of(ClassAnswers(80, 20, 80, 20), ClassAnswers(80, 20, 80, 20), ClassAnswers(80, 20, 80, 20))
    for objective in (CLASSES, replace(CLASSES, engine=FIRST)):
        one, other = judged(objective, [look]), judged(objective, [replace(look, at=30)])
        is_whole = objective.engine == FIRST
        assert (one.promote == other.promote) is (one.harm == other.harm) is is_whole
        assert one.harmed != other.harmed


# Pairs


def paired(new: Pairs, at: int = 15, answers: ClassAnswers = NONE) -> Look:
    look = look_of(answers, at=at)
    return replace(look, candidate=replace(look.candidate, **{f"pairs_{k}": v for k, v in new._asdict().items()}))


pair_looks = st.lists(st.builds(Pairs, *[st.integers(0, 300)] * 4), min_size=1, max_size=5)


@pytest.mark.slow
@examples
@given(pair_looks)
def test_on_pairs_the_evidence_is_that_of_all_pairs_together_however_they_were_dealt(drawn: list[Pairs]) -> None:
    found = judged(PAIRED, [paired(new, 15 * at) for at, new in enumerate(drawn)])
    everything = Pairs(*(sum(column) for column in zip(*drawn, strict=True)))
    for process, side in zip(found.deciding(Basis.PAIRS), (Side.PROMOTE, Side.HARM), strict=True):
        assert isinstance(process, PairsProcess) and process.pairs == everything and process.side is side
        assert process.log_e == pairs.log_e(everything, 0.02, side, dispersion=PAIRED.dispersion)


def test_on_pairs_evidence_that_peaks_inside_a_look_counts() -> None:
    new, peaked = Pairs(160, 16, 8, 16), 0
    for seed in range(30):
        found = judged(PAIRED, [paired(new, seed)]).paired_harm
        inside, dealt = [0.0], Pairs()
        for part in pairs.deal(new, seed):
            dealt = dealt.plus(part)
            inside.append(pairs.log_e(dealt, 0.02, Side.HARM, dispersion=PAIRED.dispersion))
        assert (found.log_e, found.log_e_max) == (inside[-1], max(inside))
        peaked += max(inside) > max(inside[0], inside[-1])
    assert peaked > 0


@pytest.mark.slow
@examples
@given(pair_looks, rows)
def test_on_pairs_answers_are_never_bet_on(drawn: list[Pairs], answers: ClassAnswers) -> None:
    alone = judged(PAIRED, [paired(new) for new in drawn])
    assert judged(PAIRED, [paired(new, answers=answers) for new in drawn]) == alone
    begun = em_claims.start(PAIRED)
    assert (alone.promote, alone.harm) == (begun.promote, begun.harm)


@pytest.mark.slow
@examples
@given(pair_looks, rows)
def test_on_answers_pairs_are_never_bet_on(drawn: list[Pairs], answers: ClassAnswers) -> None:
    found = judged(PLAIN, [paired(new, answers=answers) for new in drawn])
    assert found == judged(PLAIN, [look_of(answers) for _ in drawn])
    begun = em_claims.start(PLAIN)
    assert (found.paired_promote, found.paired_harm) == (begun.paired_promote, begun.paired_harm)


def test_on_pairs_a_look_can_be_bet_on_when_there_is_one() -> None:
    assert em_claims.usable(PAIRED, paired(Pairs(0, 0, 0, 1)))
    assert not em_claims.usable(PAIRED, paired(Pairs(), answers=SOME))
    begun = em_claims.start(PAIRED)
    assert em_claims.update(begun, PAIRED, paired(Pairs(), answers=SOME)).paired_harm.log_e_max == 0


def test_what_decides_before_any_look_is_certain_of_nothing() -> None:
    for objective in (PLAIN, EACH, PAIRED):
        begun = em_claims.start(objective)
        processes = [*begun.deciding(objective.basis), *begun.harmed, *begun.certified]
        assert all(process.log_e == process.log_e_max == 0 for process in processes)
    assert all(isinstance(process, ExactMatchProcess) for process in em_claims.start(PLAIN).deciding(Basis.ANSWERS))
