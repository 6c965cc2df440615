"""Settings, outcomes and terms for the tests of searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from earlystop.rollout.search.trial import (
    Belief,
    Estimate,
    Proposal,
    Proposer,
    SearchTerms,
    Setting,
    TrialEnd,
    TrialOutcome,
)
from tests.turns import Turns

TERMS = SearchTerms(
    margin=0.02, minimum_saving=0.04, risk=0.05, failure_budget=3, requests=None, horizon=1_000_000, per_look=100
)
TABLE_LOSSES = (0.0, 0.0, 0.001, 0.002, 0.005, 0.009, 0.015, 0.024, 0.04, 0.065)
"""Exact Match lost by ten rungs, of which the first seven keep a margin of 0.02."""


def rungs(count: int) -> list[Setting]:
    """Settings of one parameter, evenly placed from the most careful to the boldest."""
    places = [index / max(1, count - 1) for index in range(count)]
    return [Setting(f"window-{place:.2f}", (("window", f"{place:.2f}"),), (place,)) for place in places]


def savings_of(count: int) -> list[float]:
    """Shares of tokens that rungs save: the boldest saves half."""
    return [0.5 * (index + 1) / count for index in range(count)]


@dataclass(frozen=True, slots=True)
class Truth:
    """What settings truly lose and save, one entry each."""

    losses: Sequence[float]
    savings: Sequence[float]

    def outcome(self, tried: Proposal, end: TrialEnd, error: float = 0.004, requests: int = 20_000) -> TrialOutcome:
        """A trial that ended so and estimated the truth itself."""
        loss, saving = Estimate(self.losses[tried.setting], error), Estimate(self.savings[tried.setting], 0.01)
        return TrialOutcome(tried.setting, end, tried.risk, loss, saving, requests, tried.proposer)


def search(
    proposer: Proposer,
    settings: Sequence[Setting],
    truth: Truth,
    terms: SearchTerms = TERMS,
    belief: Belief | None = None,
    seed: int = 1,
    margin: float = 0.02,
) -> list[TrialOutcome]:
    """All trials of a search in which the truth decides: what keeps the margin is certified, else it is harmful."""
    outcomes: list[TrialOutcome] = []
    turns = Turns()
    while (tried := proposer.propose(settings, outcomes, terms, belief, seed)) is not None and turns.another():
        keeps = truth.losses[tried.setting] <= margin
        outcomes.append(truth.outcome(tried, TrialEnd.CERTIFIED if keeps else TrialEnd.HARMFUL))
    return outcomes


def largest_error(
    proposer: Proposer,
    settings: Sequence[Setting],
    terms: SearchTerms,
    belief: Belief | None,
    estimates: Sequence[Estimate],
    outcomes: tuple[TrialOutcome, ...] = (),
) -> float:
    """Largest probability, whatever the truth is, that a search certifies a violating setting.

    Worked out over all ends of trials: an adversary chooses of every proposal whether it violates, so that it is
    certified exactly as often as its risk allows, or whether it is sound and certified for sure or never. estimates: of
    the losses that trials report.
    """
    tried = proposer.propose(settings, outcomes, terms, belief, 1)
    if tried is None:
        return 0.0
    ends = {}
    for end in (TrialEnd.CERTIFIED, TrialEnd.HARMFUL):
        saving = Estimate(settings[tried.setting].place[0], 0.01)
        row = TrialOutcome(tried.setting, end, tried.risk, estimates[tried.setting], saving, 20_000, tried.proposer)
        ends[end] = largest_error(proposer, settings, terms, belief, estimates, (*outcomes, row))
    failed = ends[TrialEnd.HARMFUL]
    return max(ends[TrialEnd.CERTIFIED], failed, tried.risk + (1 - tried.risk) * failed)
