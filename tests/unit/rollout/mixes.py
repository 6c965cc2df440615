"""Campaigns that are proven by their evidence while the mix of query classes moved with the weights, or did not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence.engine import replay
from earlystop.rollout.decision import favour
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.strategies import alone
from tests.unit.rollout.policies import NOW, policy, started

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


def promoted_by_mixes(engine: int, *, moves: bool = True) -> RolloutState:
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
