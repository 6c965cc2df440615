"""Which Pods a workload has, by their names alone: a metric is labelled with its Pod's name, and with no owner."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from earlystop.metrics.convention.query import alternation
from earlystop.metrics.pod_alphabet import GENERATED, NUMBER

OwnerKind = Literal["Deployment", "StatefulSet", "LeaderWorkerSet"]

_RANDOM = f"{GENERATED}{{5}}"
_LONGEST_BASE = 58
"""Kubernetes cuts what stands before the five random characters to this length, its last hyphen included."""
_LONGEST_HASH = 10


@dataclass(frozen=True, slots=True)
class PodOwner:
    """The workload whose Pods serve a variant: its name, and the kind by which its Pods are named."""

    name: str
    kind: OwnerKind = "Deployment"


def pods_of(owner: PodOwner) -> str:
    """A regular expression, as PromQL anchors it, for the names of a workload's Pods.

    A Deployment's: its name, the hash of its template, five characters; a long name is cut as Kubernetes cuts it.
    A StatefulSet's: its name and a number.
    A LeaderWorkerSet's: its name, the number of the group, and from 1 the worker's own where it is no leader.
    Hash and characters have no vowel and none of 0, 1 and 3, so Pods of another workload whose name only begins like
    this one, as a candidate's does, are not among them. What no name tells apart: Pods of a DaemonSet or a Job that is
    named after a Deployment, a hyphen and at most ten characters of that alphabet, as llm-b; Pods from number 1 of a
    StatefulSet that is named after a LeaderWorkerSet, a hyphen and a number; and those of two Deployments that
    `share_names`.
    """
    return _PATTERNS[owner.kind](owner.name)


def share_names(one: PodOwner, other: PodOwner) -> bool:
    """Whether a Pod of one workload can have a name that `pods_of` takes for one of the other's.

    Every character that Kubernetes generates is as good as another to a pattern, so names of each length are enough.
    """
    return any(
        re.fullmatch(pods_of(first), name) is not None
        for first, second in ((one, other), (other, one))
        for name in _names_of(second)
    )


def _of_deployment(name: str) -> str:
    base = alternation([f"{name}-"[:_LONGEST_BASE]])
    return f"{base}{_hash(_LONGEST_BASE - len(name) - 1)}{_RANDOM}"


def _of_stateful_set(name: str) -> str:
    return f"{alternation([name])}-{NUMBER}"


def _of_leader_worker_set(name: str) -> str:
    return f"{alternation([name])}-{NUMBER}(-[1-9][0-9]*)?"


_PATTERNS: Mapping[OwnerKind, Callable[[str], str]] = MappingProxyType(
    {"Deployment": _of_deployment, "StatefulSet": _of_stateful_set, "LeaderWorkerSet": _of_leader_worker_set}
)


def _hash(room: int) -> str:
    """The hash of a template and its hyphen, where no more than `room` characters of them are kept."""
    if room > _LONGEST_HASH:
        return f"{GENERATED}{{1,{_LONGEST_HASH}}}-"
    if room > 1:
        return f"({GENERATED}{{{room}}}|{GENERATED}{{1,{room - 1}}}-)"
    return GENERATED if room == 1 else ""


def _names_of(owner: PodOwner) -> list[str]:
    """A name of each form that a workload's Pods can have; 2 is a digit and a character of Kubernetes' alphabet."""
    lengths = range(1, _LONGEST_HASH + 1)
    if owner.kind == "Deployment":
        return [f"{owner.name}-{'2' * length}-"[:_LONGEST_BASE] + "22222" for length in lengths]
    leaders = [f"{owner.name}-{'2' * length}" for length in lengths]
    return leaders if owner.kind == "StatefulSet" else [*leaders, *(f"{each}-2" for each in leaders)]
