"""What the screens of a policy are drawn from: the object, the campaign behind its status, and what is asked beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from earlystop.api.policy import PolicySpec
from earlystop.api.signatures import RETRY
from earlystop.cli.screen.stored_status import UNREADABLE, conditions_of, unpacked_status
from earlystop.controller.memory.annotations import requests_in
from earlystop.controller.resources import Manifest
from earlystop.rollout.evidence_history import EvidenceHistory, history_of
from earlystop.rollout.handled_requests import is_spent
from earlystop.rollout.plan import Stage, stages_of
from earlystop.rollout.state import BETWEEN_TRIALS, ENDED, RolloutState
from earlystop.rollout.stored.plan_reference import has_reference, with_plan
from earlystop.rollout.stored.status_codec import from_status
from earlystop.rollout.words.waiting_edit import waiting_edit
from earlystop.simulation.remaining_time import Remaining


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a policy. at: Unix seconds. note: in sentences."""

    at: int
    reason: str
    note: str


@dataclass(frozen=True, slots=True)
class View:
    """One policy at one moment. To be drawn again at another one, it is replaced with that, and nothing is read anew.

    now: Unix seconds. width: columns that there are. history: of the only candidate's evidence, None where there are
    several or none. remaining: how long the campaign still takes, None where nobody can say. events: the latest first.
    """

    policy: Manifest
    spec: PolicySpec
    state: RolloutState
    now: float
    width: int
    history: EvidenceHistory | None = None
    remaining: Remaining | None = None
    events: tuple[Event, ...] = ()

    @property
    def status(self) -> Manifest:
        """The status as it is stored, empty before the operator has seen the policy."""
        return status_of(self.policy)

    @property
    def conditions(self) -> dict[str, Manifest]:
        """The policy's conditions, by type."""
        return conditions_of(self.status)

    @property
    def waiting_edit(self) -> str:
        """What becomes of an edit or a retry that waits, in a sentence; "" where there is none, or it is refused."""
        begins_at_once = self.state.phase in ENDED | BETWEEN_TRIALS and not self.spec.suspend
        if begins_at_once or not asks_for_another(self.policy, self.state):
            return ""
        return waiting_edit(self.state)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of the campaign under way, which no edit of the spec changes; before the first one, those of the
        spec."""
        return self.state.plan.stages if self.state.plan else stages_of(self.spec)


def view_of(
    policy: Manifest,
    now: float,
    width: int,
    remaining: Remaining | None = None,
    events: tuple[Event, ...] = (),
) -> View:
    """The view of a policy. Raises one of `UNREADABLE` for one that this release cannot read."""
    state, _ = from_status(status_of(policy))
    history = history_of(state.comparisons[0]) if len(state.comparisons) == 1 else None
    return View(
        policy,
        PolicySpec.model_validate(policy["spec"]),
        state,
        now=now,
        width=width,
        history=history,
        remaining=remaining,
        events=events,
    )


def asks_for_another(policy: Mapping[str, Any], state: RolloutState) -> bool:
    """Whether the policy as it is written now asks for another campaign than the one in `state`, and is not refused.

    Raises ValueError (pydantic's) where its spec cannot be read.
    """
    accepted = conditions_of(policy.get("status") or {}).get("Accepted")
    if state.plan is None or (accepted is not None and accepted["status"] == "False"):
        return False
    written = requests_in(policy).retry
    token = written.text if written.text and not is_spent(state, RETRY, written) else state.plan.retry
    return not state.plan.is_asked_for(PolicySpec.model_validate(policy["spec"]), token)


def status_of(policy: Mapping[str, Any]) -> Manifest:
    """The status of a policy with all that is packed in it or that its spec says as well, empty where it has none. What
    cannot be unpacked stays."""
    status = unpacked_status(policy)
    if not has_reference(status):
        return status
    try:
        return with_plan(status, PolicySpec.model_validate(policy.get("spec")))
    except UNREADABLE:
        return status


def lacks_plan(policy: Mapping[str, Any]) -> str:
    """What to do about a policy whose plan neither its status nor its spec says, "" for any other."""
    if not has_reference(status_of(policy)):
        return ""
    return (
        "its spec was edited since the operator last wrote its status, and the plan of its campaign stands in its "
        "EarlyStopVerdict alone, which is missing or may not be read. Restore that verdict, or take the edit back."
    )
