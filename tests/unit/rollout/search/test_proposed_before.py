"""A trial that an earlier release proposed, and that is under way when a newer one takes over."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from earlystop.api.searches import SEARCHES
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.search.trial_plan import TrialPlan
from earlystop.rollout.state import RolloutState
from earlystop.rollout.verdict import digest_of, verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.unit.rollout.policies import UID
from tests.unit.rollout.states import REACHED

CERTIFIED = REACHED["searching, a trial is certified"]
OTHER_RELEASE = "Version 1 of strategy Ladder proposed this trial"


def _proposed_by_the_first_version(state: RolloutState) -> RolloutState:
    """The state as the release left it whose proposer had version 1: its plans named none."""
    plan = json.loads(state.pinned_plan.text)
    assert plan["trial"].pop("version") == SEARCHES["Ladder"].version > 1
    return replace(state, plan=parse_plan(json.dumps(plan, sort_keys=True, separators=(",", ":"))))


def test_a_verdict_names_the_version_that_proposed_its_trial_whichever_release_writes_it() -> None:
    assert verdict_spec("qa", UID, CERTIFIED)["search"]["version"] == SEARCHES["Ladder"].version
    record = verdict_spec("qa", UID, _proposed_by_the_first_version(CERTIFIED))
    assert record["search"]["version"] == 1
    (told,) = differences(record)
    assert told.startswith(OTHER_RELEASE)


@pytest.mark.parametrize("version", [1, 3])
def test_no_other_version_than_the_plan_s_can_be_claimed(version: int) -> None:
    record = verdict_spec("qa", UID, CERTIFIED)
    record["search"]["version"] = version
    record["digest"] = digest_of(record)
    (told,) = differences(record)
    assert told == f"The record names version {version} of strategy Ladder, and its plan 2."


def test_a_plan_without_a_version_was_proposed_by_the_first_one() -> None:
    trial = TrialPlan(1, 2, "window-10", (("window", "10"),), 0.0125, 8000)
    assert "version" not in trial.wire() and TrialPlan.of(trial.wire()).version == 1
    assert TrialPlan.of(replace(trial, version=2).wire()).version == 2
    with pytest.raises(ValueError, match="whole numbers"):
        TrialPlan.of({**trial.wire(), "version": "2"})
