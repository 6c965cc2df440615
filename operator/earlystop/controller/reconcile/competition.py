"""Which of several policies has a target or route: one rule, as pure functions of what the operator tracks.

A policy holds the traffic of its campaign while that is under way, and after its end as long as candidates have
requests: promoted, or held without a verdict. A campaign that ended with all requests on the baseline holds nothing. It
leaves the target to any policy that wants it, and what it had put on the route is taken off before the other begins.
Of several that want a target, the one that holds it keeps it; else one that is accepted has it, else the older.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from earlystop.api.conditions import Refusal
from earlystop.api.policy import PolicySpec
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.rollout.guard.adjust import steps_back
from earlystop.rollout.state import ENDED, WITHOUT_CANDIDATE, Phase
from earlystop.rollout.trials.sequence import due_again_at

TARGET_TAKEN = "TargetTaken"


class Competition(NamedTuple):
    """What others mean for a policy's target at one moment.

    successor: name of the policy that it leaves its target to, "" for none. refusal: why it may not begin, None when
    nothing of others keeps it. leaving: those that have yet to leave what it wants to begin with.
    """

    successor: str
    refusal: Refusal | None
    leaving: Sequence[TrackedPolicy]


def competition_for(tracked: TrackedPolicy, policies: Iterable[TrackedPolicy]) -> Competition:
    """All that a check has to know of the other policies. policies: all that are tracked."""
    others = _others(tracked, policies)
    refusal = competition_refusal(tracked, others)
    return Competition(successor_of(tracked, others), refusal, leaving_for(tracked, others))


def competition_refusal(tracked: TrackedPolicy, policies: Iterable[TrackedPolicy]) -> Refusal | None:
    """Why another policy has the better claim on the same target or route, or has not left it yet; None when neither
    is so. policies: all that are tracked."""
    if not _wants(tracked):
        return None
    others = _others(tracked, policies)
    for other in others:
        if _contested(other, tracked.spec) and _claim(other, tracked.spec) < _claim(tracked, tracked.spec):
            aborts = ", or abort the campaign of that one" if _holds(other, tracked.spec) else ""
            return Refusal(
                TARGET_TAKEN,
                f"Policy {other.name} has the traffic of this target or route. Delete one of the two policies{aborts}.",
            )
    leaving = leaving_for(tracked, others)
    if not leaving:
        return None
    return Refusal(
        TARGET_TAKEN,
        f"The campaign of policy {leaving[0].name} is over, and its objects are taken off this target or route first. "
        "This policy goes on by itself within seconds.",
    )


def leaving_for(tracked: TrackedPolicy, policies: Iterable[TrackedPolicy]) -> list[TrackedPolicy]:
    """The policies that have yet to leave the traffic that a policy wants to begin with."""
    if _holds(tracked, tracked.spec) or not _wants(tracked):
        return []
    return [
        each
        for each in _others(tracked, policies)
        if is_over(each) and _same_traffic(each.plan.spec, tracked.spec) and not each.traffic.handover.is_left
    ]


def successor_of(tracked: TrackedPolicy, policies: Iterable[TrackedPolicy]) -> str:
    """Name of the policy that a policy whose campaign is over leaves its target to; "" for none."""
    if not is_over(tracked):
        return ""
    traffic = tracked.plan.spec
    return next((each.name for each in _others(tracked, policies) if _succeeds(each, tracked, traffic)), "")


def _others(tracked: TrackedPolicy, policies: Iterable[TrackedPolicy]) -> list[TrackedPolicy]:
    """The other policies of the same namespace: no target or route is shared beyond it."""
    namespace, uid = tracked.namespace, tracked.uid
    return [each for each in policies if each.namespace == namespace and each.uid != uid]


def is_over(tracked: TrackedPolicy) -> bool:
    """Whether a policy's campaign ended with all requests on the baseline, and no setting follows by itself at once."""
    return tracked.state.phase in ENDED & WITHOUT_CANDIDATE and not steps_back(tracked.state)


def leave_when_over(tracked: TrackedPolicy) -> None:
    """A policy that was deleted leaves its target once its campaign is over, whether or not another one wants it: to
    itself, so to nobody."""
    if is_over(tracked) and not tracked.traffic.handover.successor:
        tracked.traffic.handover.leave_to(tracked.name)
        if not tracked.traffic.handover.is_left:
            tracked.traffic.require_recheck()


def _succeeds(other: TrackedPolicy, tracked: TrackedPolicy, traffic: PolicySpec) -> bool:
    if _holds(other, traffic):
        return True
    if _same_traffic(other.spec, traffic) and _wants(other) and _may_begin(other, tracked):
        return not _wants(tracked) or _claim(other, traffic) < _claim(tracked, traffic)
    # Of several that are over and want nothing, the last one keeps its objects.
    last = is_over(other) and _same_traffic(other.plan.spec, traffic) and _end(other) > _end(tracked)
    return last and not _wants(tracked)


def _may_begin(other: TrackedPolicy, tracked: TrackedPolicy) -> bool:
    """Whether nothing but the target keeps another policy from its campaign. Once a target was left to it that is not
    asked again: each return would change the route, and might be what the other is refused for then."""
    refusal = other.observations.refusal
    is_left = tracked.traffic.handover.is_left and tracked.traffic.handover.successor == other.name
    return is_left or refusal is None or refusal.reason == TARGET_TAKEN


def _contested(other: TrackedPolicy, traffic: PolicySpec) -> bool:
    return _holds(other, traffic) or (_same_traffic(other.spec, traffic) and _wants(other))


def _wants(tracked: TrackedPolicy) -> bool:
    """Whether the policy asks for a campaign that has not begun, or is in one; or was checked since its search is due
    again, which then begins by itself."""
    again_at = due_again_at(tracked.state, tracked.spec)
    is_due = again_at is not None and tracked.acceptance.checked_at >= again_at
    return is_due or not is_over(tracked) or tracked.is_edited(tracked.state)


def _holds(tracked: TrackedPolicy, traffic: PolicySpec) -> bool:
    """Whether the policy's campaign, pinned before any later edit, holds the traffic that a spec is about."""
    begun = tracked.state.phase is not Phase.PENDING
    return begun and not is_over(tracked) and _same_traffic(tracked.plan.spec, traffic)


def _claim(tracked: TrackedPolicy, traffic: PolicySpec) -> tuple[bool, bool, str, str]:
    """A sort key: the policy with the best claim on `traffic` first: one that holds it, one accepted, the older."""
    waiting = not _holds(tracked, traffic)
    return (waiting, waiting and tracked.observations.refusal is not None, tracked.policy.created, tracked.uid)


def _end(tracked: TrackedPolicy) -> tuple[int, str]:
    """When the campaign was decided; a sort key without ties."""
    return (tracked.state.decision.at if tracked.state.decision is not None else 0, tracked.uid)


def _same_traffic(one: PolicySpec, other: PolicySpec) -> bool:
    route = one.delivery.route_ref
    return one.target_ref == other.target_ref or (route is not None and route == other.delivery.route_ref)
