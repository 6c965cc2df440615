"""What an object says to a gate that waits for one of its conditions: pure, and wary of statuses of others' kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

from earlystop.api.gate_kinds import GateKind
from earlystop.api.gates import ObjectCondition
from earlystop.api.times import from_rfc3339, rfc3339
from earlystop.api.visible import printable
from earlystop.controller.cluster import ClusterError
from earlystop.controller.hooks.run_job import FORBIDDEN
from earlystop.rollout.waiting.gates import GateState

LONGEST_WORD = 32
"""Characters of a condition's status that are shown: `True`, `False` or `Unknown`."""


class End(NamedTuple):
    """Of what runs once. at: Unix seconds, infinity where it does not say when. has_failed: whether it says so."""

    at: float
    has_failed: bool


def answer_of(condition: ObjectCondition, found: Mapping[str, Any], asked_at: int) -> tuple[GateState, str]:
    """What an object says, in words. asked_at: Unix second from which on its failure counts; what has succeeded stays
    so, and since when is told."""
    what, status = f"{condition.kind} {condition.name}", _mapping(found.get("status"))
    metadata = _mapping(found.get("metadata"))
    if metadata.get("deletionTimestamp"):
        return GateState.WAITING, f"{what} is being deleted"
    conditions = _conditions(status)
    told = _mapping(conditions.get(condition.type))
    if any(_is_earlier(each.get("observedGeneration"), metadata.get("generation", 0)) for each in (status, told)):
        return GateState.WAITING, f"{what} was changed, and its status does not know of that yet"
    said = f"{what} says {condition.type}={_word(told.get('status', 'nothing'))}"
    end = end_of(condition.kind, status, conditions)
    # A Workflow of Argo is Completed also when it has failed, which is never a reason to go on.
    if told.get("status") == condition.status and not (end and end.has_failed and condition.kind == "Workflow"):
        return GateState.OPEN, said if end is None or end.at == inf else f"{said}, and ended {rfc3339(int(end.at))}"
    if end is not None and end.at < asked_at:
        return GateState.WAITING, f"{said}, and ended before this was asked; run it anew"
    if end is not None:
        return GateState.CLOSED, f"{said}, and has {'failed' if end.has_failed else 'ended'}"
    is_suspended = _mapping(found.get("spec")).get("suspend") is True
    return GateState.WAITING, f"{said}, and is suspended" if is_suspended else said


def unreadable(condition: ObjectCondition, namespace: str, error: ClusterError) -> str:
    """Why an object cannot be read, and who changes that where it is the operator's rights."""
    what = f"{condition.kind} {condition.name}"
    if error.status not in FORBIDDEN or condition.kind == "Deployment":
        return f"{what} cannot be read: {error.message[:160]}"
    is_job = condition.kind == "Job"
    value, named = ("jobs.namespaces", namespace) if is_job else ("gates.kinds", condition.kind)
    return f"the operator may not read {what}; ask the cluster's admin to name {named} in the chart's {value}"


def _is_earlier(observed: object, generation: object) -> bool:
    return isinstance(observed, int) and isinstance(generation, int) and observed < generation


def _word(value: object) -> str:
    """A condition's status as it is shown: what others' programs write there may be anything."""
    return printable(value, LONGEST_WORD) if isinstance(value, str) else "no word"


def end_of(kind: GateKind, status: Mapping[str, Any], conditions: Mapping[str, Mapping[str, Any]]) -> End | None:
    """How something that runs once has ended, so that its conditions stay as they are; None for what runs on, and for
    kinds that heal, as a Deployment or what Flux applies."""
    if kind == "Job":
        ends = [conditions[name] for name in ("Failed", "Complete") if _is(conditions, name, "True")]
        return End(_moment(ends[0].get("lastTransitionTime")), _is(conditions, "Failed", "True")) if ends else None
    if kind == "PipelineRun":
        has_failed = _is(conditions, "Succeeded", "False")
        is_over = has_failed or _is(conditions, "Succeeded", "True")
        ended_at = (
            status.get("completionTime") or conditions["Succeeded"].get("lastTransitionTime") if is_over else None
        )
        return End(_moment(ended_at), has_failed) if is_over else None
    if kind == "Workflow":
        has_failed = status.get("phase") in ("Failed", "Error")
        is_over = has_failed or status.get("phase") == "Succeeded"
        return End(_moment(status.get("finishedAt")), has_failed) if is_over else None
    return None


def _conditions(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The conditions of a status by their types."""
    found = status.get("conditions")
    listed = found if isinstance(found, Sequence) and not isinstance(found, str) else ()
    return {str(each.get("type")): each for each in map(_mapping, listed)}


def _is(conditions: Mapping[str, Mapping[str, Any]], name: str, value: str) -> bool:
    return _mapping(conditions.get(name)).get("status") == value


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _moment(text: object) -> float:
    try:
        return from_rfc3339(text) if isinstance(text, str) else inf
    except ValueError:
        return inf
