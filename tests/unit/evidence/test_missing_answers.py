"""An answer that could not be scored is a wrong one where it counts as such, in its own arm and query class."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence import em_claims
from earlystop.evidence.missing_answers import as_judged, class_answers
from earlystop.evidence.objective import Basis, ClassMargin, Objective, Unscored
from earlystop.evidence.version import CURRENT, FIRST, SECOND

OBJECTIVE = Objective(margin=0.02, minimum_saving=0.1, risk_promote=0.05, risk_harm=0.05)
IN_CLASSES = replace(OBJECTIVE, classes=(ClassMargin("easy", 0.1), ClassMargin("hard", 0.1)))
small = st.integers(0, 50)
answers = st.lists(st.builds(ClassAnswers, small, small, small, small), max_size=4).map(tuple)


@st.composite
def looks(draw: st.DrawFn) -> Look:
    """A look whose query classes hold no more answers than its arms."""
    classes = draw(answers)
    sums = [sum(each[index] for each in classes) for index in range(4)]
    arms = [
        Tally(
            match=sums[at] + draw(small), mismatch=sums[at + 1] + draw(small), unscored=draw(small), failed=draw(small)
        )
        for at in (0, 2)
    ]
    return Look(draw(st.integers(0, 10**6)), 0, 50, arms[0], arms[1], classes)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(looks())
def test_every_unscored_answer_becomes_one_mismatch_and_nothing_else_changes(look: Look) -> None:
    judged = as_judged(OBJECTIVE, look)
    for before, after in ((look.baseline, judged.baseline), (look.candidate, judged.candidate)):
        assert after == replace(before, mismatch=before.mismatch + before.unscored, unscored=0)
    assert as_judged(OBJECTIVE, judged) == judged


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(looks())
def test_in_version_2_classes_share_what_is_missing_and_never_hold_more_than_the_arm(look: Look) -> None:
    judged = as_judged(replace(IN_CLASSES, engine=SECOND), look)
    for index, arm in ((0, judged.baseline), (2, judged.candidate)):
        pairs = list(zip(look.classes, judged.classes, strict=True))
        more = [after[index + 1] - before[index + 1] for before, after in pairs]
        assert all(each >= 0 for each in more) and sum(each[index + 1] for each in judged.classes) <= arm.mismatch
        assert [after[index] for after in judged.classes] == [before[index] for before in look.classes]
        for before, extra in zip(look.classes, more, strict=True):
            assert extra == 0 or before[index] + before[index + 1] > 0, "no class gets answers that had none"


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(*[st.builds(Tally, match=small, mismatch=small, unscored=small)] * 2), min_size=3, max_size=3)
)
def test_every_class_holds_its_own_unscored_answers_and_the_rest_are_of_all_others(
    arms: list[tuple[Tally, Tally]],
) -> None:
    baseline, candidate = (sum((each[arm] for each in arms), Tally()) for arm in (0, 1))
    classes = tuple(class_answers(IN_CLASSES, *each) for each in arms[:2])
    look = Look(0, 0, 50, baseline, candidate, classes)
    found = em_claims.by_class(IN_CLASSES, as_judged(IN_CLASSES, look))
    for name, each in zip(("easy", "hard", em_claims.OTHER), arms, strict=True):
        for seen, counted in zip(found[name], each, strict=True):
            assert (seen.scored, seen.match) == (counted.tried, counted.match)
    assert em_claims.usable(IN_CLASSES, look) is em_claims.usable(IN_CLASSES, as_judged(IN_CLASSES, look))


@pytest.mark.parametrize(
    ("objective", "mismatch"),
    [
        (IN_CLASSES, 5),
        (replace(IN_CLASSES, unscored=Unscored.EXCLUDE), 3),
        (replace(IN_CLASSES, engine=SECOND), 3),
        (replace(IN_CLASSES, engine=FIRST), 3),
    ],
    ids=["counted as wrong", "excluded", "version 2", "version 1"],
)
def test_a_look_holds_the_unscored_answers_of_a_class_where_they_count_and_its_version_knows_them(
    objective: Objective, mismatch: int
) -> None:
    arm = Tally(match=7, mismatch=3, unscored=2)
    assert class_answers(objective, arm, arm) == ClassAnswers(7, mismatch, 7, mismatch)


@pytest.mark.parametrize("engine", [SECOND, CURRENT])
def test_a_class_without_scored_answers_can_be_compared_only_where_its_unscored_ones_are_known(engine: int) -> None:
    objective = replace(IN_CLASSES, engine=engine)
    easy, hard = (Tally(match=8, mismatch=2), Tally(match=8, mismatch=2)), (Tally(unscored=3), Tally(match=1))
    baseline, candidate = (easy[arm] + hard[arm] for arm in (0, 1))
    look = Look(0, 0, 50, baseline, candidate, tuple(class_answers(objective, *each) for each in (easy, hard)))
    assert em_claims.usable(objective, look) is (engine == CURRENT)


@pytest.mark.parametrize(
    "objective",
    [
        replace(OBJECTIVE, unscored=Unscored.EXCLUDE),
        replace(OBJECTIVE, engine=FIRST),
        replace(OBJECTIVE, basis=Basis.PAIRS),
    ],
    ids=["excluded", "the first version", "pairs"],
)
def test_elsewhere_a_look_is_judged_as_it_is(objective: Objective) -> None:
    look = Look(0, 0, 50, Tally(match=8, unscored=2), Tally(match=8, unscored=2))
    assert as_judged(objective, look) is look
