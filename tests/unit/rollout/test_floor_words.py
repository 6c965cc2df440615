"""A floor that the baseline itself is below ends every trial: people are told of the baseline wherever they look."""

from __future__ import annotations

import pytest

from earlystop.api.counts import Tally
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Phase, RolloutState, Totals
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.words.floor_words import floor_above_baseline
from earlystop.rollout.words.summary import outlook, summary
from tests.unit.rollout.claims import judging, observed
from tests.unit.rollout.policies import UID
from tests.unit.rollout.searching import SAFE_BUT_LAST, World, searched
from tests.unit.rollout.traffic import answers

TOLD = "The baseline itself is below objective.exactMatch.floor: "
WRITE = "write a lower floor."
SLOW = {"steps": [{"weight": 50, "minimumSeconds": 600_000}], "deadlineSeconds": 2_000_000}


def seen(floor: str | None, scored: int, exact_match: float) -> RolloutState:
    """A campaign after a look at which the baseline was right so often."""
    wanted = {"margin": "0.05", **({} if floor is None else {"floor": floor})}
    spec = judging({"exactMatch": wanted}, SLOW)
    return observed(spec, Totals(answers(scored, exact_match), answers(scored, exact_match, 300)))


def test_a_campaign_under_way_says_that_its_baseline_is_below_the_floor_and_by_which_counts() -> None:
    state = seen("0.81", 200, 0.8)
    assert state.phase is Phase.OBSERVING
    assert f"{TOLD}160 of its 200 answers were right, 80 %, and the floor is 81." in outlook(state)


@pytest.mark.parametrize(
    ("floor", "scored", "exact_match"),
    [("0.8", 200, 0.8), (None, 200, 0.1), ("0.81", 90, 0.8)],
    ids=["at the floor", "no floor", "too few answers to say"],
)
def test_nothing_is_said_of_a_baseline_that_keeps_the_floor_or_is_hardly_known(
    floor: str | None, scored: int, exact_match: float
) -> None:
    state = seen(floor, scored, exact_match)
    assert floor_above_baseline(state.comparisons) == "" and TOLD not in summary(state)


def test_a_rollback_says_it_beside_what_was_proven_of_the_candidate() -> None:
    state = seen("0.95", 2000, 0.8)
    assert state.decision is not None and state.decision.reason == "BelowFloor"
    text = summary(state)
    assert text.index("below the floor of 95 points of EM") < text.index(TOLD) < text.index(WRITE)
    assert TOLD not in state.decision.message, "a verdict's sentence is recomputed from its own record"


def test_pairs_are_read_by_the_baselines_answers_to_their_questions() -> None:
    spec = judging({"exactMatch": {"margin": "0.05", "floor": "0.7", "evidence": "Pairs"}}, SLOW)
    pairs = Tally(started=200, completed=200, tokens=60_000, tokens_squared=24_000_000, match=130, mismatch=70)
    asked = Tally(**{**_fields(pairs), "pairs_both": 120, "pairs_baseline_only": 10, "pairs_candidate_only": 10})
    asked = Tally(**{**_fields(asked), "pairs_neither": 60})
    state = observed(spec, Totals(answers(200, 0.9), asked))
    assert f"{TOLD}130 of its 200 answers" in floor_above_baseline(state.comparisons)


@pytest.mark.parametrize(("unscored", "is_below"), [("CountAsMismatch", True), ("Exclude", False)])
def test_pairs_that_lack_the_baselines_answer_count_as_they_do_for_the_candidate(unscored: str, is_below: bool) -> None:
    spec = judging({"exactMatch": {"margin": "0.05", "floor": "0.7", "evidence": "Pairs", "unscored": unscored}}, SLOW)
    asked = Tally(started=200, completed=200, pairs_both=130, pairs_candidate_only=10, pairs_neither=60)
    asked = Tally(**{**_fields(asked), "pairs_whole": 140, "pairs_without_baseline_wrong": 60})
    state = observed(spec, Totals(answers(200, 0.9), asked))
    assert (TOLD in floor_above_baseline(state.comparisons)) is is_below


def _fields(tally: Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in Tally.__dataclass_fields__}


@pytest.mark.slow
def test_a_search_that_ends_with_the_baseline_says_so_in_its_end_and_after_a_restart() -> None:
    spec = searched(objective={"exactMatch": {"margin": "0.05", "floor": "0.95"}})
    world = World(spec, SAFE_BUT_LAST)
    state = world.run()
    assert state.phase is Phase.ROLLED_BACK
    again = from_status(to_status("qa", UID, LiveTimes.of(spec), state, ""))[0]
    for each in (state, again):
        assert summary(each).count(TOLD) == 1 and summary(each).endswith(WRITE)
    assert any(TOLD in summary(each) for each in world.history if each.phase is Phase.CHOOSING)
