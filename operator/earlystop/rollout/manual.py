"""What people may ask of a campaign under way: to abort it, or to promote its candidate now.

Pure, like the transitions. Both name the campaign by its revision, so that a request which is applied again and again
never meets a later one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from earlystop.api.signatures import PROMOTE
from earlystop.api.visible import printable
from earlystop.api.wire import GROUP, PROMOTE_ANNOTATION
from earlystop.rollout.exposure import incumbent_weight
from earlystop.rollout.guard.adjust import steps_back
from earlystop.rollout.guard.in_service import NOT_PROVEN
from earlystop.rollout.handled_requests import Request, handled_of, is_new, is_spent, note_handled, unused_text
from earlystop.rollout.later_decision import decided_again, without_certificate
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import Plan
from earlystop.rollout.promotion import missing_for_promotion
from earlystop.rollout.state import DECIDED, WITHOUT_CANDIDATE, Decision, Phase, RolloutState, Verdict
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.trials.end_reasons import ENDED_FOR_GOOD
from earlystop.rollout.words.decision_messages import missing_phrases

ABORTED = "Aborted"
PROMOTED_BY_PERSON = "PromotedByPerson"
BY_PERSON = frozenset({ABORTED, PROMOTED_BY_PERSON})

LONGEST_QUOTE = 64


@dataclass(frozen=True, slots=True)
class Declined:
    """Why nothing is done about a request. refused: the person may have to act; else the request is out of date."""

    message: str
    refused: bool = False


def abort(
    times: LiveTimes, state: RolloutState, request: Request, previous_digest: str, now: int
) -> RolloutState | Declined:
    """The state with a decision to give all requests to the baseline; the same state when they have it already and
    nothing follows by itself. A search ends with it, and no setting follows an alarm of a guard any more.

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
    before = state.decision
    if before is not None and before.reason == ABORTED and state.phase is Phase.ROLLING_BACK:
        return state  # it is being carried out
    if state.phase in WITHOUT_CANDIDATE and not incumbent_weight(state) and not _goes_on(state):
        return state
    after = "" if before is None else f", after its decision {before.verdict.value} ({before.reason})"
    message = f"Asked for by {request.by}: the campaign is aborted{after}, and all requests go to the baseline."
    decision = Decision(
        verdict=Verdict.ROLL_BACK,
        reason=ABORTED,
        message=message,
        at=now,
        candidate=state.leader,
        requested_by=request.by,
    )
    return decided_again(times, without_certificate(state), decision, previous_digest, ends_guard=True)


def promote_now(
    times: LiveTimes, state: RolloutState, request: Request, previous_digest: str, now: int
) -> RolloutState | Declined:
    """The state with a decision to give all requests to a candidate; the same state when it has them already. Where the
    policy asks people to agree, the decision waits for them.

    Declined where harm is shown, where nothing is under way, and while suspended: then no weight may rise. The decision
    says what was not proven when it was taken, and certifies nothing.
    """
    stale = _stale("promote", state, request)
    if stale is not None:
        return stale
    plan = state.pinned_plan
    if state.search is not None and (state.phase in DECIDED and not _is_promoted_by_person(state)):
        return Declined(
            f"The trial {state.revision} of the search is decided already; ask for the one that follows, if one does, "
            "or retry the policy for another search. Nothing is done.",
            refused=True,
        )
    if state.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK):
        # After an abort the older request is merely still written down.
        is_news = state.decision is None or not state.decision.requested_by
        return Declined(f"Campaign {state.revision} was rolled back; retry it to try again.", refused=is_news)
    name = _named_candidate(plan, state, request)
    if isinstance(name, Declined):
        return name
    if state.phase in (Phase.PROMOTING, Phase.PROMOTED):
        already = (
            f"Campaign {state.revision} has promoted {state.leader} already; retry it to promote another. Nothing is "
            "done."
        )
        return state if name == state.leader else Declined(already, refused=True)
    assessment = state.comparison(name).assessment
    if assessment.harmful:
        harms = ", ".join(map(str, assessment.harms))[:200]
        return Declined(f"Harm is proven ({harms}), and nobody promotes that.", refused=True)
    if times.suspend or state.phase == Phase.SUSPENDED:
        message = (
            "The policy is suspended, and no weight rises meanwhile; nothing is promoted when it is resumed, either. "
            f"Ask again then: write another text, as {unused_text(state, PROMOTE, request.text, (request.text,))}, to "
            f"{PROMOTE_ANNOTATION}."
        )
        return Declined(message, refused=True)
    missing = unproven(state, now, name)
    doubts = f"{NOT_PROVEN}: {'; '.join(missing)}." if missing else "All claims were proven at that moment."
    message = f"Asked for by {request.by}: {name} is promoted now. {doubts}"
    decision = Decision(
        verdict=Verdict.PROMOTE,
        reason=PROMOTED_BY_PERSON,
        message=message,
        at=now,
        candidate=name,
        requested_by=request.by,
    )
    return decided_again(times, state, decision, previous_digest)


Decide = Callable[[LiveTimes, RolloutState, Request, str, int], RolloutState | Declined]
"""`abort` or `promote_now`."""


def follow(
    verb: str, decide: Decide, times: LiveTimes, state: RolloutState, request: Request, digest: str, now: int
) -> tuple[RolloutState, Declined | None]:
    """The state after a request, which is dealt with in it whatever came of it, and why it was declined, if it was.

    The same state when the request was dealt with before. digest: of the policy's latest verdict.
    """
    handled = note_handled(state, verb, request)
    if not is_new(state, verb, request):
        return handled, None
    after = decide(times, handled, replace(request, by=handled_of(handled, verb).by), digest, now)
    return (handled, after) if isinstance(after, Declined) else (after, None)


def unproven(state: RolloutState, now: int, name: str) -> tuple[str, ...]:
    """What a promotion of a candidate by evidence would still need, one phrase each with its numbers; none when all is
    proven. Raises KeyError for a name that is not tried."""
    return missing_phrases(missing_for_promotion(state.pinned_plan, state, name, now), name)


def answered(
    verb: str,
    decide: Decide,
    times: LiveTimes,
    state: RolloutState,
    request: Request,
    previous_digest: Callable[[], str],
    now: int,
) -> tuple[RolloutState, Declined | None]:
    """The state after a request, which it remembers, and why nothing was done about it, None where something was or
    there is none. One that was dealt with before is declined once more where another one stood there meanwhile.
    previous_digest: gives the digest of the policy's latest verdict, which is dear to work out."""
    if not is_new(state, verb, request):
        return noted(verb, state, request)
    return follow(verb, decide, times, state, request, previous_digest(), now)


def noted(verb: str, state: RolloutState, request: Request) -> tuple[RolloutState, Declined | None]:
    """As `answered`, of a request that nothing is to be decided about."""
    after = note_handled(state, verb, request)
    if is_spent(state, verb, request) and request.text != handled_of(state, verb).text:
        return after, Declined(spent_message(after, verb, request))
    return after, None


def spent_message(state: RolloutState, verb: str, request: Request) -> str:
    """Why nothing is done about a request whose text was dealt with before another one."""
    other = unused_text(state, verb, request.text, (request.text,))
    return (
        f"{GROUP}/{verb} is {_quoted(request.text)}, which was dealt with before; each text is dealt with once. "
        f"Nothing is done. If it is meant anew, write another text, as {other}."
    )


def _stale(verb: str, state: RolloutState, request: Request) -> Declined | None:
    """Why a request is not about the campaign of this state."""
    if state.phase == Phase.PENDING:
        return Declined(
            f"No campaign has begun, so there is nothing to {verb}. Nothing is done; the conditions Accepted and "
            "Ready say what is waited for.",
        )
    if request.revision == state.revision:
        return None
    return Declined(
        f"{GROUP}/{verb} is {_quoted(request.text)}, but the campaign of this policy is {state.revision}. "
        f"Nothing is done. Write {state.revision} if that one is meant, or remove the annotation.",
    )


def _goes_on(state: RolloutState) -> bool:
    """Whether a setting may get requests again although nobody asks for it: after an alarm, in a search that goes on,
    and in one that may begin again."""
    return steps_back(state) or _searches_on(state)


def _searches_on(state: RolloutState) -> bool:
    search, terms = state.search, None if state.plan is None else state.pinned_plan.spec.search
    if search is None or search.ended is None:
        return search is not None
    repeats = terms is not None and terms.repeat_seconds is not None
    return repeats and search.ended.reason not in ENDED_FOR_GOOD


def _is_promoted_by_person(state: RolloutState) -> bool:
    return state.decision is not None and state.decision.reason == PROMOTED_BY_PERSON


def _named_candidate(plan: Plan, state: RolloutState, request: Request) -> str | Declined:
    """Name of the candidate that is meant."""
    if not strategy_of(plan).promotes:
        return Declined(
            "delivery.mode Shadow moves no traffic, so nothing can be promoted. Write another mode first.", refused=True
        )
    names = [each.name for each in state.active]
    if request.candidate in names:
        return request.candidate
    if not request.candidate and len(plan.names) == 1:
        return plan.names[0]
    named = f"names the candidate {_quoted(request.candidate)}" if request.candidate else "names no candidate"
    return Declined(
        f"{PROMOTE_ANNOTATION} {named}; write {request.revision}/NAME with one of {', '.join(names)}. Nothing is done.",
        refused=True,
    )


def _quoted(text: str) -> str:
    """A value that a person wrote, short and without anything that a terminal or a log would act on."""
    return repr(printable(text, LONGEST_QUOTE))
