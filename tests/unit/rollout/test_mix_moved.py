"""A promotion whose looks leave a loss over all requests open, as the mix of query classes moved with the weights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.evidence.version import CURRENT, FIRST, SECOND
from earlystop.rollout.manual import PROMOTED_BY_PERSON, unproven
from earlystop.rollout.promotion import MixMoved, missing_for_promotion, missing_proof
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.unit.rollout.mixes import NAME, promoted_by_mixes
from tests.unit.rollout.policies import NOW, UID


@pytest.mark.parametrize("engine", [SECOND, CURRENT])
def test_a_mix_that_moved_holds_a_promotion_and_a_constant_one_holds_none(engine: int) -> None:
    for moves in (True, False):
        state = promoted_by_mixes(engine, moves=moves)
        missing = missing_for_promotion(state.pinned_plan, state, NAME, NOW + 10**6)
        assert [type(each) for each in missing] == [MixMoved] * moves


@pytest.mark.parametrize(("engine", "is_proof"), [(FIRST, False), (SECOND, False), (CURRENT, True)])
def test_looks_must_exclude_a_loss_over_all_requests_from_version_3_on(engine: int, is_proof: bool) -> None:
    state = promoted_by_mixes(engine)
    missing = missing_proof(state.pinned_plan, state.comparisons[0], state.comparisons)
    assert [type(each) for each in missing] == [MixMoved] * is_proof


@pytest.mark.parametrize("engine", [SECOND, CURRENT])
@pytest.mark.parametrize("moves", [True, False])
def test_verify_finds_a_promotion_that_a_mix_had_to_hold_from_version_3_on(engine: int, moves: bool) -> None:
    told = differences(verdict_spec("qa", UID, promoted_by_mixes(engine, moves=moves)))
    if moves and engine == CURRENT:
        assert len(told) == 1 and "do not exclude a loss of the margin over all requests" in told[0]
    else:
        assert told == []


@pytest.mark.parametrize("engine", [SECOND, CURRENT])
def test_a_promotion_by_request_says_that_the_mix_moved_and_is_recomputed(engine: int) -> None:
    state = promoted_by_mixes(engine)
    (doubt,) = unproven(state, NOW + 10**6, NAME)
    assert "over all requests" in doubt
    assert state.decision is not None
    message = f"Asked for by user alice: {NAME} is promoted now. Not proven at that moment: {doubt}."
    asked = replace(
        state.decision, reason=PROMOTED_BY_PERSON, message=message, at=NOW + 10**6, requested_by="user alice"
    )
    assert differences(verdict_spec("qa", UID, replace(state, decision=asked))) == []
