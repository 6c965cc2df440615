"""Exact Match from questions that both variants answered: looks wait for them, verdicts are read from them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.counts import PairAnswers, Pairs, Tally
from earlystop.evidence.engine import assess
from earlystop.rollout.advance import SCORED_TO_ADVANCE
from earlystop.rollout.doubts import attrition_phrase, new_doubts
from earlystop.rollout.increments import CONCLUSIVE_REQUESTS
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.promotion import RestsOnMissing, UnequalAttrition, missing_for_promotion
from earlystop.rollout.state import Phase, Totals, Verdict
from earlystop.rollout.transitions import expire
from earlystop.rollout.verdict import digest_of, verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.words.decision_messages import missing_phrases
from tests.unit.rollout.claims import PAIRED, TWO_STEPS, UNDECIDED, arms, begun, judging, observed, paired, restarted
from tests.unit.rollout.policies import UID, examples
from tests.unit.rollout.traffic import observe

SPEC = judging(PAIRED)
OPEN = judging({**UNDECIDED, "exactMatch": {"margin": "0.9", "evidence": "Pairs"}})
STEPS = judging(PAIRED, TWO_STEPS)
AGREEING = Pairs(both=80, neither=20)


@pytest.mark.parametrize("requests", [1, CONCLUSIVE_REQUESTS - 1])
def test_a_look_without_pairs_waits_however_many_answers_it_has(requests: int) -> None:
    assert observed(SPEC, paired(Pairs(), arms(requests))).looks == ()


def test_requests_of_looks_without_pairs_still_count_when_they_tell_and_their_answers_wait() -> None:
    many = arms(CONCLUSIVE_REQUESTS)
    state, server = begun(SPEC)
    state = observe(SPEC, state, server, paired(Pairs(), many))
    (seen,) = state.looks
    assert (seen.baseline.started, seen.candidate.completed) == (
        CONCLUSIVE_REQUESTS,
        CONCLUSIVE_REQUESTS,
    )
    assert seen.baseline.scored == seen.candidate.scored == 0
    later = observe(SPEC, restarted(SPEC, state), server, paired(Pairs(both=1))).looks[-1]
    assert (later.candidate.pairs, later.candidate.scored) == (Pairs(both=1), CONCLUSIVE_REQUESTS)


few = st.builds(Pairs, *[st.sampled_from((0, 0, 0, 1, 4))] * 4)


@pytest.mark.slow
@examples
@given(st.lists(st.builds(paired, few, st.sampled_from((1, 5, 30)).map(arms)), min_size=1, max_size=8))
def test_pairs_and_answers_are_used_once_whatever_comes_in_which_order(served: list[Totals]) -> None:
    state, server = begun(OPEN)
    for more in served:
        before = len(state.looks)
        state = restarted(OPEN, observe(OPEN, state, server, more))
        assert state.phase == Phase.OBSERVING
        assert len(state.looks) == before + 1 or not more.candidate.pairs.total
    state = observe(OPEN, state, server, paired(Pairs(both=1)))
    assert state.phase == Phase.OBSERVING
    baseline = sum((look.baseline for look in state.looks), Tally())
    candidate = sum((look.candidate for look in state.looks), Tally())
    assert Totals(baseline, candidate) == server.totals(state)


def test_a_step_is_raised_at_a_hundred_pairs_and_not_one_sooner() -> None:
    state, server = begun(STEPS)
    state = observe(STEPS, state, server, paired(Pairs(both=SCORED_TO_ADVANCE - 1), arms(500)))
    assert (state.step, state.phase) == (0, Phase.OBSERVING)
    assert observe(STEPS, state, server, paired(Pairs(neither=1))).step == 1


def test_answers_of_ordinary_requests_raise_no_step_and_decide_nothing() -> None:
    state = observed(STEPS, *[paired(Pairs(both=1), arms(2000, exact_match=0.3))] * 20)
    assert (state.step, state.phase) == (0, Phase.OBSERVING)
    assert state.evidence is not None and assess(state.evidence).harms == ()


def test_no_step_is_raised_while_pairs_show_a_sign_of_harm() -> None:
    state = observed(STEPS, paired(Pairs(both=90, baseline_only=14), arms(500)))
    assert state.evidence is not None and 1 <= assess(state.evidence).log_e.harm < 3
    assert (state.step, state.phase) == (0, Phase.OBSERVING)


def test_a_promotion_and_a_rollback_say_how_many_questions_both_answered() -> None:
    good = observed(SPEC, *[paired(AGREEING, arms(200))] * 8)
    assert good.decision is not None and good.decision.verdict == Verdict.PROMOTE
    pairs = sum(look.candidate.pairs.total for look in good.looks)
    assert f"from {pairs} questions that both answered" in good.decision.message
    bad = observed(SPEC, paired(Pairs(both=60, baseline_only=40), arms(200)))
    assert bad.decision is not None and (bad.decision.verdict, bad.decision.reason) == (Verdict.ROLL_BACK, "HarmShown")
    assert "more than 5 points of EM" in bad.decision.message
    assert "From 100 questions that both answered" in bad.decision.message
    for state in (good, bad):
        assert restarted(SPEC, state) == state
        assert differences(verdict_spec("qa", UID, state)) == []


LACKING = PairAnswers(whole=60, without_baseline_right=38, without_baseline_wrong=2)
"""Of a hundred pairs in which the candidate loses five of what both answer, and seems to gain 35."""


def lacking(answers: PairAnswers) -> Totals:
    more = paired(Pairs(both=50, baseline_only=5, candidate_only=40, neither=5), arms(200))
    told = {f"pairs_{name}": count for name, count in answers._asdict().items()}
    return replace(more, candidate=replace(more.candidate, **told))


@pytest.mark.slow
def test_a_campaign_is_not_promoted_by_what_the_baseline_failed_to_answer_and_its_record_says_it() -> None:
    untold = observed(SPEC, *[lacking(PairAnswers())] * 8)
    assert untold.decision is not None and untold.decision.verdict == Verdict.PROMOTE
    state = observed(SPEC, *[lacking(LACKING)] * 16)
    assert state.decision is None and restarted(SPEC, state) == state
    (doubt,) = new_doubts((), state)
    assert doubt.reason == "AttritionDiffers"
    assert "of 40.0 % of the pairs the baseline's answer alone failed or could not be scored" in doubt.message
    evidence = state.comparisons[0].evidence
    missing = missing_for_promotion(state.pinned_plan, state, "w10", 10**10)
    rests = RestsOnMissing(evidence.pair_attrition.answers.one_sided)
    assert missing == (UnequalAttrition(attrition_phrase(evidence)), rests)
    assert missing_phrases((rests,), "w10") == (
        f"a proof by the pairs that lack no answer ({rests.lacking} pairs lack one variant's answer, and the others "
        "prove too little)",
    )
    ended = expire(LiveTimes.of(SPEC), state, 10**10)
    record = json.loads(json.dumps(verdict_spec("qa", UID, ended)))
    assert ended.decision is not None and ended.decision.verdict == Verdict.INCONCLUSIVE
    assert float(record["logE"]["attrition"]) > 100 and differences(record) == []
    record["logE"]["attrition"] = "0.5"
    told = differences({**record, "digest": digest_of(record)})
    assert any("for attrition, the record says 0.5" in sentence for sentence in told)


def test_the_record_of_pairs_is_changed_by_no_answer_that_came_beside_them() -> None:
    with_answers = observed(SPEC, *[paired(AGREEING, arms(30))] * 3)
    worse_answers = observed(SPEC, *[paired(AGREEING, arms(30, exact_match=0.1))] * 3)
    assert with_answers.evidence is not None and worse_answers.evidence is not None
    one, other = assess(with_answers.evidence), assess(worse_answers.evidence)
    assert (one.log_e, one.effect, one.scored) == (other.log_e, other.effect, other.scored)


def test_pairs_beside_answers_change_nothing_where_answers_are_the_basis() -> None:
    spec = judging({})
    alone, beside = observed(spec, paired(Pairs(), arms(200))), observed(spec, paired(AGREEING, arms(200)))
    assert alone.evidence is not None and beside.evidence is not None
    assert assess(alone.evidence) == assess(beside.evidence)
    assert beside.looks[0].candidate.pairs == AGREEING
