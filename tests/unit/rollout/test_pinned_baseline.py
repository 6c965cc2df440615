"""Promotions since a pinned baseline share one margin and one risk, whatever is committed, retried or restarted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.policy import PolicySpec
from earlystop.rollout.baseline_use import refusal_of_baseline, used_before
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import Declined, abort, promote_now
from earlystop.rollout.margin_use import NOTHING_USED, MarginUse, digest_of_setting, part_of
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.state import ProvenLoss, RolloutState
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.unsupported import pinned_refusal
from earlystop.rollout.verdict import verdict_object, verdict_spec
from earlystop.rollout.verify.verdict import chain_differences, differences
from tests.unit.rollout.policies import NOW, UID, examples, policy, started
from tests.unit.rollout.traffic import SAVING, Server, decided

FIRST = [{"name": "window", "value": "40"}, {"name": "patience", "value": "2.5"}]


def pinned(
    baseline: str = "40", candidate: str = "10", promotions: int = 2, changes: dict[str, Any] | None = None
) -> PolicySpec:
    """A policy with a margin of 5 points, pinned to a window of 40."""
    values = [{"name": "window", "value": baseline}, {"name": "patience", "value": "2.5"}]
    return policy(
        {
            "baseline": {"values": values, "pinned": {"values": FIRST, "promotions": promotions}},
            "candidates": [{"name": f"w{candidate}", "values": [{"name": "window", "value": candidate}]}],
            **(changes or {}),
        }
    )


def begun(spec: PolicySpec, before: RolloutState, retry: str = "", digest: str = "") -> RolloutState:
    return start_campaign(spec, retry, before, NOW, CampaignInputs(uid=UID, entropy="", previous_digest=digest))


def promoted(spec: PolicySpec, before: RolloutState | None = None, digest: str = "") -> RolloutState:
    state = begun(spec, before or RolloutState(), digest=digest)
    return carried_out(decided(spec, state, Server(), SAVING))


def margin(state: RolloutState) -> float:
    return state.pinned_plan.objective.margin


def test_the_first_of_two_promotions_may_lose_half_of_the_margin_at_half_of_the_risk() -> None:
    objective = started(pinned()).pinned_plan.objective
    assert (objective.margin, objective.risk_promote, objective.risk_harm) == (0.025, 0.025, 0.05)


def test_the_promotions_after_a_commit_lose_no_more_than_the_margin_together() -> None:
    first = promoted(pinned())
    (loss,) = first.losses
    assert loss.values == {"window": "10", "patience": "2.5"} and 0 <= loss.lost <= margin(first) and loss.risk == 0.025
    second = begun(pinned("10", "5"), first)
    assert margin(second) == pytest.approx(0.05 - loss.lost, abs=1e-6)
    assert second.pinned_plan.objective.risk_promote == pytest.approx(0.025)
    last = promoted(pinned("10", "5"), first)
    assert last.losses[0].lost <= 0.05 and last.losses[0].promotions == 2
    refused = begun(pinned("5", "3"), last)
    assert refused is last
    refusal = refusal_of_baseline(pinned("5", "3"), last.losses)
    assert refusal is not None and refusal.reason == "MarginSpent"


def test_without_a_pinned_baseline_each_campaign_has_the_whole_margin_and_nothing_is_recorded() -> None:
    first = promoted(policy())
    assert margin(first) == 0.05 and first.losses == ()
    assert "margin" not in verdict_spec("qa", UID, first)


def test_a_baseline_that_was_never_proven_is_refused_with_what_to_write() -> None:
    first = promoted(pinned())
    for losses in ((), first.losses):
        refusal = refusal_of_baseline(pinned("11", "5"), losses)
        assert refusal is not None and refusal.reason == "BaselineNotProven" and "status.certified" in refusal.message
    assert begun(pinned("11", "5"), first) is first
    assert refusal_of_baseline(pinned("11", "5", changes={"baseline": {"values": FIRST}}), ()) is None


def test_a_setting_that_a_person_promoted_or_aborted_is_not_proven() -> None:
    spec = pinned()
    times, request = LiveTimes.of(spec), Request(f"{started(spec).revision}", by="Ada")
    by_person = promote_now(times, started(spec), request, "", NOW)
    assert not isinstance(by_person, Declined)
    assert carried_out(by_person).losses == ()
    aborted = abort(times, promoted(spec), request, "", NOW)
    assert not isinstance(aborted, Declined)
    assert aborted.losses == () and promoted(spec).losses != ()


def test_a_campaign_under_way_keeps_its_part_whatever_is_proven_meanwhile() -> None:
    first = promoted(pinned())
    second = begun(pinned("10", "5"), first)
    more = replace(second, losses=(replace(second.losses[0], lost=0.02), *second.losses[1:]))
    assert begun(pinned("10", "5"), more) is more


def test_of_a_setting_that_was_proven_twice_the_larger_loss_holds() -> None:
    first = promoted(pinned())
    worse = replace(first, losses=(replace(first.losses[0], lost=0.0249, promotions=2),))
    again = carried_out(decided(pinned(), begun(pinned(), worse, "retry"), Server(), SAVING))
    assert [(each.lost, each.promotions) for each in again.losses] == [(0.0249, 2)]


def test_a_return_to_the_pinned_baseline_has_lost_nothing() -> None:
    assert used_before(pinned(), promoted(pinned()).losses) == NOTHING_USED


def test_losses_against_another_pinned_baseline_do_not_count() -> None:
    other = ProvenLoss(digest_of_setting({"window": "39"}), {"window": "10", "patience": "2.5"}, 0.01, 0.025, 1)
    assert used_before(pinned("10", "5"), (other,)) is None


def test_status_and_verdict_say_what_is_spent_and_left_and_a_restart_forgets_none_of_it() -> None:
    first = promoted(pinned())
    spec = pinned("10", "5")
    second = begun(spec, first)
    status = json.loads(json.dumps(to_status("qa", UID, LiveTimes.of(spec), second, "")))
    spent = f"{first.losses[0].lost:.6g}"
    assert status["margin"]["spent"] == spent and status["margin"]["promotion"] == 2
    assert float(status["margin"]["left"]) == pytest.approx(0.05 - float(spent))
    assert status["risk"]["promoteSpent"] == "0.05"
    assert from_status(status)[0] == second
    record = json.loads(json.dumps(verdict_spec("qa", UID, decided(spec, second, Server(), SAVING))))
    assert float(spent) <= float(record["margin"]["spentAfter"]) <= 0.05
    assert "of 5 points are spent by 2 of 2 promotions" in record["message"]
    assert differences(record) == []
    forged = {**record, "margin": {**record["margin"], "spentAfter": "0.001"}}
    assert any("spent of the margin" in each for each in differences(forged))


def test_verify_follows_the_margin_through_the_chain_of_verdicts() -> None:
    first = promoted(pinned())
    one = verdict_object("qa", "llm", UID, first)
    last = verdict_object("qa", "llm", UID, promoted(pinned("10", "5"), first, one["spec"]["digest"]))
    assert chain_differences(last, [one, last]) == []
    fresh = replace(first, losses=(replace(first.losses[0], lost=0.0),))
    cheat = verdict_object("qa", "llm", UID, promoted(pinned("10", "5"), fresh, one["spec"]["digest"]))
    assert differences(cheat["spec"]) == []
    assert any("allow a loss of" in each for each in chain_differences(cheat, [one, cheat]))
    alone = {**cheat, "spec": {**cheat["spec"], "previous": ""}}
    assert any("proves its baseline" in each for each in chain_differences(alone, [alone]))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            [{"name": "window", "value": "41"}, {"name": "patience", "value": "2.5"}],
            "window 41 is not between 1 and 40",
        ),
        ([{"name": "window", "value": "9.5"}, {"name": "patience", "value": "2.5"}], "window 9.5 is no whole number"),
        ([*FIRST, {"name": "width", "value": "1"}], "there is no parameter width"),
        ([{"name": "window", "value": "40"}], "no value for patience"),
    ],
)
def test_a_pinned_baseline_that_is_no_setting_of_the_parameters_is_refused_by_name(values: Any, said: str) -> None:
    refusal = pinned_refusal(pinned(changes={"baseline": {"values": FIRST, "pinned": {"values": values}}}))
    assert refusal is not None and refusal.reason == "PinnedBaselineUnusable" and said in refusal.message
    assert pinned_refusal(pinned()) is None


@pytest.mark.parametrize("used", [{"lost": -0.1}, {"lost": "0"}, {"promotions": 1.5}, {"risk": 1.0}, {"spent": 0.1}])
def test_a_plan_with_a_use_that_cannot_be_is_refused(used: Any) -> None:
    text = {**json.loads(plan_text(pinned())), "used": used}
    with pytest.raises(ValueError, match="used"):
        parse_plan(json.dumps(text))


@pytest.mark.slow
@examples
@given(
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=8),
    promotions=st.integers(1, 8),
    whole=st.sampled_from(("0.002", "0.02", "0.3333")),
)
def test_however_much_each_promotion_uses_of_its_part_all_use_no_more_than_the_whole(
    shares: list[float], promotions: int, whole: str
) -> None:
    spec = pinned(promotions=promotions, changes={"objective": {"exactMatch": {"margin": whole}}})
    used = NOTHING_USED
    for of_part in shares:
        try:
            part = part_of(spec, used)
        except ValueError:
            break
        used = MarginUse(used.lost + of_part * part.margin, used.risk + part.risk, used.promotions + 1)
    assert used.lost <= float(whole) and used.risk <= 0.05 + 1e-12 and used.promotions <= promotions
