"""Every claim of an objective takes a candidate back, certifies it, or holds it, and says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.evidence.engine import Assessment, Gap, assess
from earlystop.evidence.objective import certificate_claim
from earlystop.evidence.setting_check import Effect
from earlystop.rollout import steps
from earlystop.rollout.decision import HARM_REASONS
from earlystop.rollout.state import Decision, Phase, RolloutState, Totals, Verdict
from earlystop.rollout.strategy import strategy_of
from tests.unit.rollout.claims import CLAIMED, TWO_STEPS, arms, in_classes, judging, observed, with_events
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.traffic import answers, split

SPEC = judging(CLAIMED)
GOOD = in_classes(arms(1500), arms(500))
HARD_HARMED = in_classes(arms(1900, 0.8), arms(100, 0.1))
BELOW = in_classes(arms(1500, 0.3, baseline=0.3), arms(500, 0.3, baseline=0.3))
WORSE = in_classes(arms(200), arms(200), arms(1600, 0.65))
FAILING = with_events(GOOD, {"failed": 20}, {"failed": 200})
UNLOVED = with_events(GOOD, {"feedback_down": 20}, {"feedback_down": 200})
DREADFUL = with_events(
    in_classes(arms(1500, 0.1), arms(500, 0.1)),
    {"failed": 20, "feedback_down": 20},
    {"failed": 400, "feedback_down": 400},
)


def found(state: RolloutState) -> Assessment:
    assert state.evidence is not None
    return assess(state.evidence)


def held(assessment: Assessment) -> bool:
    """Whether something is wrong with the comparison itself."""
    return bool({Gap.SAMPLE_RATIO, Gap.SETTING} & set(assessment.gaps))


def judge(state: RolloutState, at: int) -> Decision | None:
    plan = state.pinned_plan
    return strategy_of(plan).decision_at(plan, state, at)


def may_advance(state: RolloutState, at: int) -> bool:
    return steps.may_advance(state.pinned_plan, state, at)


def decided_by(served: Totals, spec: PolicySpec = SPEC) -> tuple[str, str]:
    """The reason and the sentence of a rollback."""
    state = observed(spec, served)
    assert state.phase == Phase.ROLLING_BACK and state.decision is not None, found(state)
    assert state.decision.verdict == Verdict.ROLL_BACK
    return state.decision.reason, state.decision.message


@pytest.mark.parametrize(
    ("served", "reason", "words"),
    [
        (WORSE, "HarmShown", "is proven to lose more than 5 points of EM (-12.0 ["),
        (BELOW, "BelowFloor", "is proven to answer below the floor of 50 points of EM."),
        (FAILING, "GuardrailBroken", "fail more than 1.5 times as often as the baseline (guardrail failures)."),
        (UNLOVED, "GuardrailBroken", "displease users more than 2 times as often as the baseline (guardrail unhappy)."),
        (HARD_HARMED, "QueryClassHarmed", "is proven to lose more than 12 points of EM in query class hard."),
    ],
    ids=["harm", "floor", "failures", "feedback", "query class"],
)
def test_each_harm_rolls_back_for_a_reason_of_its_own_that_names_its_line(
    served: Totals, reason: str, words: str
) -> None:
    told, message = decided_by(served)
    assert told == reason and reason in HARM_REASONS
    assert words in message and message.startswith("Candidate w10 is proven to ")
    assert message.count("is proven to") == 1
    assert message.endswith("From 2,000 answers of the baseline and 2,000 of the candidate; risk of error 0.05.")


def test_several_harms_are_all_told_and_the_first_gives_the_reason() -> None:
    reason, message = decided_by(DREADFUL)
    assert reason == "HarmShown"
    told = ["more than 5 points", "the floor of 50", "guardrail failures", "guardrail unhappy", "2 more claims"]
    places = [message.index(words) for words in told]
    assert places == sorted(places)


@pytest.mark.parametrize("served", [BELOW, FAILING, UNLOVED, HARD_HARMED], ids=["floor", "failures", "votes", "class"])
def test_without_its_claim_the_same_traffic_is_no_harm(served: Totals) -> None:
    plain = judging({}, {"steps": [{"weight": 50, "minimumSeconds": 600_000}], "deadlineSeconds": 2_000_000})
    assert observed(plain, replace(served, classes=())).phase == Phase.OBSERVING


def test_a_candidate_that_breaks_no_claim_is_promoted_for_the_usual_reason() -> None:
    state = observed(SPEC, *[GOOD] * 4)
    assert state.decision is not None
    assert (state.decision.verdict, state.decision.reason) == (Verdict.PROMOTE, "NonInferiorAndSaving")
    assert "query class" not in state.decision.message


def test_where_each_class_must_be_proven_a_promotion_waits_for_the_smallest_and_says_so() -> None:
    each = judging({**CLAIMED, "requireEach": True})
    many = in_classes(arms(1992), arms(8))
    state = observed(each, *[many] * 4)
    assert found(state).log_e_max.promote > 3 and state.phase == Phase.OBSERVING
    assert observed(SPEC, *[many] * 4).phase == Phase.PROMOTING
    state = observed(each, *[many] * 4, GOOD)
    assert state.decision is not None and state.decision.verdict == Verdict.PROMOTE
    assert ", also in each of 2 query classes, and to save at least 10 % of the tokens" in state.decision.message


@pytest.mark.parametrize(
    ("objective", "served", "sign"),
    [
        ({"exactMatch": {"floor": "0.8"}}, Totals(answers(200, 0.72), answers(200, 0.72, 300)), "floor"),
        (CLAIMED, with_events(GOOD, {"failed": 20}, {"failed": 60}), "guardrail/failures"),
        (CLAIMED, in_classes(arms(1500), arms(500, 0.61)), "class/hard"),
    ],
    ids=["floor", "guardrail", "query class"],
)
def test_no_step_is_raised_while_any_claim_shows_a_sign_of_harm(
    objective: dict[str, object], served: Totals, sign: str
) -> None:
    state = observed(judging({**objective, "tokens": {"minimumSaving": "0.6"}}, TWO_STEPS), served)
    assert {str(claim): value for claim, value in found(state).log_e.others}[sign] >= 1 and found(state).harms == ()
    assert (state.step, state.phase) == (0, Phase.OBSERVING)


def test_certificates_of_classes_are_no_sign_of_harm() -> None:
    each = judging({**CLAIMED, "requireEach": True, "tokens": {"minimumSaving": "0.6"}}, TWO_STEPS)
    state = observed(each, GOOD)
    assert dict(found(state).log_e.others)[certificate_claim("easy")] > 1
    assert state.step == 1


PATIENT_STEPS = {**TWO_STEPS, "steps": [{"weight": 50, "minimumSeconds": 3600}] * 2}
LENIENT = judging({"tokens": {"minimumSaving": "0"}}, PATIENT_STEPS)
DEMANDING = judging({"tokens": {"minimumSaving": "0.10"}}, PATIENT_STEPS)


def alike(mean: float) -> Tally:
    one, spread = answers(1000), 60
    return replace(one, tokens=round(1000 * mean), tokens_squared=round(1000 * (mean * mean + spread * spread)))


ALIKE = Totals(alike(600), alike(598.2))
SKEWED = Totals(answers(900), answers(600, mean_tokens=300))


def test_nothing_is_promoted_or_raised_while_the_setting_is_not_in_force() -> None:
    state = observed(DEMANDING, *[ALIKE] * 40)
    seen = found(state)
    assert seen.setting is Effect.NOT_MOVED and held(seen)
    assert seen.non_inferior and not seen.saves_tokens
    assert judge(state, NOW + 10**6) is None and not may_advance(state, NOW + 10**6)
    assert (state.step, state.phase) == (0, Phase.OBSERVING)


def test_nothing_is_promoted_or_raised_while_the_split_is_broken() -> None:
    state = observed(LENIENT, *[SKEWED] * 6)
    seen = found(state)
    assert seen.sample_ratio_broken and held(seen) and seen.non_inferior and seen.saves_tokens
    assert judge(state, NOW + 10**6) is None and not may_advance(state, NOW + 10**6)


def test_the_same_evidence_is_promoted_and_raised_once_nothing_is_wrong_with_the_comparison() -> None:
    state = observed(LENIENT, *[Totals(answers(900), answers(900, mean_tokens=300))] * 6)
    assert not held(found(state)) and may_advance(state, NOW + 10**6)
    decision = judge(state, NOW + 10**6)
    assert decision is not None and decision.verdict == Verdict.PROMOTE


def unscored(totals: Totals) -> Totals:
    """The same requests, before anyone has scored their answers."""
    baseline, candidate = (
        {"match": 0, "mismatch": 0, "unscored": tally.scored} for tally in (totals.baseline, totals.candidate)
    )
    return with_events(totals, baseline, candidate)


@pytest.mark.parametrize("doubtful", [unscored(split(50, 8000)), SKEWED], ids=["setting", "split"])
def test_harm_still_acts_at_once_while_the_comparison_is_in_doubt(doubtful: Totals) -> None:
    spec = judging({}, PATIENT_STEPS)
    worse = Totals(answers(1000), answers(1000, exact_match=0.2))
    before, state = observed(spec, doubtful, doubtful), observed(spec, doubtful, doubtful, worse)
    assert held(found(before)) and before.phase == Phase.OBSERVING
    assert state.phase == Phase.ROLLING_BACK and len(state.looks) == 3
    assert state.decision is not None and state.decision.reason == "HarmShown"


def test_a_sticky_session_needs_more_answers_for_the_same_verdict() -> None:
    independent = judging({})
    clustered = judging({"exactMatch": {"dispersion": "4"}})
    turns = [Totals(answers(500), answers(500, mean_tokens=300))] * 30
    sooner, later = observed(independent, *turns), observed(clustered, *turns)
    assert sooner.phase == later.phase == Phase.PROMOTING
    assert 2 * len(sooner.looks) <= len(later.looks)


def test_a_known_longest_answer_makes_the_saving_exact_and_costs_more_answers() -> None:
    quick = judging({"exactMatch": {"margin": "0.5"}})
    exact = judging({"exactMatch": {"margin": "0.5"}, "tokens": {"longestAnswer": 4000}})
    turns = [Totals(answers(100), answers(100, mean_tokens=510))] * 200
    asymptotic, tested = (observed(spec, *turns) for spec in (quick, exact))
    assert tested.evidence is not None and tested.evidence.exact_tokens is not None
    assert tested.phase == asymptotic.phase == Phase.PROMOTING
    assert len(tested.looks) > len(asymptotic.looks)
