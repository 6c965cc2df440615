"""A baseline below its own floor is told on the first screen, also while nothing is decided yet."""

from __future__ import annotations

import json

from earlystop.rollout.state import Phase, Totals
from tests.unit.cli.shown_policies import screen
from tests.unit.controller.tracked_policies import manifest
from tests.unit.rollout.claims import judging, observed
from tests.unit.rollout.traffic import answers

SLOW = {"steps": [{"weight": 50, "minimumSeconds": 600_000}], "deadlineSeconds": 2_000_000}


def test_a_campaign_under_way_says_on_one_screen_that_its_baseline_is_below_the_floor_and_what_to_write() -> None:
    spec = judging({"exactMatch": {"margin": "0.05", "floor": "0.81"}}, SLOW)
    state = observed(spec, Totals(answers(200), answers(200, mean_tokens=300)))
    assert state.phase is Phase.OBSERVING
    made = manifest(state)
    made["spec"] = json.loads(spec.model_dump_json(by_alias=True, exclude_none=True))
    lines = screen(made, 80, 24)
    text = " ".join(" ".join(lines).split())
    assert len(lines) <= 24 and "The baseline itself is below objective.exactMatch.floor: 160 of its 200" in text
    assert "write a lower floor. A promotion waits for" in text
