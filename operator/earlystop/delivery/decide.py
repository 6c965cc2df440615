"""The pure decision of what to do next about a policy's traffic. The shell carries it out and asks again.

What comes first: taking every candidate off when the split no longer fits; leading nobody by a gateway that misroutes,
or to what is not ready; showing on probes what an overlay does before it leads users; writing what drifted; proving it.
"""

from __future__ import annotations

from earlystop.api.conditions import Condition, ConditionStatus, Refusal, traffic_condition
from earlystop.delivery.decisions import (
    Detach,
    Probe,
    Quarantine,
    SplitStatus,
    TrafficDecision,
    Wait,
    Write,
)
from earlystop.delivery.desired import Desired
from earlystop.delivery.drift import drifted
from earlystop.delivery.harm import SECONDS_TO_SERVE, harm
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.probes.engine_check import engine_says
from earlystop.delivery.probes.misrouting import MISROUTES, misroutes, misrouting
from earlystop.delivery.proof import Metrics, ProbeResult, Proof, Reports
from earlystop.delivery.readiness import to_detach, while_unready
from earlystop.delivery.split import TrafficSplit
from earlystop.delivery.traffic_conditions import no_user_was_led, not_served, write_refused
from earlystop.delivery.traffic_view import TrafficView
from earlystop.delivery.young import are_young

# Faster changes of one route are coalesced by gateways that throttle, and may never be served.
SECONDS_BETWEEN_CHANGES = 3.0
# The kubelet brings a changed ConfigMap into a Pod within some two minutes, and then it has to be scraped.
SECONDS_TO_SWITCH = 240.0
PACING = "Pacing"


def decide(observed: ClusterInputs, desired: Desired, memory: TrafficView, now: float) -> TrafficDecision:
    """What to do next so that the desired split gets in force. now: Unix seconds.

    Asked again after each `Write` and `Probe` with what has come of it, it ends in one of the others.
    """
    unfit = misfit(observed, desired)
    if unfit is not None:
        return unfit
    if desired.rendered.over is not None:
        off, over = to_detach(observed, desired), desired.rendered.over
        return Detach(SplitStatus.PROVEN, over, off) if off else Wait(SplitStatus.PROVEN, over)
    if memory.quarantined_revision == desired.split.revision:
        return _quarantine(observed, desired, memory.condition)
    found = harm(desired, memory, now) if desired.serves_users and desired.split.is_more_than_baseline else None
    if found is not None:
        condition, rest = found
        return Detach(SplitStatus.NOT_WRITTEN, condition, to_detach(observed, desired), rest)
    unready = while_unready(observed, desired, memory, now)
    if unready is not None:
        return unready
    if memory.rest is not None and memory.rest.split == desired.split and now < memory.rest.until:
        return Wait(SplitStatus.NOT_WRITTEN, memory.rest.condition)
    changed = drifted(observed, desired.rendered.objects)
    if changed and not desired.serves_users:
        decision = _before_users(observed, desired, memory, now)
        if decision is not None:
            return decision
    if changed:
        return _write(observed, desired, changed, memory, now)
    return _prove(observed, desired, memory, now)


def decide_while_frozen(
    observed: ClusterInputs, desired: Desired, memory: TrafficView, now: float
) -> Probe | Detach | Quarantine | None:
    """What to do while weights stay as they are: the gateway is asked whether it serves what leads users, and they are
    taken off for whatever reason there would be under way. Nothing else is written. None when nothing is to be done."""
    if desired.refusal is None and not desired.serves_users:
        return None
    decision = decide(observed, desired, memory, now)
    return decision if isinstance(decision, Probe | Detach | Quarantine) else None


def when_refused(observed: ClusterInputs, desired: Desired, words: str) -> Detach | Wait:
    """What to do once a write was refused: users who are led to what is gone, and may not be made again, go by their
    own route; else all stay as they are led. words: which object, and what the API server says."""
    needed, leads = desired.rendered.prerequisites, desired.serves_users
    is_gone = any(observed.own(each["kind"], each["metadata"]["name"]) is None for each in needed)
    if leads and is_gone and (off := to_detach(observed, desired)):
        return Detach(SplitStatus.NOT_WRITTEN, write_refused(words, by_own_route=True), off)
    by_own_route = not leads and observed.route is not None
    return Wait(SplitStatus.NOT_WRITTEN, write_refused(words, by_own_route=by_own_route))


def misfit(observed: ClusterInputs, desired: Desired) -> Detach | None:
    """Why the split no longer fits the user's route, None when it does."""
    if desired.refusal is not None:
        return _without_fit(observed, desired)
    if desired.leads_elsewhere and (off := to_detach(observed, desired)):
        return Detach(SplitStatus.NOT_WRITTEN, _ROUTE_MOVED, off)
    return None


def _without_fit(observed: ClusterInputs, desired: Desired) -> Detach:
    """What was rendered from a route that is gone, or that is no longer as it was, must not outlive it: users go by
    what they have written now, whatever the split was to be."""
    assert desired.refusal is not None  # that is why this is asked
    reason, message = desired.refusal.reason, desired.refusal.message
    lasts = desired.is_kept_by_servers and not desired.detached
    status = SplitStatus.NOT_WRITTEN if lasts or desired.split.gives_others else SplitStatus.UNPROVABLE
    if lasts:
        message = f"{message} Servers go on by the settings that they have read."
    elif desired.detached or status is SplitStatus.UNPROVABLE:
        message = f"{message} {_no_requests(desired.split)}"
    return Detach(status, traffic_condition(ConditionStatus.FALSE, reason, message), to_detach(observed, desired))


def _no_requests(split: TrafficSplit) -> str:
    if split.incumbent is None:
        return "The candidate gets no requests."
    return "Neither the incumbent nor a candidate gets requests."


def _quarantine(observed: ClusterInputs, desired: Desired, condition: Condition) -> Quarantine:
    probe_only = desired.probe_only
    objects = desired.baseline_only if probe_only is None else probe_only.objects[-1:]
    return Quarantine(tuple(drifted(observed, objects)), condition)


def _before_users(observed: ClusterInputs, desired: Desired, memory: TrafficView, now: float) -> TrafficDecision | None:
    """What comes before users are led by the mode's rules for the first time, or again since they were taken off: the
    gateway shows on probes what it makes of them. None when users may be led, since it was shown or no probe can be
    sent."""
    if desired.rolling_back and desired.primary_found:
        return Wait(SplitStatus.PROVEN, no_user_was_led(memory.condition))
    probe_only = desired.probe_only or (desired.retrial() if desired.primary_found else None)
    if probe_only is None:
        return None
    changed = drifted(observed, probe_only.objects)
    if changed and not _is_paced(memory, now):
        return Write(tuple(changed))
    if not changed and memory.proven_on_probes != desired.split:
        answer = memory.answer_of(probe_only.targets)
        if answer is None:
            return Probe(probe_only.targets, users_led=False)
        if misroutes(answer, memory.contradicted_at, now):
            return Wait(
                SplitStatus.MISROUTED,
                misrouting(answer, headers_by_backend=desired.probe_only is not None, under_way=False),
            )
        if answer.proof == Proof.NOT_YET and now - memory.waited_since > SECONDS_TO_SERVE:
            return Wait(
                SplitStatus.NOT_WRITTEN, not_served(answer, SECONDS_TO_SERVE, "No user's request is led by it.")
            )
        if memory.contradicted_at is not None or answer.proof == Proof.NOT_YET:
            # Stored, a misrouting gateway is known through a restart of the operator, until it proves to be sound.
            waiting = traffic_condition(ConditionStatus.UNKNOWN, "WaitingForGateway", answer.message)
            said = memory.condition if memory.condition.reason == MISROUTES else waiting
            return Wait(SplitStatus.NOT_WRITTEN, said)
    if not changed and probe_only.asks_engine:
        found = engine_says(memory.engine, probe_only.targets, desired.split.revision, now)
        if isinstance(found, Refusal):
            return Wait(SplitStatus.NOT_WRITTEN, traffic_condition(ConditionStatus.FALSE, found.reason, found.message))
        if found is not None:
            return found
    return _paced("last change of the route") if _is_paced(memory, now) else None


def _write(
    observed: ClusterInputs, desired: Desired, changed: list[Manifest], memory: TrafficView, now: float
) -> TrafficDecision:
    """The objects that have drifted. Taking every candidate off waits for nothing; other changes of what a gateway
    serves are kept apart, and wait until it has taken in what they lead to."""
    primary, prerequisites = desired.rendered.primary, desired.rendered.prerequisites
    if desired.serves_users and primary not in changed:
        # What a gateway sends to follows the user's Service at once: until then only the candidate's requests fail.
        return Write(tuple(changed))
    if primary is None or _falls(observed, desired, changed, now):
        return Write(tuple(changed))
    if _is_paced(memory, now):
        return _paced("last change of the route")
    missing = tuple(each for each in changed if each is not primary)
    if primary in changed and (missing or are_young(observed, prerequisites, now, SECONDS_BETWEEN_CHANGES)):
        # A gateway that learns of the route before it knows where the alias leads answers 500 for that variant.
        waiting = _paced(f"candidate's {prerequisites[0]['kind']}")
        return Write(missing, then=waiting) if missing else waiting
    settling = desired.rendered.settle_seconds
    if primary in changed and are_young(observed, prerequisites, now, settling):
        message = (
            f"The gateway's objects were made less than {settling:.0f} s ago, so some of its processes may not know "
            "all of them yet. Requests stay where they are until then."
        )
        return Wait(SplitStatus.NOT_WRITTEN, traffic_condition(ConditionStatus.UNKNOWN, "WaitingForGateway", message))
    return Write(tuple(changed))


def _falls(observed: ClusterInputs, desired: Desired, changed: list[Manifest], now: float) -> bool:
    """Whether the change only takes candidates off. An incumbent that stays is led to where it was before: what leads
    there is in place, and not made just now."""
    split, prerequisites = desired.split, desired.rendered.prerequisites
    if split.gives_candidates or not desired.primary_found:
        return False
    if not split.gives_others:
        return True
    in_place = all(each is desired.rendered.primary for each in changed)
    return desired.serves_users and in_place and not are_young(observed, prerequisites, now, SECONDS_BETWEEN_CHANGES)


def _prove(observed: ClusterInputs, desired: Desired, memory: TrafficView, now: float) -> TrafficDecision:
    proof = desired.proof
    assert proof is not None  # something is rendered
    if isinstance(proof, Metrics):
        if memory.proven == desired.split:
            return Wait(SplitStatus.PROVEN, traffic_condition(ConditionStatus.TRUE, "InForce", desired.summary))
        return Wait(SplitStatus.UNPROVABLE, traffic_condition(ConditionStatus.UNKNOWN, proof.reason, proof.message))
    if isinstance(proof, Reports):
        return _reported(desired, memory, now)
    answer = memory.answer_of(proof.targets)
    if memory.proven == desired.split:
        message = desired.summary if answer is None else answer.message
        if memory.unseen:
            message = f"{desired.summary} Whether each variant is still served no probe tells. {memory.unseen}"
        return Wait(SplitStatus.PROVEN, traffic_condition(ConditionStatus.TRUE, "InForce", message))
    if answer is None:
        return Probe(proof.targets, users_led=True)
    ask_each = bool(proof.by_variant) and desired.serves_users
    if ask_each and answer.proof == Proof.NOT_YET and memory.answer_of(proof.by_variant) is None:
        return Probe(proof.by_variant, users_led=True, by_variant=True)
    if misroutes(answer, memory.contradicted_at, now):
        said = misrouting(answer, headers_by_backend=desired.probe_only is not None, under_way=True)
        return _quarantine(observed, desired, said)
    return _unproven(answer, memory, now)


def _reported(desired: Desired, memory: TrafficView, now: float) -> Wait:
    """What every process reports, the shell finds out. A decision waits for it as long as processes need to switch."""
    if memory.proven == desired.split:
        return Wait(SplitStatus.PROVEN, traffic_condition(ConditionStatus.TRUE, "InForce", desired.summary))
    status = SplitStatus.WRITTEN if now - memory.waited_since < SECONDS_TO_SWITCH else SplitStatus.UNPROVABLE
    message = "Waiting until every process that is up reports the settings of this step."
    return Wait(status, traffic_condition(ConditionStatus.UNKNOWN, "WaitingForProcesses", message))


def _unproven(answer: ProbeResult, memory: TrafficView, now: float) -> Wait:
    """What to wait for after an answer that proves nothing and does not quarantine the gateway."""
    if answer.proof == Proof.NOT_YET and now - memory.waited_since > SECONDS_TO_SERVE:
        return Wait(SplitStatus.WRITTEN, not_served(answer, SECONDS_TO_SERVE, "Nothing is counted as evidence."))
    if memory.contradicted_at is not None or answer.proof == Proof.NOT_YET:
        return Wait(
            SplitStatus.WRITTEN, traffic_condition(ConditionStatus.UNKNOWN, "WaitingForGateway", answer.message)
        )
    return Wait(SplitStatus.UNPROVABLE, traffic_condition(ConditionStatus.UNKNOWN, answer.proof.value, answer.message))


def _paced(change: str) -> Wait:
    message = f"Waiting until the gateway has taken in the {change}."
    return Wait(SplitStatus.NOT_WRITTEN, traffic_condition(ConditionStatus.UNKNOWN, PACING, message))


_ROUTE_MOVED = traffic_condition(
    ConditionStatus.UNKNOWN,
    PACING,
    "The user's route leads elsewhere now, so all requests go by it until an overlay of it is in force.",
)


def _is_paced(memory: TrafficView, now: float) -> bool:
    """Whether the last change is so young that another one has to wait."""
    return now - memory.written_at < SECONDS_BETWEEN_CHANGES
