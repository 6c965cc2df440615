"""An answer that could not be scored is a wrong one where it counts as such, in its own arm and query class."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence.missing_answers import as_judged
from earlystop.evidence.objective import Basis, Objective, Unscored
from earlystop.evidence.version import FIRST

OBJECTIVE = Objective(margin=0.02, minimum_saving=0.1, risk_promote=0.05, risk_harm=0.05)
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
def test_query_classes_share_what_is_missing_and_never_hold_more_than_the_arm(look: Look) -> None:
    judged = as_judged(OBJECTIVE, look)
    for index, arm in ((0, judged.baseline), (2, judged.candidate)):
        pairs = list(zip(look.classes, judged.classes, strict=True))
        more = [after[index + 1] - before[index + 1] for before, after in pairs]
        assert all(each >= 0 for each in more) and sum(each[index + 1] for each in judged.classes) <= arm.mismatch
        assert [after[index] for after in judged.classes] == [before[index] for before in look.classes]
        for before, extra in zip(look.classes, more, strict=True):
            assert extra == 0 or before[index] + before[index + 1] > 0, "no class gets answers that had none"


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
