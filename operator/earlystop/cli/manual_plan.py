"""What a verb changes of a policy as it stands, and what will come of it: pure, so that nothing is written in vain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from earlystop.api.policy import PolicySpec
from earlystop.api.wire import ABORT_ANNOTATION, PROMOTE_ANNOTATION, RETRY_ANNOTATION
from earlystop.controller.cluster import Manifest
from earlystop.controller.reconcile.tracked import without_defaults
from earlystop.rollout import manual
from earlystop.rollout.manual import Declined, Request
from earlystop.rollout.state import TRYING, Phase, RolloutState
from earlystop.rollout.status_codec import from_status


class Refused(Exception):
    """Nothing was asked for; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Wish:
    """changes: the merge patch, None when nothing has to change. sentence: what will happen now. reached: whether a
    status shows it, None where there is nothing to wait for. doubts: what is not proven about it."""

    changes: Manifest | None
    sentence: str
    reached: Callable[[Manifest], bool] | None = None
    doubts: tuple[str, ...] = ()


def pause(policy: Manifest) -> Wish:
    """Freeze weights and evidence."""
    if policy["spec"].get("suspend"):
        return Wish(None, f"{_named(policy)} is paused already.")
    changes = {"spec": {"suspend": True}}
    if _state(policy).phase not in TRYING:
        return Wish(changes, f"{_named(policy)} has no rollout under way; none begins until it is resumed.")
    return Wish(
        changes,
        f"{_named(policy)} is paused: its weights stay as they are, and nothing is counted until it is resumed.",
        lambda status: status.get("phase") == Phase.SUSPENDED,
    )


def resume(policy: Manifest) -> Wish:
    """Let it go on."""
    if not policy["spec"].get("suspend"):
        return Wish(None, f"{_named(policy)} is not paused.")
    changes = {"spec": {"suspend": False}}
    if _state(policy).phase != Phase.SUSPENDED:
        return Wish(changes, f"{_named(policy)} may start rollouts again.")
    return Wish(
        changes,
        f"{_named(policy)} goes on: its step starts afresh, with the evidence that it has.",
        lambda status: status.get("phase") != Phase.SUSPENDED,
    )


def retry(policy: Manifest, token: str) -> Wish:
    """Start a new campaign. token: any text that was not used before."""
    state = _state(policy)
    changes = {"metadata": {"annotations": {RETRY_ANNOTATION: token}}}
    if policy["spec"].get("suspend"):
        return Wish(changes, f"{_named(policy)} starts a new campaign when it is resumed.")
    refusal = _condition(policy, "Accepted")
    if refusal is not None and refusal["status"] == "False":
        told = f"{_named(policy)} starts a new campaign as soon as it is accepted. Now it is not ({refusal['reason']})"
        return Wish(changes, f"{told}: {refusal['message']}")
    lost = f"; campaign {state.revision} ends without a verdict" if _is_open(state) else ""
    return Wish(
        changes,
        f"{_named(policy)} starts a new campaign, and nothing seen before counts again{lost}.",
        lambda status: status.get("campaign", 0) > state.campaign,
    )


def abort(policy: Manifest, now: int) -> Wish:
    """Give all requests to the baseline."""
    state = _state(policy)
    after = _answer(manual.abort(_spec(policy), state, Request(state.revision, "you"), "", now))
    if after is state:
        return Wish(None, f"{_named(policy)} is rolled back already: all requests go to the baseline.")
    return Wish(
        {"metadata": {"annotations": {ABORT_ANNOTATION: state.revision}}},
        f"Campaign {state.revision} of {_named(policy)} is aborted: all requests go to the baseline.",
        lambda status: _came_to(status, state, Phase.ROLLED_BACK),
    )


def promote(policy: Manifest, candidate: str | None, now: int) -> Wish:
    """Give all requests to a candidate."""
    state = _state(policy)
    text = f"{state.revision}/{candidate}" if candidate else state.revision
    after = _answer(manual.promote_now(_spec(policy), state, Request(text, "you"), "", now))
    if after is state:
        return Wish(None, f"{_named(policy)} has promoted its candidate already.")
    return Wish(
        {"metadata": {"annotations": {PROMOTE_ANNOTATION: text}}},
        f"Campaign {state.revision} of {_named(policy)} promotes its candidate: it gets all requests.",
        lambda status: _came_to(status, state, Phase.PROMOTED),
        manual.unproven(state, now),
    )


def same_situation(seen: Manifest, found: Manifest) -> bool:
    """Whether a policy is still what a person saw, but for counts that have grown and steps that were taken."""
    return _situation(seen) == _situation(found)


def _situation(policy: Manifest) -> tuple[Any, ...]:
    status, metadata = policy.get("status", {}), policy["metadata"]
    phase = status.get("phase")
    standing = "trying" if phase in TRYING else phase
    told = (status.get("revision"), standing, status.get("decision"))
    return (metadata["uid"], metadata["generation"], metadata.get("annotations"), *told)


def _came_to(status: Manifest, before: RolloutState, phase: Phase) -> bool:
    """Raises Refused when the campaign came to another end."""
    if status.get("revision") != before.revision:
        raise Refused(f"Campaign {before.revision} was replaced by {status.get('revision')} in the meantime.")
    found = status.get("phase")
    if found != before.phase and found in (Phase.PROMOTED, Phase.ROLLED_BACK, Phase.HELD) and found != phase:
        raise Refused(f"Campaign {before.revision} came to {found} in the meantime, not to {phase}.")
    return bool(found == phase)


def _answer(after: RolloutState | Declined) -> RolloutState:
    if isinstance(after, Declined):
        raise Refused(after.message)
    return after


def _is_open(state: RolloutState) -> bool:
    return state.phase in TRYING or state.phase == Phase.SUSPENDED


def _named(policy: Manifest) -> str:
    return f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"


def _spec(policy: Manifest) -> PolicySpec:
    return PolicySpec.model_validate(policy["spec"])


def _state(policy: Manifest) -> RolloutState:
    try:
        return from_status(without_defaults(policy.get("status", {})))[0]
    except ValueError:
        raise Refused(
            f"{_named(policy)}: its status cannot be read. This command and the operator may be of different releases."
        ) from None


def _condition(policy: Manifest, type_: str) -> Manifest | None:
    found = policy.get("status", {}).get("conditions", [])
    return next((each for each in found if each["type"] == type_), None)
