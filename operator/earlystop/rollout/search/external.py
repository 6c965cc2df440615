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
            if each.setting not in tried and failures_of(each.proposer, outcomes) < terms.failure_budget
        ]
        if not free or worth.is_used_up(terms):
            return None
        chosen = min(free, key=lambda each: trials_of(each.proposer, outcomes))
        risk = level(terms.risk, chosen.proposer, outcomes)
        reason = f"{chosen.proposer} proposes {settings[chosen.setting].name} in {chosen.name}"
        return Proposal(chosen.setting, risk, requests_of(outcomes, terms, risk), reason, chosen.proposer, chosen.name)


def level(risk: float, proposer: str, outcomes: Sequence[TrialOutcome]) -> float:
    """Risk at which the next trial of a proposer is judged, of the whole search's."""
    proposers = list(dict.fromkeys(each.proposer for each in outcomes))
    place = proposers.index(proposer) if proposer in proposers else len(proposers)
    failures = failures_of(proposer, outcomes)
    return risk / ((place + 1) * (place + 2)) / ((failures + 1) * (failures + 2))


def requests_of(outcomes: Sequence[TrialOutcome], terms: SearchTerms, risk: float) -> int:
    """After how many requests of both variants a trial ends: enough to tell a setting from one beyond the margin that
    lies a quarter of it away, and half of what is left at most, so that later proposals find some."""
    longest = 2 * worth.noise(outcomes) * (log(1 / risk) + worth.PRICE) / (TOLD_APART * terms.margin) ** 2
    least = worth.LEAST_LOOKS * terms.per_look
    most = max(least, round(float(f"{longest:.2g}")))
    return most if terms.requests is None else min(most, max(terms.requests // 2, least), terms.requests)


def trials_of(proposer: str, outcomes: Sequence[TrialOutcome]) -> int:
    """How many trials of a proposer are over."""
    return sum(each.proposer == proposer for each in outcomes)


def failures_of(proposer: str, outcomes: Sequence[TrialOutcome]) -> int:
    """How many of them ended without a certificate."""
    return sum(each.proposer == proposer and each.end is not TrialEnd.CERTIFIED for each in outcomes)


PROPOSER = External()
