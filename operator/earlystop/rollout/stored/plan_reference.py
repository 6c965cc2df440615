"""The plan of a guarded promotion, in little room: the policy's own spec says it again, and its verdict holds it.

Once the verdict of a promotion is stored, its status holds a reference in place of the plan: what of the plan no spec
says, and a digest of its text. Whoever goes on from that status works the plan out from the spec that stands beside it.
Where somebody has edited the spec since, the verdict has the plan.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from earlystop.api.policy import PolicySpec
from earlystop.evidence.version import FIRST
from earlystop.rollout.margin_use import MarginUse
from earlystop.rollout.plan import LONGEST_ANSWER, plan_text
from earlystop.rollout.search.trial_plan import TrialPlan

Status = dict[str, Any]

PLAN, DIGEST = "plan", "digest"
OWN = ("retry", "engine", "attempt", "used", "trial", LONGEST_ANSWER)
"""Fields of a plan that are its own: no policy asks for them."""
DIGEST_BYTES = 16
"""Of SHA-256: nobody can find another plan of the same digest, and a status is to stay small."""


class PlanElsewhere(ValueError):
    """A status refers to a plan that none of the given specs and texts is."""


def with_reference(status: Status, spec: PolicySpec) -> Status:
    """A whole status in JSON with a reference in place of its plan; the same status where the policy's spec, as the
    status is stored beside it, asks for another plan."""
    text = status.get(PLAN)
    if not isinstance(text, str):
        return status
    pinned = json.loads(text)
    own = {name: pinned[name] for name in OWN if name in pinned}
    if _text_of(spec, own) != text:
        return status
    return {**status, PLAN: {**own, DIGEST: _digest(text)}}


def has_reference(status: Mapping[str, Any]) -> bool:
    """Whether a whole status refers to its plan."""
    return isinstance(status.get(PLAN), Mapping)


def with_plan(status: Status, spec: PolicySpec | None, others: Iterable[str] = ()) -> Status:
    """Inverse of `with_reference`; the same status where it has its plan. spec: that of the policy as it was read with
    this status, None where it cannot be read. others: texts of plans of which one may be meant, as that of its verdict.

    Raises PlanElsewhere where the spec was edited since and none of the others is meant, ValueError for a reference
    that this release cannot read.
    """
    reference = status.get(PLAN)
    if not isinstance(reference, Mapping):
        return status
    own = {name: value for name, value in reference.items() if name != DIGEST}
    found = () if spec is None else (_text_of(spec, own),)
    for text in (*found, *others):
        if _digest(text) == reference.get(DIGEST):
            return {**status, PLAN: text}
    raise PlanElsewhere(
        "the spec was edited since this status was stored, and the plan of its campaign stands in its EarlyStopVerdict "
        "alone, which is missing or was changed: restore that verdict, or take the edit back"
    )


def plan_recorded(verdict: object) -> tuple[str, ...]:
    """The text of the plan of a verdict, as it was read from the API server; none where that has none."""
    spec = verdict.get("spec") if isinstance(verdict, Mapping) else None
    text = spec.get(PLAN) if isinstance(spec, Mapping) else None
    return (text,) if isinstance(text, str) else ()


def _text_of(spec: PolicySpec, own: Mapping[str, Any]) -> str:
    """The text of the plan that a spec asks for. Raises ValueError where what is the plan's own cannot be read."""
    unknown = own.keys() - set(OWN)
    if unknown:
        raise ValueError(f"status.plan has fields of another release: {', '.join(sorted(unknown))}")
    return plan_text(
        spec,
        str(own.get("retry", "")),
        own.get("engine", FIRST),
        own.get("attempt", 1),
        MarginUse.of(own.get("used", {})),
        TrialPlan.of(own["trial"]) if "trial" in own else None,
        own.get(LONGEST_ANSWER),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).digest()[:DIGEST_BYTES].hex()
