"""What holds of a policy's objects at every moment, whoever was interrupted doing what."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from earlystop.controller.cluster import EVENTS, POLICIES, ROUTES, VERDICTS
from earlystop.delivery.gateway_header import weights_in
from earlystop.delivery.names import overlay_name
from earlystop.rollout.state import Phase, RolloutState, Verdict
from tests.unit.controller.memory import Memory
from tests.unit.controller.stored_status import stored_state
from tests.unit.rollout.exposed import candidate_weight

# The last events that decisions are told by, with the phase that they follow from.
TOLD_AT_THE_END = {"Promoted": Phase.PROMOTED, "RolledBack": Phase.ROLLED_BACK, "Inconclusive": Phase.HELD}


@dataclass(frozen=True)
class Snapshot:
    """The objects of one policy at one moment.

    state: as stored in status. in_force: percent of requests that the overlay gives candidates, 0 without one.
    verdicts: by name, what each says. told: reasons of events.
    """

    state: RolloutState
    decision_name: str
    in_force: int
    verdicts: dict[str, str]
    told: frozenset[str]


def snapshot(api: Memory) -> Snapshot:
    """What is stored of the policy `qa` now."""
    policy = api.at(POLICIES, "llm", "qa")
    status, state = policy.get("status", {}), stored_state(api, policy)
    overlay = api.objects.get(ROUTES.path("llm", overlay_name("qa")))
    weights = weights_in(overlay) if overlay is not None else {(100,)}
    (in_force,) = {sum(each[1:]) for each in weights}
    verdicts = [each for path, each in api.objects.items() if path.startswith(VERDICTS.path("llm"))]
    told = [each["reason"] for path, each in api.objects.items() if path.startswith(EVENTS.path("llm"))]
    return Snapshot(
        state,
        status.get("decision", {}).get("name", ""),
        in_force,
        {each["metadata"]["name"]: each["spec"]["decision"] for each in verdicts},
        frozenset(told),
    )


def check_invariants(now: Snapshot, asked_for: Collection[int]) -> None:
    """The order of acting that `phase_actions` states, independent of its table. asked_for: the percents that stored
    states have asked for until now."""
    phase, decision = now.state.phase, now.state.decision
    recorded = now.verdicts.get(now.decision_name)
    assert now.in_force in {0, *asked_for}, "the route is ahead of what is stored"
    assert set(now.verdicts) <= {now.decision_name}, "a verdict is ahead of the decision that it records"
    if decision is not None and decision.verdict is Verdict.PROMOTE:
        assert now.in_force < 100 or recorded is not None, "exposure rose before the verdict was stored"
    if decision is not None and decision.verdict is Verdict.ROLL_BACK:
        assert recorded is None or now.in_force == 0, "the verdict was stored before exposure fell"
    for reason in now.told & set(TOLD_AT_THE_END):
        assert phase == TOLD_AT_THE_END[reason], "an event is ahead of what it tells"
        assert recorded is not None and now.in_force == candidate_weight(now.state)
