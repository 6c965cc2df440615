"""Answers of query classes: compared inside their class, carried over until they can be, and each used once."""

from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.rollout.increments import CONCLUSIVE_REQUESTS
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.state import Phase, Totals, Verdict
from tests.unit.rollout.claims import (
    CLASSES,
    TWO_STEPS,
    UNDECIDED,
    arms,
    begun,
    in_classes,
    judging,
    observed,
    restarted,
)
from tests.unit.rollout.policies import examples
from tests.unit.rollout.traffic import answers, look, minus, nothing, observe, plus

SPEC = judging({**UNDECIDED, "queryClasses": [{"name": name, "margin": "0.9"} for name in CLASSES]})
EMPTY = (Tally(), Tally())
BOTH = arms(3)
CANDIDATE_ONLY = (Tally(), answers(3, mean_tokens=300))
BASELINE_ONLY = (answers(3), Tally())
ALONE = (Tally(), answers(1, mean_tokens=300))
HARMED = (answers(200), answers(200, 0.4))
NOTHING = nothing(2)
MORE_THAN_A_FEW = 10
"""Answers of the candidate alone, beside 40 others: more than a tenth of the margin of 0.9 among them all."""

few = st.builds(
    Tally,
    started=st.sampled_from((0, 1, 40)),
    completed=st.integers(0, 9),
    failed=st.integers(0, 2),
    match=st.sampled_from((0, 0, 1, 3)),
    mismatch=st.sampled_from((0, 0, 2)),
    unscored=st.integers(0, 2),
    tokens=st.integers(0, 900),
    feedback_up=st.integers(0, 1),
    feedback_down=st.integers(0, 1),
)
served = st.builds(in_classes, *[st.tuples(few, few)] * 3)


def as_totals(seen: Look) -> Totals:
    return Totals(seen.baseline, seen.candidate, seen.classes)


def can_be_compared(totals: Totals) -> bool:
    """In every class, also the one of all others, the candidate's answers have some of the baseline beside them."""
    named = [
        (one.baseline_match + one.baseline_mismatch, one.candidate_match + one.candidate_mismatch)
        for one in totals.classes
    ]
    rest = (totals.baseline.tried - sum(b for b, _ in named), totals.candidate.tried - sum(c for _, c in named))
    everywhere = all(baseline > 0 or candidate == 0 for baseline, candidate in (*named, rest))
    return everywhere and totals.candidate.tried > 0 and totals.baseline.tried > 0


def only_answers(totals: Totals) -> bool:
    return all(
        tally == Tally(match=tally.match, mismatch=tally.mismatch, unscored=tally.unscored)
        for tally in (totals.baseline, totals.candidate)
    )


@pytest.mark.slow
@examples
@given(st.lists(served, min_size=1, max_size=8))
def test_no_answer_of_a_query_class_is_lost_or_counted_twice_whatever_comes_in_which_order(
    all_served: list[Totals],
) -> None:
    state, server = begun(SPEC)
    waiting = NOTHING
    for more in all_served:
        server.serve(state, more)
        waiting = plus(waiting, more)
        before, state = len(state.looks), restarted(SPEC, look(SPEC, state, server, in_flight=(0, 0)))
        used = as_totals(state.looks[-1]) if len(state.looks) > before else NOTHING
        if can_be_compared(waiting):
            assert used == waiting
        elif used.candidate.tried:
            left, all_tried = minus(waiting, used), server.totals(state).candidate.tried
            assert can_be_compared(used) and only_answers(left)
            assert 0 < left.candidate.tried <= 0.1 * 0.9 * all_tried
            assert left.baseline.tried == 0 and not any(each.baseline_match for each in left.classes)
        else:
            assert used.baseline.tried == used.candidate.tried == 0 and used.classes == NOTHING.classes
            assert used == NOTHING or only_answers(minus(waiting, used))
        waiting = minus(waiting, used)
        assert reduce(plus, map(as_totals, state.looks), waiting) == server.totals(state)
    server.serve(state, in_classes(BOTH, BOTH, BOTH))
    state = look(SPEC, state, server, in_flight=(0, 0))
    assert state.phase == Phase.OBSERVING
    assert reduce(plus, map(as_totals, state.looks), NOTHING) == server.totals(state)


@pytest.mark.parametrize(
    "parts",
    [(CANDIDATE_ONLY, BOTH, BOTH), (BOTH, CANDIDATE_ONLY, BOTH), (BOTH, BOTH, CANDIDATE_ONLY), (EMPTY, EMPTY, EMPTY)],
    ids=["easy", "hard", "all others", "no answers at all"],
)
def test_a_look_waits_while_some_class_has_answers_of_the_candidate_only(
    parts: tuple[tuple[Tally, Tally], ...],
) -> None:
    assert observed(SPEC, in_classes(*parts)).looks == ()


@pytest.mark.parametrize("alone", [EMPTY, BASELINE_ONLY], ids=["nothing", "the baseline's only"])
def test_a_class_without_answers_of_the_candidate_keeps_no_look_waiting(alone: tuple[Tally, Tally]) -> None:
    (seen,) = observed(SPEC, in_classes(alone, BOTH)).looks
    assert as_totals(seen) == in_classes(alone, BOTH)


def test_what_waited_is_evidence_together_with_what_it_waited_for() -> None:
    first, second = in_classes(CANDIDATE_ONLY, BOTH), in_classes(BASELINE_ONLY, BOTH)
    (seen,) = observed(SPEC, first, second).looks
    assert as_totals(seen) == plus(first, second)


def test_requests_still_count_when_they_are_so_many_that_they_tell_while_answers_wait() -> None:
    many = CONCLUSIVE_REQUESTS * 2
    waiting = in_classes((answers(many), answers(many)), (Tally(), answers(MORE_THAN_A_FEW)))
    state, server = begun(SPEC)
    state = observe(SPEC, state, server, waiting)
    (seen,) = state.looks
    assert (seen.baseline.started, seen.candidate.started) == (many, many + MORE_THAN_A_FEW)
    assert (seen.baseline.tokens, seen.candidate.completed) == (many * 600, many + MORE_THAN_A_FEW)
    assert seen.baseline.scored == seen.candidate.scored == 0 and seen.classes == (ClassAnswers(), ClassAnswers())
    later = observe(SPEC, restarted(SPEC, state), server, in_classes(EMPTY, BASELINE_ONLY)).looks[-1]
    assert (later.baseline.started, later.candidate.started) == (3, 0)
    assert (later.baseline.scored, later.candidate.scored) == (many + 3, many + MORE_THAN_A_FEW)
    assert later.classes == plus(waiting, in_classes(EMPTY, BASELINE_ONLY)).classes


def test_a_class_that_waits_for_ever_does_not_keep_a_broken_split_from_being_seen() -> None:
    skewed = in_classes((answers(400), answers(20)), CANDIDATE_ONLY)
    state = observed(SPEC, *[skewed] * 5)
    assert len(state.looks) == 5 and sum(seen.baseline.started for seen in state.looks) == 2000
    assert sum(seen.baseline.scored for seen in state.looks) == 0


def test_an_operator_that_restarts_between_any_two_looks_finds_the_same_looks_and_marks() -> None:
    many = in_classes((answers(60), answers(60)), CANDIDATE_ONLY)
    turns = [
        in_classes(CANDIDATE_ONLY, BOTH),
        many,
        in_classes(BOTH, BOTH),
        many,
        in_classes(EMPTY, BASELINE_ONLY, BOTH),
    ]
    steady, server = begun(SPEC)
    shaken, twin = begun(SPEC)
    for turn in turns:
        steady = observe(SPEC, steady, server, turn)
        shaken = restarted(SPEC, observe(SPEC, restarted(SPEC, shaken), twin, turn))
        assert shaken == steady
    assert len(steady.looks) == 4


def test_a_step_that_starts_afresh_takes_no_answers_of_before_along() -> None:
    spec = judging(
        {"exactMatch": {"margin": "0.05"}, "queryClasses": [{"name": name, "margin": "0.1"} for name in CLASSES]},
        TWO_STEPS,
    )
    state, server = begun(spec)
    state = observe(spec, state, server, in_classes(arms(150), arms(150)))
    assert (state.step, state.phase, state.comparisons[0].mark) == (1, Phase.APPLYING, Totals())
    state = observe(spec, restarted(spec, state), server, in_classes(BOTH, BOTH))
    assert as_totals(state.looks[-1]) == in_classes(BOTH, BOTH) and state.looks[-1].step == 1


def test_a_look_read_again_at_the_same_counts_adds_nothing() -> None:
    state, server = begun(SPEC)
    state = observe(SPEC, state, server, in_classes(BOTH, BOTH))
    at = next_look(LiveTimes.of(SPEC), state)
    assert at is not None
    assert take_look(LiveTimes.of(SPEC), state, at, server.totals(state)).looks == state.looks


@pytest.mark.slow
@pytest.mark.parametrize("answered", ["easy", "hard", "others"])
def test_a_question_of_a_class_that_is_never_asked_again_keeps_no_harm_from_being_seen(answered: str) -> None:
    one = {"easy": (ALONE, EMPTY, EMPTY), "hard": (EMPTY, ALONE, EMPTY), "others": (EMPTY, EMPTY, ALONE)}
    usual = {"easy": (EMPTY, HARMED), "hard": (HARMED, EMPTY), "others": (HARMED, EMPTY)}
    spec = judging({"queryClasses": [{"name": name, "margin": "0.1"} for name in CLASSES]})
    state = observed(spec, in_classes(*one[answered]), *[in_classes(*usual[answered])] * 20)
    assert state.decision is not None and state.decision.verdict is Verdict.ROLL_BACK
    assert sum(seen.candidate.scored for seen in state.looks) == HARMED[1].scored * len(state.looks)
