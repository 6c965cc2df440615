"""What people may ask of a campaign under way: to abort it, or to promote its candidate now. Pure, like the kernel.

Both name the campaign by its revision, so that a wish which is applied again and again never meets a later campaign.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log

from earlystop.api.policy import PolicySpec
from earlystop.api.wire import GROUP, PROMOTE_ANNOTATION
from earlystop.evidence.engine import Assessment
from earlystop.evidence.objective import CERTIFICATE
from earlystop.evidence.setting_check import Effect
from earlystop.rollout.assessing import assess
from earlystop.rollout.exposure import WITHOUT_CANDIDATE
from earlystop.rollout.formatting import in_percent, in_points, log_e_text
from earlystop.rollout.plan import Kind, Plan, parse_plan
from earlystop.rollout.state import Decision, Phase, RolloutState, Verdict
from earlystop.rollout.transitions import LONGEST_MESSAGE, decide

ABORTED = "Aborted"
PROMOTED_BY_PERSON = "PromotedByPerson"
BY_PERSON = frozenset({ABORTED, PROMOTED_BY_PERSON})

LONGEST_QUOTE = 64


@dataclass(frozen=True, slots=True)
class Request:
    """One wish: `revision` or, for a promotion, `revision/candidate`. by: who asks, in words for people, bounded."""

    text: str
    by: str

    @property
    def revision(self) -> str:
        """The campaign that it is about."""
        return self.text.partition("/")[0]

    @property
    def candidate(self) -> str:
        """The candidate that it names; "" when it names none."""
        return self.text.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Declined:
    """Why nothing is done about a wish. refused: the person may have to act; else the wish is merely out of date."""

    message: str
    refused: bool = False


def abort(
    spec: PolicySpec, state: RolloutState, request: Request, previous_digest: str, now: int
) -> RolloutState | Declined:
    """The state with a decision to give all requests to the baseline; the same state when they have it already.

    It needs no evidence and no metrics. It works while suspended, and after a promotion or a verdict that holds the
    weights: then it is a further decision of the campaign, and a setting certified by it is certified no more.
    previous_digest: digest of the policy's latest verdict, by which the new one names it.
    """
    stale = _stale("abort", state, request)
    if stale is not None:
        return stale
    if request.candidate:
        return Declined(
            f"An abort ends the whole campaign and names no candidate; write {state.revision} instead of "
            f"{_quoted(request.text)}. Nothing is done.",
            refused=True,
        )
    if state.phase in WITHOUT_CANDIDATE:
        return state
    before = state.decision
    after = "" if before is None else f", after its decision {before.verdict.value} ({before.reason})"
    message = f"Asked for by {request.by}: the campaign is aborted{after}, and all requests go to the baseline."
    proven = before is not None and before.verdict == Verdict.PROMOTE and not before.requested_by
    changed = state if not (proven and state.phase == Phase.PROMOTED) else replace(state, certified=None)
    decision = Decision(Verdict.ROLL_BACK, ABORTED, message, now, state.leader, request.by)
    return _decide(spec, changed, decision, previous_digest)


def promote_now(
    spec: PolicySpec, state: RolloutState, request: Request, previous_digest: str, now: int
) -> RolloutState | Declined:
    """The state with a decision to give all requests to a candidate; the same state when it has them already.

    Declined where harm is shown, where nothing is under way, and while suspended: then no weight may rise. The decision
    says what was not proven when it was taken, and certifies nothing.
    """
    stale = _stale("promote", state, request)
    if stale is not None:
        return stale
    plan = parse_plan(state.plan)
    if state.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK):
        # After an abort the older wish is merely still written down.
        news = state.decision is None or not state.decision.requested_by
        return Declined(f"Campaign {state.revision} was rolled back; retry it to try again.", refused=news)
    place = _place(plan, state, request)
    if isinstance(place, Declined):
        return place
    if state.phase in (Phase.PROMOTING, Phase.PROMOTED):
        won = plan.names[state.leader]
        told = f"Campaign {state.revision} has promoted {won} already; retry it to promote another. Nothing is done."
        return state if place == state.leader else Declined(told, refused=True)
    found = assess(state.comparisons[place].evidence)
    if found.harmful:
        return Declined(f"Harm is shown ({', '.join(found.harms)[:200]}), and nobody promotes that.", refused=True)
    if state.phase == Phase.SUSPENDED:
        message = (
            "The policy is suspended, and no weight rises meanwhile. The candidate is promoted when it is resumed; "
            f"remove {PROMOTE_ANNOTATION} if that is not what you want."
        )
        return Declined(message, refused=True)
    missing = unproven(state, now, place)
    told = f"Not proven at that moment: {'; '.join(missing)}." if missing else "All claims were proven at that moment."
    message = f"Asked for by {request.by}: {plan.names[place]} is promoted now. {told}"
    decision = Decision(Verdict.PROMOTE, PROMOTED_BY_PERSON, message, now, place, request.by)
    return _decide(spec, state, decision, previous_digest)


def unproven(state: RolloutState, now: int, place: int = 0) -> tuple[str, ...]:
    """What a promotion of a candidate by evidence would still need, one phrase each with its numbers; none when all is
    proven."""
    plan, comparison = parse_plan(state.plan), state.comparisons[place]
    objective, found = comparison.evidence.objective, assess(comparison.evidence)
    open_classes = _open_certificates(found, objective.risk_promote)
    needed = -log(objective.risk_promote)
    told = []
    if not found.non_inferior:
        each = " in each query class" if objective.require_each else ""
        told.append(
            f"a loss of less than {in_points(objective.margin)} points of EM{each} (seen: {in_points(found.effect)}; "
            f"log e-value {log_e_text(found.log_e_max.promote)} of {log_e_text(needed)}{open_classes})"
        )
    if not found.saves_tokens:
        told.append(
            f"a saving of at least {in_percent(objective.minimum_saving)} of the tokens (seen: "
            f"{in_percent(found.saving)}; log e-value {log_e_text(found.log_e_max.tokens)} of {log_e_text(needed)})"
        )
    if found.sample_ratio_broken:
        told.append("a comparison that is sound (requests are not split as the weights say)")
    if found.setting is Effect.NOT_MOVED:
        told.append("a setting that reaches the engine (lengths of answers have not moved)")
    if not told and plan.several and comparison.certified_at is None:
        told.append("its claims beside those of the other candidates (closed testing)")
    stage, since = plan.stage(state.step), state.evidence_from
    if stage.kind is not Kind.SPLIT:
        told.append("anything on live answers: no request was answered with it yet")
    if not told and (since is None or now - since < stage.minimum_seconds):
        told.append(f"the step's least time of {stage.minimum_seconds} s")
    return tuple(told)


def _open_certificates(found: Assessment, risk: float) -> str:
    """The query classes whose own certificate is missing, in words; "" where none is asked for."""
    missing = [
        name.removeprefix(CERTIFICATE)
        for name, value in found.log_e_max.others
        if name.startswith(CERTIFICATE) and value < -log(risk)
    ]
    return f"; missing in {', '.join(missing)}" if missing else ""


def _stale(verb: str, state: RolloutState, request: Request) -> Declined | None:
    """Why a wish is not about the campaign of this state."""
    if state.phase == Phase.PENDING:
        return Declined(
            f"{GROUP}/{verb} is {_quoted(request.text)}, but no campaign has begun. Nothing is done.",
        )
    if request.revision == state.revision:
        return None
    return Declined(
        f"{GROUP}/{verb} is {_quoted(request.text)}, but the campaign of this policy is {state.revision}. "
        f"Nothing is done. Write {state.revision} if that one is meant, or remove the annotation.",
    )


def _place(plan: Plan, state: RolloutState, request: Request) -> int | Declined:
    """Which candidate is meant."""
    if plan.only_reports:
        return Declined(
            "delivery.mode Shadow moves no traffic, so nothing can be promoted. Write another mode first.", refused=True
        )
    names = [plan.names[place] for place in state.active]
    if request.candidate in names:
        return plan.names.index(request.candidate)
    if not request.candidate and len(plan.names) == 1:
        return 0
    told = f"names the candidate {_quoted(request.candidate)}" if request.candidate else "names no candidate"
    return Declined(
        f"{PROMOTE_ANNOTATION} {told}; write {request.revision}/NAME with one of {', '.join(names)}. Nothing is done.",
        refused=True,
    )


def _decide(spec: PolicySpec, state: RolloutState, decision: Decision, previous_digest: str) -> RolloutState:
    """The state with a decision that may follow another one of its campaign: its verdict then names that one's."""
    number = 1 if state.decision is None else state.decision.number + 1
    decision = replace(decision, message=decision.message[:LONGEST_MESSAGE], number=number)
    return replace(decide(spec, state, decision), previous_digest=previous_digest, suspended_at=None)


def _quoted(text: str) -> str:
    """A value that a person wrote, short and without anything that a terminal or a log would act on."""
    return repr(printable(text, LONGEST_QUOTE))


def printable(text: str, length: int) -> str:
    """Text of unknown origin for events, logs and records: at most so many characters, each one that can be seen."""
    seen = "".join(each if each.isprintable() else "?" for each in text[: length + 1])
    return seen if len(seen) <= length else f"{seen[: length - 1]}…"
