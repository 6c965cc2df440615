"""After a promotion the candidate's answers go bad on real parts: traffic goes back, and users notice nothing else."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from earlystop.rollout.verify import object_differences
from tests.e2e.proof import share
from tests.e2e.stage import Stage, condition_is, phase_is

RATE = 200.0
NAME = "guarded"


@pytest.fixture
def turning(stage: Stage) -> Stage:
    """The stage with a server that spoils candidates' answers from a signal on, under load."""
    assert stage.server is not None
    stage.server.stop(10.0)
    stage.start_server("--empty-answers=0.7", "--spoil-at-signal")
    stage.wait_answering()
    stage.start_load(RATE)
    return stage


@pytest.mark.usefixtures("no_policy_left")
def test_a_promoted_setting_that_goes_bad_is_taken_back_with_a_verdict_and_no_request_fails(turning: Stage) -> None:
    stage, steps = turning, [{"weight": 50, "minimumSeconds": 2}]
    guard = {"holdbackWeight": 20, "windowSeconds": 60}
    times: dict[str, Any] = {"steps": steps, "settleSeconds": 0, "lookSeconds": 1}
    stage.apply_policy(NAME, 10, "0.10", risk="0.05", spec={"guard": guard}, **times)
    stage.wait_for(NAME, phase_is("Promoted"), 60, "promoted")
    watched = stage.wait_for(NAME, condition_is("Guarded", "True", "Watching"), 30, "watched")
    stage.wait_for(NAME, lambda status: status["guard"]["looksTaken"] >= 3, 20, "looked at after its promotion")
    assert watched["phase"] == "Promoted" and watched["weight"] == 80
    assert stage.server is not None
    os.kill(stage.server.pid, signal.SIGUSR1)
    ended = stage.wait_for(NAME, phase_is("RolledBack"), 30, "taken back")
    assert ended["decision"]["reason"] == "GuardAlarm" and "certified" not in ended
    assert share(stage, "candidate") == 0.0
    answered = stage.stop_load()
    assert answered["failed"] == 0, answered["failures"]
    (alarm,) = stage.told(NAME, "GuardAlarm")
    assert "(exact_match)" in alarm and "In the last 60 s Exact Match was" in alarm
    first, second = sorted(stage.verdicts(), key=lambda each: len(each["metadata"]["name"]))
    assert second["metadata"]["name"] == f"{first['metadata']['name']}-2"
    assert object_differences(second) == [] and second["spec"]["previous"] == first["spec"]["digest"]
