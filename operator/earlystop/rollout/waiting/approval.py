"""Which decisions wait for people, what they are asked, and which answers count. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from earlystop.api.approval import Approval
from earlystop.api.unseen import is_like
from earlystop.api.verdict import ClassMapEntry
from earlystop.evidence.objective import Basis
from earlystop.rollout.class_settings import class_settings
from earlystop.rollout.decision import BY_CLASS
from earlystop.rollout.plan import Plan
from earlystop.rollout.serving import Served, pairs_served, served_after
from earlystop.rollout.state import Comparison, Decision, RolloutState, Verdict
from earlystop.rollout.stored.class_codec import class_map_entries
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.waiting.awaited import AwaitedDecision
from earlystop.rollout.waiting.requirements import Answer, RequirementState

SECONDS_OF_SKEW = 5
"""By so much the API server's clock, which dates approvals, may be behind the operator's."""
USER = "user "
"""How the words on who asked or answered begin where the API server has checked the name."""


def needs_approval(terms: Approval, state: RolloutState, decision: Decision) -> bool:
    """Whether a decision waits for people, as the policy says it now. Only favourable ones ever do."""
    if decision.verdict is Verdict.RECOMMEND:
        return terms.mode == "Always"
    if decision.verdict is not Verdict.PROMOTE:
        return False
    if changes_nothing(state, decision):
        return False
    if terms.mode == "WhenBelowFloor":
        return any(_is_below_floor(each) for each in _promoted(state, decision))
    return terms.mode in ("BeforePromotion", "Always")


def changes_nothing(state: RolloutState, decision: Decision) -> bool:
    """Whether a trial ends certified and the setting that a search has found before goes on serving: then there is
    nothing to agree to."""
    if decision.verdict is not Verdict.PROMOTE:
        return False
    comparison = state.comparison(decision.candidate)
    return served_after(state.pinned_plan, comparison, decision) is Served.INCUMBENT


def _promoted(state: RolloutState, decision: Decision) -> tuple[Comparison, ...]:
    """The comparisons of all candidates that a promotion gives requests to."""
    names = {decision.candidate}
    if decision.reason == BY_CLASS:
        names |= {each.candidate for each in class_settings(state.pinned_plan, state.comparisons)}
    return tuple(each for each in state.comparisons if each.name in names)


def _is_below_floor(comparison: Comparison) -> bool:
    """Whether the candidate's Exact Match counted so far is below the floor, or nobody has counted any."""
    objective = comparison.evidence.objective
    if objective.floor is None:
        return False
    looks = [look.candidate for look in comparison.looks]
    if objective.basis is Basis.PAIRS:
        right = sum(each.pairs_both + each.pairs_candidate_only for each in looks)
        scored = sum(each.pairs.total for each in looks)
    else:
        right, scored = sum(each.match for each in looks), sum(each.scored for each in looks)
    return scored == 0 or right < objective.floor * scored


def proposed_decision(state: RolloutState, awaited: AwaitedDecision) -> Decision:
    """What a waiting decision would be, without its words."""
    verdict = Verdict.PROMOTE if strategy_of(state.pinned_plan).promotes else Verdict.RECOMMEND
    return Decision(verdict, awaited.reason, "", awaited.since, awaited.candidate, requested_by=awaited.requested_by)


def awaited_digest(uid: str, state: RolloutState) -> str:
    """Digest of the decision that waits, "" when none does. uid: of the policy."""
    if state.awaiting is None:
        return ""
    plan, decision = state.pinned_plan, proposed_decision(state, state.awaiting)
    gets_all = decision.verdict is Verdict.PROMOTE and decision.reason != BY_CLASS
    serves = Served.CANDIDATE if gets_all else Served.BASELINE
    return _digest(
        {
            "policyUid": uid,
            "revision": state.revision,
            "decision": decision.verdict.value,
            "candidate": decision.candidate,
            "settings": [each.wire() for each in pairs_served(plan, decision.candidate, serves)],
            "classMap": _class_map(plan, state, state.awaiting),
        }
    )


def recorded_digest(record: dict[str, Any]) -> str:
    """The digest of a favourable decision that was carried out, from its verdict. record: the verdict's spec."""
    named = {name: record[name] for name in ("policyUid", "revision", "decision", "candidate", "settings")}
    return _digest({**named, "classMap": record.get("classMap") or []})


def _class_map(plan: Plan, state: RolloutState, awaited: AwaitedDecision) -> list[dict[str, Any]]:
    if awaited.reason != BY_CLASS:
        return []
    if awaited.class_map:
        return [ClassMapEntry(query_class=name, candidate=candidate).wire() for name, candidate in awaited.class_map]
    return [each.wire() for each in class_map_entries(plan, state.comparisons) or ()]


def _digest(content: dict[str, Any]) -> str:
    """sha256 over canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class GivenApproval:
    """An EarlyStopApproval of a policy, as it was shown.

    name: of the object. created: when, Unix seconds. by: the user's name, as the API server has checked it. approves:
    whether it approves; else it rejects. comment: what was written beside it.
    """

    name: str
    created: int
    by: str
    policy_uid: str
    digest: str
    approves: bool
    comment: str = ""

    @property
    def in_words(self) -> str:
        """Who it is, as verdicts say it."""
        return f"{USER}{self.by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a policy asks people now.

    uid: of the policy. digest: of the decision that waits, "" when none does. since, until: how long, Unix seconds.
    excluded: users whose approvals do not count, whatever letters that nobody sees their names
    have. author_unknown: whether no approval
    counts, since it is not known who must not approve. answered: digest of the latest decision that people have
    answered. answered_by: who did, in words.
    """

    uid: str
    digest: str = ""
    since: int = 0
    until: int = 0
    excluded: frozenset[str] = frozenset()
    author_unknown: bool = False
    answered: str = ""
    answered_by: frozenset[str] = frozenset()


class Fate(StrEnum):
    """What becomes of an approval: the reason of its condition."""

    COUNTED = "Counted"
    OTHER_POLICY = "OtherPolicy"
    NOT_PROPOSED = "NotProposed"
    TOO_EARLY = "MadeBeforeProposal"
    TOO_LATE = "MadeAfterExpiry"
    BY_AUTHOR = "ByAuthor"
    AUTHOR_UNKNOWN = "AuthorUnknown"
    TWICE = "AnsweredBefore"
    NO_POLICY = "NoSuchPolicy"


def asked(uid: str, terms: Approval, state: RolloutState, author: str) -> Asked:
    """What a policy asks people now. author: the user who last changed what it tries and proves, "" where nobody
    knows."""
    awaited, decision = state.awaiting, state.decision
    answered, by = ("", frozenset[str]())
    if decision is not None and decision.proposal:
        answered, by = decision.proposal, frozenset((*decision.approved_by, decision.rejected_by))
    if awaited is None:
        return Asked(uid=uid, answered=answered, answered_by=by)
    names = [author] if awaited.by_evidence else [author, _user_in(awaited.requested_by)]
    proposer = proposer_of(state)
    return Asked(
        uid=uid,
        digest=awaited_digest(uid, state),
        since=awaited.since if awaited.answers_from is None else awaited.answers_from,
        until=awaited.since + terms.expires_seconds,
        excluded=frozenset((*names, proposer)) - {""} if terms.not_by_author else frozenset(),
        author_unknown=terms.not_by_author and "" in names,
        answered=answered,
        answered_by=by,
    )


def proposer_of(state: RolloutState) -> str:
    """The user who proposed the setting that is tried, as the API server has checked the name; "" where nobody did."""
    trial = state.pinned_plan.trial
    return "" if trial is None else trial.proposer


def _user_in(words: str) -> str:
    """The user whose name the API server has checked; "" where it has not."""
    return words.removeprefix(USER) if words.startswith(USER) else ""


def fates(given: Iterable[GivenApproval], of: Asked) -> tuple[tuple[GivenApproval, Fate], ...]:
    """What becomes of each approval of a policy, the earliest first. Of one person only the first answer to a decision
    counts."""
    found: list[tuple[GivenApproval, Fate]] = []
    counted: set[str] = set()
    for each in sorted(given, key=lambda one: (one.created, one.name)):
        fate = _fate(each, of)
        if fate is Fate.COUNTED and each.by in counted:
            fate = Fate.TWICE
        counted |= {each.by} if fate is Fate.COUNTED else set()
        found.append((each, fate))
    return tuple(found)


def _fate(given: GivenApproval, of: Asked) -> Fate:
    if given.policy_uid != of.uid:
        return Fate.OTHER_POLICY
    if not of.digest and of.answered and given.digest == of.answered and given.in_words in of.answered_by:
        return Fate.COUNTED
    if not of.digest or given.digest != of.digest:
        return Fate.NOT_PROPOSED
    if given.created < of.since - SECONDS_OF_SKEW:
        return Fate.TOO_EARLY
    if given.created > of.until:
        return Fate.TOO_LATE
    if given.approves and of.author_unknown:
        return Fate.AUTHOR_UNKNOWN
    if given.approves and any(is_like(given.by, each) for each in of.excluded):
        return Fate.BY_AUTHOR
    return Fate.COUNTED


@dataclass(frozen=True, slots=True)
class ApprovalRequirement:
    """Requires that a person agrees in time. A rejection counts more than any approval. given: all approvals of the
    policy. is_needed: whether anybody need agree, as the policy says it now."""

    of: Asked
    given: Sequence[GivenApproval]
    is_needed: bool = True

    def answer(self, now: int) -> Answer:
        """How it stands at a moment, Unix seconds."""
        counted = [each for each, fate in fates(self.given, self.of) if fate is Fate.COUNTED]
        rejected = next((each for each in counted if not each.approves), None)
        if rejected is not None:
            return Answer(RequirementState.REFUSED, (rejected.in_words,), rejected.comment)
        agreed = tuple(each.in_words for each in counted)
        if agreed or not self.is_needed:
            return Answer(RequirementState.OPEN, agreed[:8])
        return Answer(RequirementState.TIMED_OUT if now >= self.of.until else RequirementState.WAITING)
