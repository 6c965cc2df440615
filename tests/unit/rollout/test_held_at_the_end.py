"""A campaign whose time is over though all is proven says what held its promotion, and its verdict is recomputed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.counts import PairAnswers, Pairs
from earlystop.evidence.intervals import Interval
from earlystop.evidence.version import CURRENT
from earlystop.rollout.conditions import conditions
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.observations import Observations
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.promotion import (
    ContradictoryCounts,
    EvidenceTurned,
    HoursNotCovered,
    LeastTime,
    Missing,
    MixMoved,
    MostlyUnscored,
    NoLiveAnswers,
    NotSaving,
    UnequalAttrition,
    UnmovedSetting,
    UnsoundSplit,
)
from earlystop.rollout.state import Phase, RolloutState, Verdict
from earlystop.rollout.transitions import carried_out, expire
from earlystop.rollout.trials.budget import only_proposed_used
from earlystop.rollout.trials.campaign_budget import requests_sentence, seconds_sentence
from earlystop.rollout.verdict import digest_of, verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.words.decision_messages import missing_phrases
from earlystop.rollout.words.event_notes import event_notes
from earlystop.rollout.words.held_messages import deadline_message, held_sentence
from earlystop.rollout.words.summary import summary
from tests.unit.rollout.claims import PAIRED, arms, judging, observed, paired
from tests.unit.rollout.mixes import promoted_by_mixes
from tests.unit.rollout.policies import NOW, UID, policy, started

SPEC = judging(PAIRED)
LACKING = PairAnswers(whole=60, without_baseline_right=38, without_baseline_wrong=2)
LATE = 10**10


def at_the_deadline(state: RolloutState) -> RolloutState:
    return expire(LiveTimes.of(state.pinned_plan.spec), state, LATE)


def record_of(state: RolloutState, **changes: Any) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(json.dumps(verdict_spec("qa", UID, state))) | changes
    return {**record, "digest": digest_of(record)}


def unequal() -> RolloutState:
    """A candidate that is proven by pairs, of which a third lack the baseline's answer alone."""
    more = paired(Pairs(both=50, baseline_only=5, candidate_only=40, neither=5), arms(200))
    told = {f"pairs_{name}": count for name, count in LACKING._asdict().items()}
    return observed(SPEC, *[replace(more, candidate=replace(more.candidate, **told))] * 10)


def moved() -> RolloutState:
    """A candidate that is proven, though the mix of classes moved with the weights."""
    state = promoted_by_mixes(CURRENT)
    return replace(state, phase=Phase.OBSERVING, decision=None)


HELD = {
    "attrition": (unequal, "Its promotion waited for answers that are missing alike in both variants (", "Find why "),
    "mix": (moved, "the mix of query classes moved with the weights", "Retry with more traffic"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", HELD)
def test_at_its_deadline_a_campaign_that_is_proven_says_what_held_its_promotion(case: str) -> None:
    make, held, advice = HELD[case]
    before = make()
    ended = at_the_deadline(before)
    assert ended.decision is not None
    assert (ended.decision.verdict, ended.decision.reason) == (Verdict.INCONCLUSIVE, "DeadlineExceeded")
    message = ended.decision.message
    assert message.startswith("Every claim about w10 was proven, and it was not promoted within ")
    assert held in message and advice in message and len(message) < 700, message
    over = carried_out(ended)
    told = [each.message for each in conditions(over, Observations()) if each.type == "RolledBack"]
    assert told == [message] and held in summary(over)
    assert any(held in note.message for note in event_notes(ended, over))


@pytest.mark.slow
@pytest.mark.parametrize("case", HELD)
def test_a_verdict_on_what_was_held_is_recomputed_also_in_the_words_of_earlier_releases(case: str) -> None:
    record = record_of(at_the_deadline(HELD[case][0]()))
    assert differences(record) == []
    before = "Neither benefit nor harm was proven within 1 h."
    assert differences(record_of(at_the_deadline(HELD[case][0]()), message=before)) == []
    other = record["message"].replace("w10 was proven", "w10 was nearly proven")
    assert differences({**record, "message": other, "digest": digest_of({**record, "message": other})}) != []


@pytest.mark.slow
def test_a_saving_that_rests_on_few_answers_is_told_with_what_to_write() -> None:
    few, plain = (missing_phrases([replace(UNPROVEN, rests_on_few=each)], "w10")[0] for each in (True, False))
    assert "few long answers make the mean length, and tokens.longestAnswer would" in few and "few" not in plain


def test_no_verdict_says_that_something_held_what_was_not_proven() -> None:
    state = observed(SPEC, paired(Pairs(both=20), arms(20)))
    ended = at_the_deadline(state)
    assert ended.decision is not None and ended.decision.message.startswith("Neither benefit nor harm was proven with")
    said = record_of(at_the_deadline(unequal()))["message"]
    assert differences(record_of(ended, message=said)) != []


UNPROVEN = NotSaving(0.1, Interval(0.1, 0.0, 0.2), 1.0, 0.05)
ENDS = [
    deadline_message("1 h"),
    only_proposed_used(parse_plan(plan_text(policy()))),
    requests_sentence(5000),
    seconds_sentence(7200),
    "No verdict after 128 looks, the most that a record holds.",
]


@pytest.mark.parametrize("sentence", ENDS)
@pytest.mark.parametrize(
    "missing",
    [
        UnsoundSplit("w10"),
        UnmovedSetting(),
        UnequalAttrition("10 % and 20 %"),
        MostlyUnscored("80 %"),
        ContradictoryCounts("more answers than requests"),
        EvidenceTurned("the saving", -1.0, 4.0),
        HoursNotCovered(24, NOW),
        LeastTime(3600),
        MixMoved(0.02, 0.04),
        NoLiveAnswers(),
    ],
)
def test_whatever_held_a_candidate_is_named_with_what_to_do(sentence: str, missing: Missing) -> None:
    plan, (only,) = parse_plan(plan_text(policy())), started(policy()).comparisons
    said = held_sentence(sentence, plan, only, (missing,))
    assert said is not None and "very claim about w10 was proven" in said
    assert "Neither" not in said and "no setting is proven" not in said
    assert f"Its promotion waited for {missing_phrases([missing], 'w10')[0]}. " in said
    assert said.endswith((" retry.", " time.", " rollout.minimumHours."))
    assert held_sentence(sentence, plan, only, (UNPROVEN, missing)) is None
