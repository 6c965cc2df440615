"""A strategy is added by one file and one row of the table."""

from __future__ import annotations

import json

import pytest

from earlystop.api.strategies import STRATEGIES, StrategyTraits
from earlystop.rollout.exposure import weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Phase, RolloutState, Verdict
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.words.event_notes import event_notes
from tests.unit.rollout.policies import UID, policy, started
from tests.unit.rollout.several import BETTER, GOOD, TOGETHER, Answering, decided


def test_a_strategy_of_one_file_and_one_row_plays_a_rollout_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    row = StrategyTraits(module="tests.unit.rollout.strategies.toy", takes_several=True)
    monkeypatch.setitem(STRATEGIES, "Race", row)
    spec = policy({**TOGETHER, "rollout": {**TOGETHER["rollout"], "strategy": "Race"}})
    begun = started(spec)
    assert weights(begun) == (40, 20, 20, 20)
    assert event_notes(RolloutState(), begun)[0].message.endswith(" in a race.")
    state = decided(spec, begun, (Answering(mean_tokens=600), GOOD, BETTER))
    assert state.decision is not None
    assert (state.decision.verdict, state.decision.candidate) == (Verdict.PROMOTE, "w5")
    promoted = carried_out(state)
    assert promoted.phase is Phase.PROMOTED and weights(promoted) == (0, 0, 100, 0)
    status = json.loads(json.dumps(to_status("qa", UID, LiveTimes.of(spec), promoted, "")))
    assert from_status(status) == (promoted, "")
