"""The judged part of a policy, pinned for a whole campaign: a later edit starts a new one, never bends this one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache

from earlystop.api.policy import PolicySpec
from earlystop.evidence.objective import Basis, ClassMargin, Guardrail, GuardrailKind, Objective

PINNED = {"target_ref", "parameters", "baseline", "candidates", "search", "delivery", "metrics", "objective"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What one campaign tries and must prove.

    text: canonical JSON, the identity of the plan; weights: the candidate's percent at each step. A plan that learns
    how answers scatter has a first step at weight 0, for as long as `rollout.learnSeconds` says.
    """

    text: str
    spec: PolicySpec
    candidate: str
    baseline_settings: dict[str, str]
    candidate_settings: dict[str, str]
    weights: tuple[int, ...]
    minimum_seconds: tuple[int, ...]
    objective: Objective


def plan_text(spec: PolicySpec, retry: str = "") -> str:
    """Canonical JSON of what a campaign is about. Defaults are left out, so that a release which adds a field
    with a default does not restart every rollout. `retry` is a token that a person changes to start again."""
    pinned = spec.model_dump(mode="json", by_alias=True, include=PINNED, exclude_defaults=True, exclude_none=True)
    pinned["strategy"] = spec.rollout.strategy
    pinned["steps"] = [step.wire() for step in spec.rollout.steps]
    if spec.rollout.learn_seconds:
        pinned["learnSeconds"] = spec.rollout.learn_seconds
    if retry:
        pinned["retry"] = retry
    return json.dumps(pinned, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=4096)
def parse_plan(text: str) -> Plan:
    """The plan behind its canonical JSON.

    Raises ValueError (pydantic's) when the text is not a plan with exactly one candidate.
    """
    pinned = json.loads(text)
    if not isinstance(pinned, dict) or not pinned.keys() >= {"strategy", "steps"}:
        raise ValueError("a plan is a JSON object with strategy and steps among its fields")
    pinned.pop("retry", None)
    rollout = {name: pinned.pop(name) for name in ("strategy", "steps", "learnSeconds") if name in pinned}
    spec = PolicySpec.model_validate({**pinned, "rollout": rollout})
    if not spec.candidates or len(spec.candidates) != 1:
        raise ValueError("a plan has exactly one candidate")
    candidate = spec.candidates[0]
    learning = (0,) if spec.rollout.learn_seconds else ()
    return Plan(
        text=text,
        spec=spec,
        candidate=candidate.name,
        baseline_settings=spec.baseline_settings(),
        candidate_settings=spec.candidate_settings(candidate),
        weights=(*learning, *(step.weight for step in spec.rollout.steps)),
        minimum_seconds=(
            *(spec.rollout.learn_seconds for _ in learning),
            *(step.minimum_seconds for step in spec.rollout.steps),
        ),
        objective=objective_of(spec),
    )


def objective_of(spec: PolicySpec) -> Objective:
    """What a policy wants to have proven, as the evidence takes it."""
    wanted = spec.objective
    return Objective(
        margin=float(wanted.exact_match.margin),
        minimum_saving=float(wanted.tokens.minimum_saving),
        risk_promote=float(wanted.risk.promote),
        risk_harm=float(wanted.risk.harm),
        floor=None if wanted.exact_match.floor is None else float(wanted.exact_match.floor),
        guardrails=tuple(
            Guardrail(each.name, GuardrailKind(each.kind), float(each.maximum_ratio))
            for each in wanted.guardrails or ()
        ),
        classes=tuple(ClassMargin(each.name, float(each.margin)) for each in wanted.query_classes or ()),
        require_each=wanted.require_each,
        basis=Basis(wanted.exact_match.evidence),
        dispersion=float(wanted.exact_match.dispersion or 1),
        longest_answer=wanted.tokens.longest_answer,
    )


def revision_of(uid: str, campaign: int) -> str:
    """The label of a campaign in headers and metrics: short, and different for every campaign of every policy."""
    return hashlib.sha256(f"{uid}/{campaign}".encode()).hexdigest()[:10]
