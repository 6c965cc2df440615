"""Which Pods a workload has, by their names alone: a metric is labelled with its Pod's name, and with no owner."""

from __future__ import annotations

from earlystop.metrics.convention.query import alternation

_RANDOM = "[a-z0-9]{5}"
_LONGEST_BASE = 58
"""Kubernetes cuts what stands before the five random characters to this length, its last hyphen included."""
_LONGEST_HASH = 10


def pods_of(workload: str) -> str:
    """A regular expression, as PromQL anchors it, for the names of a workload's Pods.

    A Deployment's: its name, the hash of its template, five characters; a long name is cut as Kubernetes cuts it.
    A StatefulSet's: its name and a number.
    A LeaderWorkerSet's: its name, the number of the group, and the worker's own where it is no leader.
    Pods of another workload whose name only begins like this one, as a candidate's does, are not among them.
    """
    base = alternation([f"{workload}-"[:_LONGEST_BASE]])
    of_deployment = f"{base}{_hash(_LONGEST_BASE - len(workload) - 1)}{_RANDOM}"
    return f"{of_deployment}|{alternation([workload])}-[0-9]+(-[0-9]+)?"


def _hash(room: int) -> str:
    """The hash of a template and its hyphen, where no more than `room` characters of them are kept."""
    if room > _LONGEST_HASH:
        return "[a-z0-9]+-"
    if room > 1:
        return f"([a-z0-9]{{{room}}}|[a-z0-9]{{1,{room - 1}}}-)"
    return "[a-z0-9]" if room == 1 else ""
