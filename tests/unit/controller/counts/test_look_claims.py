"""Query classes, votes and pairs on their way from a reading to a look."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.counts import ClassAnswers, Pairs, Tally, Variant
from earlystop.controller.counts.look import state_after_reading
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.metrics.convention.ledger import Ledger, SeriesKey
from earlystop.metrics.convention.reading import Reading
from earlystop.rollout.transitions import weights_in_force
from tests.unit.controller.tracked_policies import tracked
from tests.unit.rollout.claims import PAIRED, UNDECIDED
from tests.unit.rollout.policies import NOW, examples, policy, started
from tests.unit.rollout.traffic import answers

B, C = Variant.BASELINE, Variant.CANDIDATE
Rows = dict[SeriesKey, Tally]


def watching(*classes: str) -> TrackedPolicy:
    """A session whose policy names these query classes, its snapshot taken at NOW + 30 with nothing counted."""
    named = [{"name": name, "margin": "0.9"} for name in classes]
    changes = {"objective": {**UNDECIDED, **({"queryClasses": named} if named else {})}}
    found = tracked(weights_in_force(started(policy(changes)), NOW), changes=changes)
    return see(found, NOW + 30, {SeriesKey(0, B, "", "p"): Tally()})


def see(found: TrackedPolicy, at: int, rows: Rows) -> TrackedPolicy:
    found.state, found.ledger = state_after_reading(found, Reading(at, rows, at, 0), at)
    return found


def key(variant: Variant, query_class: str, process: str = "p", step: int = 0) -> SeriesKey:
    return SeriesKey(step, variant, query_class, process)


SERVED: Rows = {
    key(B, "easy"): answers(10),
    key(C, "easy"): answers(20, 0.5),
    key(B, "hard"): answers(30, 0.6),
    key(C, "hard"): answers(40, 0.25),
    key(B, "default"): answers(100),
    key(C, "default"): answers(100),
}
EASY, HARD = ClassAnswers(8, 2, 10, 10), ClassAnswers(18, 12, 10, 30)


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ((), ()),
        (("easy",), (EASY,)),
        (("easy", "hard"), (EASY, HARD)),
        (("hard", "easy"), (HARD, EASY)),
        (("unheard-of", "hard"), (ClassAnswers(), HARD)),
    ],
)
def test_query_classes_come_in_the_order_of_the_policy_and_others_are_in_the_totals_only(
    names: tuple[str, ...], classes: tuple[ClassAnswers, ...]
) -> None:
    (look,) = see(watching(*names), NOW + 45, SERVED).state.looks
    assert look.classes == classes
    assert (look.baseline.scored, look.candidate.scored) == (140, 160)


def test_the_classes_of_a_look_are_what_was_added_since_the_look_before() -> None:
    found = see(watching("easy", "hard"), NOW + 45, SERVED)
    more = {**SERVED, key(C, "hard"): answers(44, 0.25), key(B, "hard"): answers(35, 0.6)}
    last = see(found, NOW + 60, more).state.looks[-1]
    assert last.classes == (ClassAnswers(), ClassAnswers(3, 2, 1, 3))
    assert (last.baseline.scored, last.candidate.scored) == (5, 4)


def test_an_answer_that_could_not_be_scored_is_a_wrong_one_of_the_class_that_it_was_asked_in() -> None:
    hard = replace(answers(40, 0.25), mismatch=20, unscored=10)
    (look,) = see(watching("easy", "hard"), NOW + 45, {**SERVED, key(C, "hard"): hard}).state.looks
    assert look.classes == (EASY, HARD)
    assert (look.candidate.scored, look.candidate.unscored) == (150, 10)


def test_the_classes_of_all_processes_add_up_and_those_of_other_steps_do_not() -> None:
    rows = {
        **SERVED,
        key(B, "easy", "q"): answers(5),
        key(C, "easy", "q"): answers(5),
        key(B, "easy", step=1): answers(99),
    }
    (look,) = see(watching("easy"), NOW + 45, rows).state.looks
    assert look.classes == (ClassAnswers(12, 3, 14, 11),)


def test_votes_and_pairs_of_any_class_come_into_the_look() -> None:
    changes = {"objective": PAIRED}
    found = tracked(weights_in_force(started(policy(changes)), NOW), changes=changes)
    see(found, NOW + 30, {key(C, "easy"): Tally(pairs_both=4, feedback_up=1)})
    rows = {
        key(C, "easy"): Tally(pairs_both=6, pairs_neither=1, feedback_up=1),
        key(C, "hard", "evaluator"): Tally(pairs_baseline_only=2, pairs_candidate_only=3),
        key(B, "hard"): Tally(feedback_down=5, feedback_up=2),
    }
    (look,) = see(found, NOW + 45, rows).state.looks
    assert look.candidate == Tally(pairs_both=2, pairs_neither=1, pairs_baseline_only=2, pairs_candidate_only=3)
    assert look.candidate.pairs == Pairs(2, 2, 3, 1)
    assert look.baseline == Tally(feedback_down=5, feedback_up=2)


few = st.builds(answers, st.integers(0, 4), st.sampled_from((0.0, 0.5, 1.0)))
keys = st.builds(key, st.sampled_from(Variant), st.sampled_from(("easy", "hard", "odd", "")), st.sampled_from("pq"))


@pytest.mark.slow
@examples
@given(st.lists(st.dictionaries(keys, few, max_size=6), min_size=1, max_size=6))
def test_whatever_is_read_in_whichever_order_the_looks_hold_each_class_once(readings: list[Rows]) -> None:
    found = watching("easy", "hard")
    for number, rows in enumerate(readings, start=1):
        see(found, NOW + 30 + 15 * number, rows)
    everything = {key(arm, name): answers(9) for arm in Variant for name in ("easy", "hard", "odd", "")}
    see(found, NOW + 600, everything)
    assert isinstance(found.ledger, Ledger)
    for place, name in enumerate(("easy", "hard")):
        own = [tally for one, tally in found.ledger.rows.items() if one.query_class == name]
        seen = [sum(look.classes[place]) for look in found.state.looks]
        assert sum(seen) == sum(tally.scored for tally in own)
    total = sum(look.baseline.scored + look.candidate.scored for look in found.state.looks)
    assert total == sum(tally.scored for tally in found.ledger.rows.values())
