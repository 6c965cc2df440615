"""A campaign against a baseline that sets nothing, with words as values: plan, status and verdict say so."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.policy import PolicySpec
from earlystop.rollout.baseline_use import used_before
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.serving import setting_pairs
from earlystop.rollout.state import Decision, Verdict
from earlystop.rollout.stored.settings import settings_text, values_of
from earlystop.rollout.unsupported import pinned_refusal, unwritten_bodies
from earlystop.rollout.words.summary import summary
from tests.unit.api.body_policies import body_spec, setting
from tests.unit.rollout.policies import started

TRIED = {"name": "low", "values": [setting("effort", "low"), setting("thinking", "false"), setting("budget", "512.0")]}


def spec(**changes: object) -> PolicySpec:
    return PolicySpec.model_validate(body_spec(candidates=[TRIED], **changes))


def test_a_plan_is_read_back_as_it_was_written() -> None:
    plan = parse_plan(plan_text(spec()))
    assert plan.baseline_settings == {}
    assert plan.settings_of("low") == {"effort": "low", "thinking": "false", "budget": "512"}
    assert plan.is_asked_for(spec(), "") and plan_text(plan.spec) == plan.text
    assert values_of(settings_text(plan.settings_of("low"))) == plan.settings_of("low")


def test_a_verdict_says_what_was_left_to_clients_before_and_after() -> None:
    state = started(spec())
    plan, comparison = state.pinned_plan, state.comparisons[0]
    decided = Decision(Verdict.PROMOTE, "NonInferiorAndSaving", "", 0, "low")
    promoted = [each.wire() for each in setting_pairs(plan, comparison, decided)]
    assert promoted == [
        {"name": "effort", "after": "low"},
        {"name": "thinking", "after": "false"},
        {"name": "budget", "after": "512"},
    ]
    pairs = setting_pairs(plan, comparison, replace(decided, verdict=Verdict.ROLL_BACK))
    assert [each.wire() for each in pairs] == [{"name": "effort"}, {"name": "thinking"}, {"name": "budget"}]


def test_a_status_says_that_the_baseline_sets_nothing() -> None:
    assert "effort=low, thinking=false, budget=512 (baseline with nothing set)" in summary(started(spec()))


def test_a_pinned_baseline_may_set_nothing_and_its_words_must_be_of_the_parameters() -> None:
    assert pinned_refusal(spec(baseline={"values": [], "pinned": {"values": []}})) is None
    assert used_before(spec(baseline={"values": [], "pinned": {"values": []}}), ()) is not None
    refusal = pinned_refusal(spec(baseline={"values": [], "pinned": {"values": [setting("effort", "max")]}}))
    assert refusal is not None and "effort max is none of low, medium, high" in refusal.message


def test_bodies_are_refused_in_a_mode_that_writes_into_none() -> None:
    assert unwritten_bodies(spec()) is None
    refusal = unwritten_bodies(spec(delivery={"mode": "GatewayHeader", "gatewayHeader": {"routeRef": {"name": "qa"}}}))
    assert refusal is not None and refusal.reason == "BodyNotWritten"
    assert "delivery.mode GatewayHeader writes nothing into bodies" in refusal.message
