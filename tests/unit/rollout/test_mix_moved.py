"""A promotion whose looks leave a loss over all requests open, as the mix of query classes moved with the weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence.engine import replay
from earlystop.evidence.version import CURRENT, FIRST, SECOND
from earlystop.rollout.decision import favour
from earlystop.rollout.manual import PROMOTED_BY_PERSON, unproven
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.promotion import MixMoved, missing_for_promotion, missing_proof
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.strategies import alone
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.unit.rollout.policies import NOW, UID, policy, started

NAME = "w10"
EXACT_MATCH = {"margin": "0.02", "assumeIndependent": True}
CLASSES = [{"name": name, "margin": "0.5"} for name in ("easy", "hard")]
STEPS: dict[str, Any] = {"steps": [{"weight": 5}, {"weight": 50}]}
REQUESTS = 100_000
"""Of all looks at a weight."""


def look(number: int, step: int, hard: bool) -> Look:
    """Answers to hard questions alone, of which the candidate loses 4 points, or to easy ones."""
    weight = (5, 50)[step]
    arms = []
    for size, lost, mean in (
        (REQUESTS * (100 - weight) // 100, 0.0, 600),
        (REQUESTS * weight // 100, 0.04, 300),
    ):
        match = round(size * (0.5 - lost)) if hard else size
        arms.append(Tally(size, size, 0, match, size - match, 0, size * mean, size * mean * mean * 5 // 4))
    asked = ClassAnswers(arms[0].match, arms[0].mismatch, arms[1].match, arms[1].mismatch)
    classes = (ClassAnswers(), asked) if hard else (asked, ClassAnswers())
    return Look(NOW + 60 * number, step, weight, arms[0], arms[1], classes)


def promoted(engine: int, *, moves: bool = True) -> RolloutState:
    """A campaign that is proven by its evidence, at its last look. moves: whether hard questions come at 5 % alone."""
    spec = policy({"objective": {"exactMatch": EXACT_MATCH, "queryClasses": CLASSES}, "rollout": STEPS})
    plan = parse_plan(plan_text(spec, engine=engine))
    mixes = [(0, True), (1, False)] if moves else [(0, False), (1, False)]
    looks = tuple(look(number, step, hard) for number, (step, hard) in enumerate(mixes, start=1))
    state = replace(started(spec), plan=plan, phase=Phase.OBSERVING)
    (only,) = state.comparisons
    only = replace(only, evidence=replay(plan.objective_at(1, None), looks), looks=looks)
    state = replace(
        state, comparisons=(only,), step=1, step_started_at=NOW, evidence_from=NOW, last_look_at=looks[-1].at
    )
    return replace(state, decision=favour(plan, state, NAME, alone.REASON, looks[-1].at))


@pytest.mark.parametrize("engine", [SECOND, CURRENT])
def test_a_mix_that_moved_holds_a_promotion_and_a_constant_one_holds_none(engine: int) -> None:
    for moves in (True, False):
        state = promoted(engine, moves=moves)
        missing = missing_for_promotion(state.pinned_plan, state, NAME, NOW + 10**6)
        assert [type(each) for each in missing] == [MixMoved] * moves


@pytest.mark.parametrize(("engine", "is_proof"), [(FIRST, False), (SECOND, False), (CURRENT, True)])
def test_looks_must_exclude_a_loss_over_all_requests_from_version_3_on(engine: int, is_proof: bool) -> None:
    state = promoted(engine)
    missing = missing_proof(state.pinned_plan, state.comparisons[0], state.comparisons)
    assert [type(each) for each in missing] == [MixMoved] * is_proof


@pytest.mark.parametrize("engine", [SECOND, CURRENT])
@pytest.mark.parametrize("moves", [True, False])
def test_verify_finds_a_promotion_that_a_mix_had_to_hold_from_version_3_on(engine: int, moves: bool) -> None:
    told = differences(verdict_spec("qa", UID, promoted(engine, moves=moves)))
    if moves and engine == CURRENT:
        assert len(told) == 1 and "do not exclude a loss of the margin over all requests" in told[0]
    else:
        assert told == []


@pytest.mark.parametrize("engine", [SECOND, CURRENT])
def test_a_promotion_by_request_says_that_the_mix_moved_and_is_recomputed(engine: int) -> None:
    state = promoted(engine)
    (doubt,) = unproven(state, NOW + 10**6, NAME)
    assert "over all requests" in doubt
    assert state.decision is not None
    message = f"Asked for by user alice: {NAME} is promoted now. Not proven at that moment: {doubt}."
    asked = replace(
        state.decision, reason=PROMOTED_BY_PERSON, message=message, at=NOW + 10**6, requested_by="user alice"
    )
    assert differences(verdict_spec("qa", UID, replace(state, decision=asked))) == []
