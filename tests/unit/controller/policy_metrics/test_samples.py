"""What /metrics says of a policy is what its status says, in every state that a rollout reaches."""

from __future__ import annotations

from dataclasses import replace
from math import log

import pytest

from earlystop.api.counts import Tally
from earlystop.api.savings import Price
from earlystop.controller.policy_metrics.samples import Sample, samples_of
from earlystop.controller.policy_metrics.table import TABLE
from earlystop.rollout.plan import StageKind
from earlystop.rollout.savings.ledger import booked, counts_of_step
from earlystop.rollout.state import RolloutState
from earlystop.rollout.stored.status_codec import to_status
from earlystop.rollout.waiting.awaited import AwaitedDecision
from tests.unit.controller.policy_metrics.views import value_of, view
from tests.unit.rollout.policies import NOW, UID
from tests.unit.rollout.states import REACHED, TIMES

EVERY_STATE = pytest.mark.parametrize("name", sorted(REACHED))


def said(state: RolloutState, price: Price | None = None) -> list[Sample]:
    return list(samples_of(view(state, price=price)))


@EVERY_STATE
def test_every_state_has_its_samples_each_once_and_with_the_labels_of_the_table(name: str) -> None:
    samples = said(REACHED[name])
    assert len({(each.metric.name, each.labels) for each in samples}) == len(samples)
    for each in samples:
        assert each.metric in TABLE
        assert len(each.labels) == len(each.metric.labels)
        assert each.labels[:2] == ("llm", "qa")
    assert value_of(samples, "earlystop_policy_phase", REACHED[name].phase.value) == 1


@EVERY_STATE
def test_numbers_are_those_of_the_status(name: str) -> None:
    state = REACHED[name]
    samples, status = said(state), to_status("qa", UID, TIMES, state, "")
    if state.plan is None:
        return
    assert value_of(samples, "earlystop_policy_campaign") == status["campaign"]
    assert value_of(samples, "earlystop_policy_step") == status["step"] + 1
    baseline = value_of(samples, "earlystop_policy_weight_ratio", "baseline")
    incumbent = value_of(samples, "earlystop_policy_weight_ratio", "incumbent") or 0
    assert baseline is not None and round(100 * (1 - baseline)) == status["weight"]
    others = sum(value_of(samples, "earlystop_policy_weight_ratio", each) or 0 for each in state.plan.names)
    assert abs(baseline + incumbent + others - 1) < 1e-9
    for claim in ("promote", "harm", "tokens"):
        now = value_of(samples, "earlystop_policy_log_e", state.leader, claim)
        assert now is not None and f"{now:.3f}" == status["evidence"]["logE"][claim]
    decided = [each for each in samples if each.metric.name == "earlystop_policy_decision_timestamp_seconds"]
    assert bool(decided) == ("decision" in status)


def test_a_claim_is_shown_where_its_largest_log_e_reaches_its_line() -> None:
    state = REACHED["promoted"]
    samples = said(state)
    for claim in ("promote", "tokens"):
        largest = value_of(samples, "earlystop_policy_largest_log_e", "w10", claim)
        line = value_of(samples, "earlystop_policy_log_e_line", "w10", claim)
        assert largest is not None and line is not None and largest >= line == pytest.approx(log(1 / 0.05))
    harm = value_of(samples, "earlystop_policy_largest_log_e", "w10", "harm")
    assert harm is not None and harm < (value_of(samples, "earlystop_policy_log_e_line", "w10", "harm") or 0)


def test_counts_and_exact_match_of_both_arms_are_those_of_the_present_step() -> None:
    state = REACHED["observing"]
    (only,) = state.comparisons
    samples = said(state)
    for variant, tally in (("baseline", only.mark.baseline), ("candidate", only.mark.candidate)):
        labels = ("w10", variant)
        assert value_of(samples, "earlystop_policy_exact_match_ratio", *labels) == tally.exact_match
        assert value_of(samples, "earlystop_policy_step_mean_tokens", *labels) == tally.mean_tokens
        assert value_of(samples, "earlystop_policy_step_answers", *labels, "unscored") == tally.unscored
        assert value_of(samples, "earlystop_policy_step_requests", *labels, "started") == tally.started


def test_saved_tokens_are_shown_by_account_and_worth_what_the_price_says() -> None:
    baseline, candidate = Tally(completed=2_000_000, tokens=1_200_000_000), Tally(completed=10, tokens=2_000)
    ledger = booked(None, counts_of_step(1, 0, StageKind.SPLIT, baseline, [candidate]), NOW)
    samples = said(replace(REACHED["observing"], savings=ledger), Price(per_million_tokens="2.50", currency="EUR"))
    assert value_of(samples, "earlystop_policy_savings_tokens", "saved") == 10 * (600 - 200)
    assert value_of(samples, "earlystop_policy_savings_tokens", "net") == 4_000
    assert value_of(samples, "earlystop_policy_savings_money", "EUR") == 0.01
    assert value_of(samples, "earlystop_policy_savings_until_timestamp_seconds") == NOW
    assert value_of(said(REACHED["observing"]), "earlystop_policy_savings_money", "EUR") is None


def test_a_decision_that_waits_for_a_person_is_told() -> None:
    observing = REACHED["observing"]
    waiting = replace(observing, awaiting=AwaitedDecision("w10", "NonInferiorAndSaving", NOW))
    assert value_of(said(observing), "earlystop_policy_awaiting_approval") == 0
    assert value_of(said(waiting), "earlystop_policy_awaiting_approval") == 1


def test_a_guards_window_and_its_detectors_have_samples_while_it_watches() -> None:
    samples = said(REACHED["promoted and guarded"])
    assert value_of(samples, "earlystop_policy_guard_exact_match_ratio", "candidate") == pytest.approx(0.8)
    assert value_of(samples, "earlystop_policy_guard_token_saving_ratio") == pytest.approx(0.5)
    statistic = value_of(samples, "earlystop_policy_guard_log_statistic", "exact_match")
    line = value_of(samples, "earlystop_policy_guard_log_line", "exact_match")
    assert statistic is not None and line is not None and 0 <= statistic < line == pytest.approx(log(2_592_000 / 0.9))
    assert not any("guard" in each.metric.name for each in said(REACHED["promoted"]))


def test_after_a_guards_alarm_what_has_moved_is_all_that_is_told_of_the_guard() -> None:
    samples = said(REACHED["rolled back by its guard"])
    assert {each.metric.name for each in samples if "guard" in each.metric.name} == {"earlystop_policy_guard_culprit"}
    assert value_of(samples, "earlystop_policy_guard_culprit", "Setting") == 1
