"""What a manual command changes of a policy, and what follows from it: pure, so that nothing is written in vain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from earlystop.api.policy import PolicySpec
from earlystop.api.signatures import ABORT, PROMOTE, RETRY, SUSPEND, annotation_of, signature_annotation, signer_of
from earlystop.api.status.compact import without_defaults
from earlystop.api.visible import printable
from earlystop.api.wire import ABORT_ANNOTATION, PROMOTE_ANNOTATION, RETRY_ANNOTATION
from earlystop.cli.failure import CommandFailure
from earlystop.cli.given_up import given_up, is_open
from earlystop.cli.screen.view import asks_for_another, lacks_plan, status_of
from earlystop.controller.memory.annotations import LONGEST_VALUE
from earlystop.controller.resources import Manifest
from earlystop.rollout import manual
from earlystop.rollout.handled_requests import Request, is_new, unused_text
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import Declined
from earlystop.rollout.state import TRYING, Phase, RolloutState
from earlystop.rollout.stored.status_codec import from_status
from earlystop.rollout.waiting.gates import awaits_gates_alone

OTHER_RELEASE = "This command and the operator may be of different releases."


class Refused(CommandFailure):
    """The command asks the operator for nothing; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class ManualPlan:
    """What a command changes, and what it says about it.

    changes: the merge patch, None when nothing has to change. sentence: what will happen now.
    verb, value: what is signed for.
    reached: whether a status shows it, None where there is nothing to wait for.
    doubts: what is not proven about the candidate that is promoted. candidate: its name.
    question: what a person is asked before it is written, "" where nothing is asked. told: what is said before that.
    """

    changes: Manifest | None
    sentence: str
    verb: str = ""
    value: str = ""
    reached: Callable[[Manifest], bool] | None = None
    doubts: tuple[str, ...] = ()
    candidate: str = ""
    question: str = ""
    told: tuple[str, ...] = ()


def pause(policy: Manifest) -> ManualPlan:
    """Freeze weights and evidence."""
    if policy["spec"].get("suspend"):
        return ManualPlan(None, f"{named(policy)} is paused already.")
    changes = {"spec": {"suspend": True}}
    if state_of(policy).phase not in TRYING:
        nothing = f"{named(policy)} has no rollout under way; none begins until it is resumed."
        return ManualPlan(changes, nothing, SUSPEND, "true")
    return ManualPlan(
        changes,
        f"{named(policy)} is paused: its weights stay as they are, and nothing is counted until it is resumed.",
        SUSPEND,
        "true",
        lambda status: status.get("phase") == Phase.SUSPENDED,
    )


def resume(policy: Manifest) -> ManualPlan:
    """Let it go on."""
    if not policy["spec"].get("suspend"):
        return ManualPlan(None, f"{named(policy)} is not paused.")
    changes, state = {"spec": {"suspend": False}}, state_of(policy)
    if state.phase != Phase.SUSPENDED:
        return ManualPlan(changes, f"{named(policy)} may start rollouts again.", SUSPEND, "false")
    goes_on = "goes on: its step starts afresh, with the evidence that it has"
    if asks_for_another(policy, state):
        goes_on = (
            f"starts a new campaign, since its spec or its retry was edited while it was paused; campaign "
            f"{state.revision} ends without a verdict, and nothing counted before counts again"
        )
    return ManualPlan(
        changes,
        f"{named(policy)} {goes_on}.",
        SUSPEND,
        "false",
        lambda status: status.get("phase") != Phase.SUSPENDED,
    )


def retry(policy: Manifest, token: str) -> ManualPlan:
    """What `kubectl earlystop retry` changes: a new campaign starts. token: any text that was not used before."""
    state, accepted = state_of(policy), _condition(policy, "Accepted")
    if policy["spec"].get("suspend"):
        when, sentence = "once it is resumed", f"{named(policy)} starts a new campaign when it is resumed."
    elif accepted is not None and accepted["status"] == "False":
        when, later = "once it is accepted", f"{named(policy)} starts a new campaign as soon as it is accepted"
        sentence = f"{later}. Now it is not ({accepted['reason']}): {accepted['message']}"
    else:
        lost = f"; campaign {state.revision} ends without a verdict" if is_open(state) else ""
        when, sentence = "now", f"{named(policy)} starts a new campaign, and nothing counted before counts again{lost}."
    told = given_up(state)
    return ManualPlan(
        {"metadata": {"annotations": {RETRY_ANNOTATION: token}}},
        sentence,
        RETRY,
        token,
        (lambda status: status.get("campaign", 0) > state.campaign) if when == "now" else None,
        question=f"Start a new campaign of {policy['metadata']['name']} {when}?" if told else "",
        told=told,
    )


def abort(policy: Manifest, now: int) -> ManualPlan:
    """Give all requests to the baseline."""
    try:
        state, times = state_of(policy), _times(policy)
    except Refused as error:
        raise Refused(f"{error}{_abort_by_hand(policy)}") from None
    after = _answer(manual.abort(times, state, Request(state.revision, "you"), "", now))
    if after is state and state.phase == Phase.ROLLING_BACK:
        back = "is being rolled back already; that all requests go to the baseline is not shown yet"
        return ManualPlan(None, f"{named(policy)} {back}. `kubectl earlystop explain` says what it waits for.")
    if after is state:
        return ManualPlan(None, f"{named(policy)} is rolled back already: all requests go to the baseline.")
    text = _unused(policy, state, ABORT, state.revision)
    return ManualPlan(
        {"metadata": {"annotations": {ABORT_ANNOTATION: text}}},
        f"Campaign {state.revision} of {named(policy)} is aborted: all requests go to the baseline.",
        ABORT,
        text,
        lambda status: _came_to(status, state, Phase.ROLLED_BACK),
    )


def promote(policy: Manifest, candidate: str | None, now: int) -> ManualPlan:
    """Give all requests to a candidate."""
    state = state_of(policy)
    if policy["spec"].get("suspend") or state.phase == Phase.SUSPENDED:
        raise Refused(
            f"{named(policy)} is paused, and no weight rises meanwhile. Nothing was asked for. Say `kubectl earlystop "
            f"resume {policy['metadata']['name']} -n {policy['metadata']['namespace']}` first, and promote then."
        )
    text = f"{state.revision}/{candidate}" if candidate else state.revision
    after = _answer(manual.promote_now(_times(policy), state, Request(text, "you"), "", now))
    if after is state and state.awaiting is not None and awaits_gates_alone(state.gates):
        return ManualPlan(None, f"{named(policy)} waits for its gates with that already.")
    if after is state and state.awaiting is not None:
        command = f"kubectl earlystop approve {policy['metadata']['name']} -n {policy['metadata']['namespace']}"
        return ManualPlan(None, f"{named(policy)} waits for an approval of that already: `{command}` agrees to it.")
    if after is state:
        return ManualPlan(None, f"{named(policy)} has promoted its candidate already.")
    waits = after.decision is state.decision and after.awaiting is not None
    name = after.awaiting.candidate if waits and after.awaiting else after.leader  # whom the operator would decide on
    what = f"{'asks to promote' if waits else 'promotes'} its candidate {name}"
    who = "its gates are open" if awaits_gates_alone(after.gates) else "somebody has approved that"
    then = f"it gets all requests once {who}" if waits else "it gets all requests"
    text, doubts = _unused(policy, state, PROMOTE, text), manual.unproven(state, now, name)
    return ManualPlan(
        {"metadata": {"annotations": {PROMOTE_ANNOTATION: text}}},
        f"Campaign {state.revision} of {named(policy)} {what}: {then}.",
        verb=PROMOTE,
        value=text,
        reached=(
            (lambda status: "awaiting" in status) if waits else (lambda status: _came_to(status, state, Phase.PROMOTED))
        ),
        doubts=doubts,
        candidate=name,
        question=f"Give all requests to the candidate {name} of {policy['metadata']['name']} now?",
        told=tuple(f"Not proven: {each}." for each in doubts) or ("All claims are proven.",),
    )


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """Another person's request that the operator has not dealt with. signed_by: its user, None when it is unsigned."""

    verb: str
    text: str
    signed_by: str | None

    def __str__(self) -> str:
        """A sentence that warns of it, and what to do about it."""
        by = f"by {printable(self.signed_by, 253)}" if self.signed_by else "by nobody who signed for it"
        quoted = printable(self.text, 64)
        if self.is_dropped:
            return f"Removed, since it was not carried out yet: {self.verb} {quoted}, requested {by}."
        return f"Also requested, and not carried out yet: {self.verb} {quoted}, {by}."

    @property
    def is_dropped(self) -> bool:
        """Whether a command takes it off. A retry that is taken off would start a campaign just as well."""
        return self.signed_by is None and self.verb in (ABORT, PROMOTE)


def waiting_requests(policy: Manifest, verb: str) -> tuple[WaitingRequest, ...]:
    """Requests of other verbs than this one that the operator would still carry out."""
    state, annotations = state_of(policy), policy["metadata"].get("annotations") or {}
    found = []
    for other in (ABORT, PROMOTE, RETRY):
        text = annotations.get(annotation_of(other), "")
        if other != verb and is_new(state, other, Request(text[:LONGEST_VALUE], "")):
            found.append(WaitingRequest(other, text, signer_of(annotations.get(signature_annotation(other), ""), text)))
    return tuple(found)


def _unused(policy: Manifest, state: RolloutState, verb: str, text: str) -> str:
    """The text of a request, with a number where the same text was dealt with or still stands there: the operator
    does not look at a text twice."""
    annotations = policy["metadata"].get("annotations") or {}
    return unused_text(state, verb, text, (annotations.get(annotation_of(verb), ""),))


def same_situation(read: Manifest, newer: Manifest) -> bool:
    """Whether a newer version of a policy is what a person has read, but for counts that grew and steps that came."""
    return _situation(read) == _situation(newer)


def _situation(policy: Manifest) -> tuple[Any, ...]:
    status, metadata = policy.get("status", {}), policy["metadata"]
    phase = status.get("phase")
    situation = "trying" if phase in TRYING else phase
    campaign = (status.get("revision"), situation, status.get("decision"))
    return (metadata["uid"], metadata["generation"], metadata.get("annotations"), *campaign)


def _came_to(status: Manifest, before: RolloutState, phase: Phase) -> bool:
    """Raises Refused when the campaign came to another end."""
    if status.get("revision") != before.revision:
        raise Refused(f"Campaign {before.revision} was replaced by {status.get('revision')} in the meantime.")
    now = status.get("phase")
    if now != before.phase and now in (Phase.PROMOTED, Phase.ROLLED_BACK, Phase.HELD) and now != phase:
        raise Refused(f"Campaign {before.revision} came to {now} in the meantime, not to {phase}.")
    return bool(now == phase)


def _answer(after: RolloutState | Declined) -> RolloutState:
    if isinstance(after, Declined):
        raise Refused(after.message)
    return after


def named(policy: Manifest) -> str:
    """A policy as people name it, with its namespace."""
    return f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"


def _abort_by_hand(policy: Manifest) -> str:
    """How to ask the operator for an abort without this command, as the end of what it says; "" before a campaign."""
    name, namespace = policy["metadata"]["name"], policy["metadata"]["namespace"]
    revision = policy.get("status", {}).get("revision")
    if not isinstance(revision, str) or not revision:
        return ""
    asked = f"kubectl annotate esp {name} -n {namespace} --overwrite {ABORT_ANNOTATION}={revision}"
    return f" To take its candidate back without it: `{asked}`."


def _times(policy: Manifest) -> LiveTimes:
    """When its rollout does what, as its spec says. Raises Refused for a spec of another release."""
    try:
        return LiveTimes.of(PolicySpec.model_validate(policy["spec"]))
    except ValueError:
        raise Refused(f"{named(policy)}: its spec cannot be read. {OTHER_RELEASE}") from None


def state_of(policy: Manifest) -> RolloutState:
    """Where a policy stands. Raises Refused for a status of another release, and where nothing says its plan."""
    try:
        return from_status(without_defaults(status_of(policy)))[0]
    except ValueError:
        other = f"its status cannot be read. {OTHER_RELEASE}"
        raise Refused(f"{named(policy)}: {lacks_plan(policy) or other}") from None


def _condition(policy: Manifest, type_: str) -> Manifest | None:
    conditions = policy.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == type_), None)
