"""A server that gives candidates' wrong answers no score: the rollout ends in no promotion, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is

RATE = 200.0
NAME = "unscored"


@pytest.fixture
def spoiling(stage: Stage) -> Iterator[Stage]:
    """The stage with a server that spoils answers, under load."""
    assert stage.server is not None
    stage.server.stop(10.0)
    stage.start_server("--unscored-wrong-answers=0.9")
    stage.start_load(RATE)
    yield stage
    stage.stop_load()


@pytest.mark.usefixtures("no_policy_left")
def test_wrong_answers_that_vanish_hold_a_promotion_in_the_right_words(spoiling: Stage) -> None:
    stage = spoiling
    exact = {"exactMatch": {"margin": "0.30", "unscored": "Exclude", "assumeIndependent": True}}
    patient: dict[str, Any] = {"steps": [{"weight": 50, "minimumSeconds": 600}], "deadlineSeconds": 3600}
    stage.apply_policy(NAME, 10, "0.30", saving="0", objective=exact, **patient)
    held = stage.wait_for(NAME, condition_is("Progressing", "False", "AttritionDiffers"), 60, "held")
    assert phase_is("Observing")(held)
    (message,) = {each["message"] for each in held["conditions"] if each["type"] == "Progressing"}
    assert "of the candidate's answers could not be scored and 0.0 % of the baseline's" in message
    stage.told(NAME, "AttritionDiffers")
