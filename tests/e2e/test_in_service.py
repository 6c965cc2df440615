"""After a promotion something moves on real parts: each ends in the right word and the right action, and soon enough.

What became of one setting is waited for while other tests run: its certificate is acted on after a minute.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from earlystop.rollout.verify import object_differences
from tests.cluster.processes import wait_until
from tests.e2e.golden_evaluator import evaluating, write_questions
from tests.e2e.harder_half import write_harder_half
from tests.e2e.other_service import OtherService
from tests.e2e.proof import has_overlay, share
from tests.e2e.stage import Stage, condition_is, phase_is

RATE, OTHER_RATE, PAIRS_A_SECOND = 200.0, 100.0, 40
ONE_STEP: dict[str, Any] = {"steps": [{"weight": 50, "minimumSeconds": 2}], "settleSeconds": 0, "lookSeconds": 1}
GUARD = {"holdbackWeight": 20, "windowSeconds": 3600}
MARGIN, FLOOR = "0.10", "0.75"
PLANNED = 4000
"""Scored answers of the promoted setting in which harm of ten points is found, with one false revert in 30 days."""
RELABELLED = "relabelled"


@pytest.fixture(scope="module")
def turning(stage: Stage) -> Stage:
    """The stage with a server that spoils candidates' answers while it is told to."""
    assert stage.server is not None
    stage.server.stop(10.0)
    stage.start_server("--empty-answers=0.7", "--spoil-at-signal")
    stage.wait_answering()
    return stage


@pytest.fixture(scope="module")
def relabelled(turning: Stage) -> OtherService:
    """A second service whose setting was promoted, and whose model label was changed then. No request asks it."""
    other = OtherService(turning)
    other.create()
    with other.load(OTHER_RATE):
        spec = {**other.spec, "certificate": {"onChange": "RollBack"}}
        turning.apply_policy(RELABELLED, 10, MARGIN, risk="0.05", spec=spec, **ONE_STEP)
        turning.wait_for(RELABELLED, phase_is("Promoted"), 60, "promoted")
    turning.wait_for(RELABELLED, condition_is("Certified", "True", "AsCertified"), 10, "certified")
    other.label_model("another-model")
    return other


@pytest.fixture
def policy(turning: Stage, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a test's own policy, which is gone with its overlay afterwards."""
    name = str(request.node.name).removeprefix("test_")[:30].rstrip("_").replace("_", "-")
    yield name
    turning.delete_policy(name)
    wait_until(lambda: not has_overlay(turning, name), 60, "the overlay to be collected")


def promoted(stage: Stage, name: str, **changes: Any) -> dict[str, Any]:
    """A status after a promotion that a guard watches over."""
    stage.apply_policy(name, 10, MARGIN, risk="0.05", **{"spec": {"guard": GUARD}, **changes}, **ONE_STEP)
    stage.wait_for(name, phase_is("Promoted"), 60, "promoted")
    stage.wait_for(name, condition_is("Guarded", "True", "Watching"), 30, "watched")
    return stage.wait_for(name, lambda status: status["guard"]["looksTaken"] >= 3, 20, "looked at after its promotion")


def assert_taken_back(stage: Stage, name: str, watched: dict[str, Any]) -> str:
    """The setting is taken back within the planned requests, nobody notices, and a verdict says so. Returns the alarm's
    event."""
    ended = stage.wait_for(name, phase_is("RolledBack"), 60, "taken back")
    assert ended["decision"]["reason"] == "GuardAlarm" and "certified" not in ended
    seen = [each["guard"]["window"]["candidate"]["scored"] for each in (watched, ended)]
    assert seen[1] - seen[0] <= PLANNED
    assert share(stage, "candidate") == 0.0
    answered = stage.stop_load()
    assert answered["failed"] == 0, answered["failures"]
    mine = [each for each in stage.verdicts() if each["spec"]["policy"] == name]
    first, second = sorted(mine, key=lambda each: len(each["metadata"]["name"]))
    assert second["metadata"]["name"] == f"{first['metadata']['name']}-2"
    assert object_differences(second) == [] and second["spec"]["previous"] == first["spec"]["digest"]
    (alarm,) = stage.told(name, "GuardAlarm")
    return alarm


def test_another_model_label_is_told_within_seconds(turning: Stage, relabelled: OtherService) -> None:
    lapsed = turning.wait_for(RELABELLED, condition_is("Certified", "False", "ModelChanged"), 15, "told to have lapsed")
    assert lapsed["certified"]["lapse"]["changed"][0] == "Model"
    (told,) = turning.told(RELABELLED, "ModelChanged")
    assert "the model label of the Pods of Deployment other" in told


def test_a_scorer_that_breaks_is_told_and_costs_no_setting(turning: Stage, policy: str, tmp_path: Path) -> None:
    golden, stage = write_questions(turning, tmp_path), turning
    stage.start_load(RATE / 4)
    pairs: dict[str, Any] = {"exactMatch": {"margin": MARGIN, "evidence": "Pairs"}}
    with evaluating(stage, policy, golden, pairs_per_second=PAIRS_A_SECOND):
        promoted(stage, policy, objective=pairs, spec={"guard": {**GUARD, "evidence": "Pairs"}})
        bound = stage.wait_for(
            policy, lambda status: bool(status["certified"]["bound"].get("scorer")), 20, "bound to a scorer"
        )
        assert condition_is("Certified", "True", "AsCertified")(bound)
    # It finds no answer in any text, so that all of both variants' are wrong.
    with evaluating(stage, policy, golden, "--mode=regex", "--pattern=no (such) text", pairs_per_second=PAIRS_A_SECOND):
        lapsed = stage.wait_for(policy, condition_is("Certified", "False", "ScorerChanged"), 30, "told to have lapsed")
        assert lapsed["certified"]["lapse"]["changed"] == ["Scorer"]
        looks = lapsed["guard"]["looksTaken"] + 5
        after = stage.wait_for(policy, lambda status: status["guard"]["looksTaken"] >= looks, 30, "looked at since")
    assert after["phase"] == "Promoted" and after["weight"] == lapsed["weight"], after
    assert stage.stop_load()["failed"] == 0
    assert "how the evaluator scores answers changed" in stage.told(policy, "ScorerChanged")[-1]


def test_users_who_ask_the_harder_half_of_questions_get_the_baseline_back_for_the_floor(
    turning: Stage, policy: str, tmp_path: Path
) -> None:
    stage = turning
    stage.start_load(RATE)
    floor: dict[str, Any] = {"exactMatch": {"margin": MARGIN, "floor": FLOOR, "assumeIndependent": True}}
    watched = promoted(stage, policy, objective=floor)
    assert stage.stop_load()["failed"] == 0
    stage.start_load(RATE, 2, f"--data={write_harder_half(stage.data, tmp_path)}")
    alarm = assert_taken_back(stage, policy, watched)
    assert "(floor)" in alarm, alarm


def test_a_setting_whose_answers_go_bad_is_taken_back_with_a_verdict_and_no_request_fails(
    turning: Stage, policy: str
) -> None:
    stage = turning
    stage.start_load(RATE)
    watched = promoted(stage, policy)
    assert watched["phase"] == "Promoted" and watched["weight"] == 100 - GUARD["holdbackWeight"]
    assert stage.server is not None
    os.kill(stage.server.pid, signal.SIGUSR1)
    try:
        alarm = assert_taken_back(stage, policy, watched)
    finally:
        os.kill(stage.server.pid, signal.SIGUSR2)
    assert "(exact_match)" in alarm and "Exact Match was" in alarm


def test_a_setting_whose_model_label_stays_changed_is_taken_back_after_a_minute(
    turning: Stage, relabelled: OtherService
) -> None:
    ended = turning.wait_for(RELABELLED, phase_is("RolledBack"), 80, "taken back")
    assert ended["decision"]["reason"] == "CertificateLapsed" and "certified" not in ended
    asked = relabelled.ask()
    assert asked.failed == 0 and asked.variants.get("candidate", 0) == 0
    (verdict,) = [each for each in turning.verdicts() if each["spec"]["reason"] == "CertificateLapsed"]
    assert object_differences(verdict) == [] and verdict["metadata"]["name"].endswith("-2")
