"""The part of a policy that an edit changes under way: how often counts are looked at, how long the rollout
waits, and what happens then.

What a campaign tries and must prove is pinned (`plan.Plan`). The two differ by type, so that a transition which takes
this one cannot read a step or a margin that was edited meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from earlystop.api.approval import Approval
from earlystop.api.certificate import CertificatePolicy
from earlystop.api.gates import Gate
from earlystop.api.guard import Guard
from earlystop.api.policy import PolicySpec
from earlystop.api.rollout import OnNoMetrics
from earlystop.rollout.settling import SettleTimes, settle_times

NOBODY = Approval()
"""No decision waits for people."""
KEPT = CertificatePolicy()
"""Nothing follows from a lapse but its condition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTimes:
    """Times of a rollout as the policy says them now, in seconds, and what is done when they are over.

    look_seconds: between two looks, before it doubles. settle: between weights in force and their snapshot.
    deadline_seconds: from the campaign's start until it ends without a verdict. hold_when_inconclusive: whether weights
    stay as they are then. on_no_metrics: how long counts may be missing. suspend: whether nothing may move. approval:
    which decisions wait for people, and how long. gates, step_gates: what else promotions and steps wait for. guard:
    what watches over a promotion, None for nothing. certificate: what follows when one lapses.
    """

    look_seconds: int
    settle: SettleTimes
    deadline_seconds: int
    hold_when_inconclusive: bool
    on_no_metrics: OnNoMetrics
    suspend: bool
    approval: Approval = NOBODY
    gates: tuple[Gate, ...] = ()
    step_gates: tuple[Gate, ...] = ()
    guard: Guard | None = None
    certificate: CertificatePolicy = KEPT

    @classmethod
    def of(cls, spec: PolicySpec) -> Self:
        """The part of a spec that may be edited without ending the campaign."""
        rollout = spec.rollout
        return cls(
            look_seconds=rollout.look_seconds,
            settle=settle_times(spec),
            deadline_seconds=rollout.deadline_seconds,
            hold_when_inconclusive=rollout.on_inconclusive == "Hold",
            on_no_metrics=rollout.on_no_metrics,
            suspend=spec.suspend,
            approval=spec.approval,
            gates=tuple(each for each in rollout.gates or () if each.before == "Promotion"),
            step_gates=tuple(each for each in rollout.gates or () if each.before == "Step"),
            guard=spec.guard,
            certificate=spec.certificate,
        )

    @property
    def without_people(self) -> Self:
        """The times as if nobody, and no gate, had to agree to anything: all have agreed, or none is there to be
        asked."""
        return replace(self, approval=NOBODY, gates=(), step_gates=())
