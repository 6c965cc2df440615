"""What a restarted operator remembers of a policy's traffic: all that the stored status says of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from earlystop.api.conditions import ConditionStatus, ConditionType, traffic_condition
from earlystop.controller.desired_split import desired_split
from earlystop.controller.memory.policy_snapshot import ConditionSummary
from earlystop.controller.memory.traffic import TrafficMemory
from earlystop.delivery.leaving import successor_in
from earlystop.delivery.traffic_conditions import WRITE_REFUSED, rest_in
from earlystop.rollout.observations import Observation
from earlystop.rollout.state import BETWEEN_TRIALS, ENDED, WATCHING, Phase, RolloutState

IN_FORCE = WATCHING | ENDED | BETWEEN_TRIALS | {Phase.SUSPENDED, Phase.HOLDING}
"""Phases in which the split was in force when the status was stored, if it said so."""


def resumed_traffic(
    state: RolloutState, said: Observation, conditions: Iterable[ConditionSummary], *, recheck: bool
) -> TrafficMemory:
    """The memory to begin with. said: of the traffic, in the stored status; conditions: all of that status.

    recheck: whether the objects of the cluster are compared at once.
    """
    memory, split = TrafficMemory(recheck=recheck), desired_split(state)
    if split is None:
        return memory
    successor = successor_in(said.reason, said.message)
    if successor and state.phase in ENDED:
        memory.handover.resume(successor)
    if said.status is ConditionStatus.TRUE and state.watch_phase in IN_FORCE:
        memory.resume_in_force(split)
    since = next((each.since for each in conditions if each.type == ConditionType.TRAFFIC_APPLIED), None)
    if said.status is not ConditionStatus.FALSE or since is None or said.reason == WRITE_REFUSED:
        return memory
    rest = rest_in(said.message, datetime.fromisoformat(since).timestamp())
    if rest is not None:
        condition = traffic_condition(said.status, said.reason, said.message)
        memory.resume_rest(split, *rest, condition)
    return memory
