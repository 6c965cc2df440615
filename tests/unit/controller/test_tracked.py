"""What a tracked policy holds in memory."""

from __future__ import annotations

import gc
from dataclasses import replace

from tests.unit.controller.tracked_policies import tracked
from tests.unit.rollout.policies import NOW, policy, started


def test_a_state_that_a_policy_has_moved_on_from_is_not_kept_in_memory() -> None:
    moving = tracked(replace(started(policy()), last_look_at=NOW))
    before = moving.state
    assert moving.split is not None, "a look asks for it"
    after = replace(before, last_look_at=NOW + 15)
    moving.advance(after, moving.ledger)
    moving.status.note_stored(after)
    holders = [each for each in gc.get_referrers(before) if isinstance(each, tuple | list | dict) or each is moving]
    assert not holders
