"""External: what others propose is tried in turn, at each proposer's own share of the risk.

The order. Proposers take turns: next comes who had the fewest trials so far, and of those who waited longest; of one
proposer's settings the one that was proposed first.

The risk. The k-th proposer who has a trial, k = 1, 2, ..., has the share `risk / (k (k + 1))`, and its trial after f of
its own that failed is judged at `share / ((f + 1) (f + 2))`. Both sequences telescope, so all shares add up to `risk`
and all levels of a proposer to its share, however many there ever are. A certificate spends nothing: before the first
certificate of a violating setting, each violating trial of a proposer has failed, so each level is that of one of them
at most. Hence the probability that any violating setting is certified is at most `risk`, whatever is proposed, by whom
and in which order, also by an adversary who sees all outcomes. A proposer's failures lower its own levels and use its
own failure budget alone.

The requests. Of `search.budget.requests` the k-th proposer has the part `1 / (k (k + 1))` as well, for all its trials:
whoever proposes first, and however much, leaves a half to those who come later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from earlystop.rollout.search import worth
from earlystop.rollout.search.trial import Belief, Proposal, SearchTerms, Setting, TrialEnd, TrialOutcome

TOLD_APART = 0.25
"""Distance from the margin, as a part of it, at which a trial has enough requests to tell a setting."""


@dataclass(frozen=True, slots=True)
class WaitingOffer:
    """A setting that waits for its trial. setting: its index. proposer: who proposes it. name: of the proposal."""

    setting: int
    proposer: str
    name: str


@dataclass(frozen=True, slots=True)
class External:
    """The proposer of strategy External. waiting: what was accepted and not tried yet, in the order of arrival."""

    waiting: tuple[WaitingOffer, ...] = ()

    def propose(
        self,
        settings: Sequence[Setting],
        outcomes: Sequence[TrialOutcome],
        terms: SearchTerms,
        belief: Belief | None,
        seed: int,
    ) -> Proposal | None:
        """The next trial, None while nothing that may be tried waits; that ends no search."""
        worth.check_outcomes(settings, outcomes)
        tried = {each.setting for each in outcomes}
        free = [
            each
            for each in self.waiting
            if each.setting not in tried
            and failures_of(each.proposer, outcomes) < terms.failure_budget
            and own_requests(each.proposer, outcomes, _whole(outcomes, terms)) != 0
        ]
        if not free or worth.is_used_up(terms):
            return None
        chosen = min(free, key=lambda each: trials_of(each.proposer, outcomes))
        risk = level(terms.risk, chosen.proposer, outcomes)
        reason = f"{chosen.proposer} proposes {settings[chosen.setting].name} in {chosen.name}"
        most = requests_of(chosen.proposer, outcomes, terms, risk)
        return Proposal(chosen.setting, risk, most, reason, chosen.proposer, chosen.name)


def level(risk: float, proposer: str, outcomes: Sequence[TrialOutcome]) -> float:
    """Risk at which the next trial of a proposer is judged, of the whole search's."""
    place, failures = _place(proposer, outcomes), failures_of(proposer, outcomes)
    return risk / (place * (place + 1)) / ((failures + 1) * (failures + 2))


def own_requests(proposer: str, outcomes: Sequence[TrialOutcome], whole: int | None) -> int | None:
    """How many requests of both variants a proposer's further trials may take together, 0 where its part is used up.
    whole: `search.budget.requests`; None for no bound."""
    if whole is None:
        return None
    place = _place(proposer, outcomes)
    used = sum(each.requests for each in outcomes if each.proposer == proposer)
    return max(0, whole // (place * (place + 1)) - used)


def has_share_for_nobody(outcomes: Sequence[TrialOutcome], terms: SearchTerms) -> bool:
    """Whether nobody has requests for a look left: no proposer of a trial that is over, nor one who comes next."""
    whole = _whole(outcomes, terms)
    if whole is None:
        return False
    proposers = {each.proposer for each in outcomes}
    next_share = whole // ((len(proposers) + 1) * (len(proposers) + 2))
    shares = [next_share, *(own_requests(each, outcomes, whole) or 0 for each in proposers)]
    return max(shares) < terms.per_look


def requests_of(proposer: str, outcomes: Sequence[TrialOutcome], terms: SearchTerms, risk: float) -> int:
    """After how many requests of both variants a proposer's trial ends: enough to tell a setting from one beyond the
    margin that lies a quarter of it away, and half of what its own trials may take at most, so that later ones of its
    proposals find some."""
    longest = 2 * worth.noise(outcomes) * (log(1 / risk) + worth.PRICE) / (TOLD_APART * terms.margin) ** 2
    least = worth.least_requests(terms)
    most = max(least, round(float(f"{longest:.2g}")))
    left = own_requests(proposer, outcomes, _whole(outcomes, terms))
    if left is None or terms.requests is None:
        return most
    return min(most, max(left // 2, least), left, terms.requests)


def _whole(outcomes: Sequence[TrialOutcome], terms: SearchTerms) -> int | None:
    """What all trials may take together, those that are over included."""
    return None if terms.requests is None else terms.requests + sum(each.requests for each in outcomes)


def _place(proposer: str, outcomes: Sequence[TrialOutcome]) -> int:
    """Which proposer it is, from 1, in the order of their first trials; the next one before its first."""
    proposers = list(dict.fromkeys(each.proposer for each in outcomes))
    return 1 + (proposers.index(proposer) if proposer in proposers else len(proposers))


def trials_of(proposer: str, outcomes: Sequence[TrialOutcome]) -> int:
    """How many trials of settings that one proposer proposed are over."""
    return sum(each.proposer == proposer for each in outcomes)


def failures_of(proposer: str, outcomes: Sequence[TrialOutcome]) -> int:
    """How many of them ended without a certificate."""
    return sum(each.proposer == proposer and each.end is not TrialEnd.CERTIFIED for each in outcomes)


PROPOSER = External()
