"""The verdicts of a policy without their looks: the audit trail, and the settings that were tried."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from earlystop.rollout.formatting import in_settings
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.search.verdict_chain import Chains, Link

LONGEST_TEXT = 1024
"""Of one field: a verdict's CRD allows no more."""


@dataclass(frozen=True, slots=True)
class TriedSetting:
    """A setting that was tried in a campaign. verdict: the name of the one that says so. values: its parameters.
    effect, saving: with their intervals, as the verdict says them. outcome: what became of it."""

    verdict: str
    candidate: str
    campaign: int
    values: str
    effect: str
    saving: str
    outcome: str


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One decision: what a verdict says of it.

    at: as Kubernetes writes times. approval: who approved or rejected it, "" where nobody did. link: its place in the
    chain.
    """

    name: str
    policy: str
    at: str
    campaign: int
    decision: str
    reason: str
    candidate: str
    message: str
    requested_by: str
    approval: str
    settings: tuple[TriedSetting, ...]
    link: Link

    @property
    def is_sound(self) -> bool:
        """Whether the digest is that of the record."""
        return self.link.is_sound

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> TrailEntry:
        """The entry of a verdict, of whatever release. Raises KeyError, TypeError, AttributeError or ValueError for an
        object that is none."""
        spec = manifest["spec"]

        def text(name: str) -> str:
            return str(spec.get(name) or "")[:LONGEST_TEXT]

        return cls(
            name=str(manifest["metadata"]["name"]),
            policy=str(spec["policy"]),
            at=text("at"),
            campaign=int(spec["campaign"]),
            decision=text("decision"),
            reason=text("reason"),
            candidate=text("candidate"),
            message=text("message"),
            requested_by=text("requestedBy"),
            approval=_approval(spec)[:LONGEST_TEXT],
            settings=tuple(_tried(str(manifest["metadata"]["name"]), spec)),
            link=Link.of(manifest),
        )


def latest_first(trail: Iterable[TrailEntry]) -> list[TrailEntry]:
    """The latest decision first, of all policies that had the name."""
    return sorted(trail, key=lambda each: (each.at, each.campaign, len(each.name), each.name), reverse=True)


def earlier_by_evidence(trail: Sequence[TrailEntry]) -> TrailEntry | None:
    """What was decided last without a person's request, where a person's was followed since; None where the latest
    decision is of the evidence or of a time that ended. trail: of all policies that had the name."""
    ordered = latest_first(trail)
    if not ordered or not ordered[0].requested_by:
        return None
    return next((each for each in ordered if not each.requested_by), None)


def is_whole(trail: Sequence[TrailEntry], removed: Sequence[Link] = ()) -> bool:
    """Whether each verdict that another one follows is at hand. removed: those of which a checkpoint tells."""
    digests = {each.link.digest for each in trail} | {each.digest for each in removed}
    return all(not each.link.previous or each.link.previous in digests for each in trail)


def chain_problem(name: str, trail: Sequence[TrailEntry], removed: Sequence[Link] = ()) -> str | None:
    """Why the verdict of this name does not follow those before it, as a sentence; None where it does.

    trail: all verdicts of policies that had the name. removed: those of which a checkpoint tells.
    """
    link = next(each.link for each in trail if each.name == name)
    return Chains([*(each.link for each in trail), *removed]).problem_of(link)


def _approval(spec: Mapping[str, Any]) -> str:
    if spec.get("rejectedBy"):
        return f"rejected by {spec['rejectedBy']}"
    return ", ".join(map(str, spec.get("approvedBy") or ()))


def _tried(name: str, spec: Mapping[str, Any]) -> Iterable[TriedSetting]:
    values = _values(str(spec.get("plan")))
    outcome = f"{spec.get('decision')} ({spec.get('reason')})"
    for each in (spec, *(spec.get("others") or ())):
        if each is not spec:
            outcome = f"dropped ({each['reason']})" if each.get("reason") else "not decided about"
        candidate = str(each["candidate"])
        yield TriedSetting(
            verdict=name,
            candidate=candidate,
            campaign=int(spec["campaign"]),
            values=values.get(candidate, ""),
            effect=str(each["effect"]),
            saving=str(each["saving"]),
            outcome=outcome,
        )


def _values(plan_text: str) -> dict[str, str]:
    """The values of each candidate, in words; none where this release cannot read the plan."""
    try:
        plan = parse_plan(plan_text)
    except (ValueError, TypeError, KeyError, json.JSONDecodeError):
        return {}
    return {name: in_settings(plan.settings_of(name)) for name in plan.names}
