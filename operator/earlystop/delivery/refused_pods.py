"""Why the API server admits no Pod of a Deployment of the operator's, in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONGEST_QUOTE = 200


def refused_pods(name: str, status: Mapping[str, Any]) -> str | None:
    """A sentence on what refuses a Deployment's Pods (a quota, a LimitRange, PodSecurity, an admission webhook) and on
    what to do, None where nothing does. status: of the Deployment, whose controller tells it."""
    failure = reported(status, "ReplicaFailure")
    if failure.get("status") != "True":
        return None
    return f"A Pod of Deployment {name} is not admitted: {quoted(failure)} {_what_admits(failure)}"


def _what_admits(failure: Mapping[str, Any]) -> str:
    if "exceeded quota" in str(failure.get("message")):
        return "Raise the quota, or write fewer replicas."
    return "Change what refuses it, as a LimitRange, a Pod security standard or an admission webhook, or ask its owner."


def reported(status: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The condition of this type, {} where there is none."""
    return next((dict(each) for each in status.get("conditions") or [] if each.get("type") == kind), {})


def quoted(condition: Mapping[str, Any]) -> str:
    """A condition's message, or else its reason, as a sentence that may be shown."""
    return f"{printable(condition.get('message') or condition.get('reason', '')).rstrip('.')}."


def printable(text: object) -> str:
    """A text of others without what would control a terminal, and no longer than a status has room for."""
    return "".join(each if each.isprintable() else " " for each in str(text))[:LONGEST_QUOTE]
