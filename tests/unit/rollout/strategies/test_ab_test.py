"""Several candidates judged together: who is dropped, who is proven, and which of them is promoted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from numpy.random import default_rng

from earlystop.evidence.engine import assess, replay, update
from earlystop.rollout.conditions import conditions, split_is_broken
from earlystop.rollout.exposure import weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.observations import Observations
from earlystop.rollout.state import Phase, Verdict
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.strategies.together import least_saving, saves_less
from earlystop.rollout.transitions import carried_out, expire, lose_metrics, suspend_or_resume, weights_in_force
from earlystop.rollout.verdict import digest_of, verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.words.event_notes import event_notes
from tests.turns import Turns
from tests.unit.rollout.in_rows import in_rows
from tests.unit.rollout.policies import NOW, UID, policy, started
from tests.unit.rollout.several import (
    AB_TEST,
    BAD,
    BETTER,
    CANDIDATES,
    GOOD,
    TOGETHER,
    USUAL,
    Answering,
    by_name,
    decided,
    observe,
)


def test_the_harmful_one_is_dropped_its_share_goes_to_the_baseline_and_the_others_keep_theirs() -> None:
    before = started(AB_TEST)
    after = observe(AB_TEST, before, USUAL, requests=600)
    assert weights(before) == (40, 20, 20, 20) and weights(after) == (60, 20, 20, 0)
    dropped = by_name(after)["w1"].dropped
    assert dropped is not None and dropped.reason == "HarmShown"
    assert (after.phase, after.step) == (Phase.APPLYING, before.step + 1), "other weights are another step"
    assert [story.reason for story in event_notes(before, after)] == ["CandidateDropped"]


def test_of_the_proven_ones_the_one_with_the_most_proven_saving_is_promoted() -> None:
    state = decided(AB_TEST, started(AB_TEST), USUAL)
    assert state.decision is not None and state.decision.verdict is Verdict.PROMOTE
    assert state.decision.reason == "MostProvenSaving" and state.decision.message.startswith("Candidate w5 is proven")
    assert weights(state) == (0, 0, 100, 0)
    certified = carried_out(state).certified
    assert certified is not None and certified.values["window"] == "5"


def test_at_most_one_is_promoted_and_weights_are_of_sum_100_at_every_turn() -> None:
    state = started(AB_TEST)
    turns = Turns()
    while state.phase != Phase.PROMOTED and turns.another():
        shares = weights(state)
        assert shares is not None and sum(shares) == 100 and all(0 <= share <= 100 for share in shares)
        state = carried_out(state) if state.decision else observe(AB_TEST, state, USUAL, requests=500)
    assert weights(state) == (0, 0, 100, 0)


def test_one_that_is_not_decided_yet_is_waited_for_unless_it_is_shown_to_save_less() -> None:
    worse = Answering(exact_match=0.765, mean_tokens=150)  # within the margin, and slow to prove
    waiting = observe(AB_TEST, started(AB_TEST), (GOOD, worse, BAD), looks=3)
    assert by_name(waiting)["w10"].certified_at is not None and by_name(waiting)["w5"].certified_at is None
    assert waiting.decision is None, "w5 may yet be proven, and saves more"
    slower = Answering(exact_match=0.765, mean_tokens=500)
    at_once = decided(AB_TEST, started(AB_TEST), (GOOD, slower, BAD))
    assert at_once.decision is not None and at_once.decision.candidate == "w10"
    assert by_name(at_once)["w5"].certified_at is None and "not decided: w5" in at_once.decision.message


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_within_its_time_a_promotion_leaves_nobody_who_may_save_more(seed: int) -> None:
    """So a guard has no bolder candidate of the list to propose: each other one is harmful, or saves no more."""
    random = default_rng(seed)
    em, tokens = random.choice((0.3, 0.5, 0.76, 0.8), 3), random.integers(90, 590, 3)
    answering = [Answering(float(right), int(mean)) for right, mean in zip(em, tokens, strict=True)]
    state = decided(AB_TEST, started(AB_TEST), answering)
    assert state.decision is not None
    if state.decision.verdict is not Verdict.PROMOTE:
        assert all(each.dropped is not None for each in state.comparisons)
        return
    promoted = by_name(state)[state.decision.candidate]
    for each in state.comparisons:
        is_settled = each.dropped is not None or each.certified_at is not None
        assert is_settled or saves_less(each.assessment, promoted.assessment)
        if each.certified_at is not None:
            assert least_saving(each.assessment) <= least_saving(promoted.assessment)


def test_at_the_deadline_a_proven_one_need_wait_for_nobody() -> None:
    worse = Answering(exact_match=0.765, mean_tokens=150)
    waiting = observe(AB_TEST, started(AB_TEST), (GOOD, worse, BAD), looks=3)
    late = expire(LiveTimes.of(AB_TEST), waiting, NOW + 10**6)
    assert late.decision is not None and late.decision.verdict is Verdict.PROMOTE and late.decision.candidate == "w10"
    nobody = expire(LiveTimes.of(AB_TEST), observe(AB_TEST, started(AB_TEST), USUAL, requests=60), NOW + 10**6)
    assert nobody.decision is not None and nobody.decision.verdict is Verdict.INCONCLUSIVE


def test_without_metrics_the_verdict_is_about_one_that_is_still_tried() -> None:
    state = observe(AB_TEST, started(AB_TEST), (BAD, GOOD, GOOD), requests=600)
    assert by_name(state)["w10"].dropped is not None
    blind = lose_metrics(observe(AB_TEST, state, (BAD, GOOD, GOOD), requests=60), NOW)
    ended = expire(LiveTimes.of(AB_TEST), blind, NOW + 1000)
    assert ended.decision is not None and (ended.decision.reason, ended.decision.candidate) == ("NoMetrics", "w5")


def test_a_broken_split_of_one_that_was_dropped_is_no_doubt_about_the_others() -> None:
    state = observe(AB_TEST, started(AB_TEST), USUAL, requests=600)
    (w10, w5, w1) = state.comparisons
    broken = replace(w1.looks[0], candidate=replace(w1.looks[0].candidate, started=9000))
    state = replace(state, comparisons=(w10, w5, replace(w1, evidence=update(w1.evidence, broken))))
    assert assess(state.comparisons[2].evidence).sample_ratio_broken and not split_is_broken(state)
    said = {each.type.value: each for each in conditions(state, Observations())}
    assert (said["Progressing"].status, said["SampleRatioOK"].status) == ("True", "True")
    everyone = tuple(replace(each, dropped=state.comparisons[2].dropped) for each in state.comparisons)
    assert split_is_broken(replace(state, comparisons=everyone)), "then there is nobody else to tell of"


def test_when_every_one_is_harmful_traffic_goes_back_to_the_baseline() -> None:
    state = decided(AB_TEST, started(AB_TEST), (BAD, BAD, BAD))
    assert state.decision is not None and state.decision.reason == "EveryCandidateDropped"
    assert state.phase == Phase.ROLLING_BACK and weights(state) == (100, 0, 0, 0)


def test_a_rollout_that_goes_on_from_its_status_at_any_look_decides_the_same() -> None:
    whole = decided(AB_TEST, started(AB_TEST), USUAL, requests=1200)
    interrupted = started(AB_TEST)
    turns = Turns()
    while interrupted.decision is None and turns.another():
        interrupted = observe(AB_TEST, interrupted, USUAL, requests=1200)
        interrupted, _ = from_status(to_status("qa", UID, LiveTimes.of(AB_TEST), interrupted, ""))
    assert verdict_spec("qa", UID, interrupted) == verdict_spec("qa", UID, whole)


def test_a_status_whose_candidates_are_in_another_order_than_the_plan_is_not_taken_over() -> None:
    status = to_status("qa", UID, LiveTimes.of(AB_TEST), observe(AB_TEST, started(AB_TEST), USUAL, requests=600), "")
    status["candidates"].reverse()
    with pytest.raises(ValueError, match=r"status\.candidates are not w10, w5, w1"):
        from_status(status)


@pytest.mark.parametrize("forged", ["the winner's looks", "a rival's looks", "a rival less"])
def test_a_record_in_which_any_candidates_looks_were_changed_is_found_out(forged: str) -> None:
    record = in_rows(verdict_spec("qa", UID, decided(AB_TEST, started(AB_TEST), USUAL)))
    assert differences(record) == []
    if forged == "the winner's looks":
        record["looks"] = record["looks"][:1]
    elif forged == "a rival's looks":
        record["others"][0]["looks"] = record["others"][0]["looks"][:-1]
    else:
        record["others"] = record["others"][1:]
    assert differences({**record, "digest": digest_of(record)})


def test_a_record_that_says_every_one_was_dropped_needs_harm_of_every_one() -> None:
    record = in_rows(verdict_spec("qa", UID, decided(AB_TEST, started(AB_TEST), (BAD, BAD, BAD))))
    assert differences(record) == []
    kept = {key: value for key, value in record["others"][0].items() if key not in ("reason", "droppedAtStep")}
    nothing = {name: "0.0" if isinstance(value, str) else value for name, value in kept["logE"].items()}
    record["others"][0] = {**kept, "logE": nothing, "looks": []}
    forged = {**record, "digest": digest_of(record)}
    assert "The looks do not show what the record rolls back for (EveryCandidateDropped)." in differences(forged)


def test_a_promotion_of_one_that_was_not_proven_beside_the_others_is_found_out() -> None:
    waiting = observe(AB_TEST, started(AB_TEST), USUAL, requests=700, looks=1)
    won = decided(AB_TEST, started(AB_TEST), USUAL).decision
    assert won is not None
    record = verdict_spec("qa", UID, replace(waiting, phase=Phase.PROMOTING, decision=won))
    assert "The looks do not prove what a promotion needs." in differences(record)


def test_a_policy_names_each_candidate_and_gives_it_the_weight_of_the_step() -> None:
    spec = policy({**TOGETHER, "candidates": CANDIDATES[:2]})
    assert weights(started(spec)) == (60, 20, 20)
    assert decided(spec, started(spec), (BETTER, GOOD)).decision is not None


def test_a_pause_comes_after_the_requests_of_a_dropped_candidate_are_taken_off() -> None:
    dropped = observe(AB_TEST, started(AB_TEST), USUAL, requests=600)
    paused = policy({**TOGETHER, "suspend": True})
    assert suspend_or_resume(LiveTimes.of(paused), dropped, NOW + 500) is dropped, "harm comes first"
    shed = weights_in_force(dropped, NOW + 501)
    assert suspend_or_resume(LiveTimes.of(paused), shed, NOW + 501).phase == Phase.SUSPENDED


def test_a_promotion_beside_a_candidate_whose_requests_do_not_arrive_is_found_out() -> None:
    state = decided(AB_TEST, started(AB_TEST), USUAL)
    rival = state.comparisons[0]
    looks = tuple(
        replace(look, candidate=replace(look.candidate, started=9 * look.candidate.started)) for look in rival.looks
    )
    broken = replace(rival, looks=looks, evidence=replay(rival.evidence.objective, looks))
    record = verdict_spec("qa", UID, replace(state, comparisons=(broken, *state.comparisons[1:])))
    assert (
        "The looks show that the requests of w10 did not arrive as they were split, so nothing is promoted."
        in differences(record)
    )
