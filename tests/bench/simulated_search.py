"""A search on made-up traffic, a trial at a time: proposers of others can be tried behind the same certificates.

The proposer and the evidence of each trial are the real ones; `simulation/search_campaigns.py` plays whole campaigns.

Each trial is what its campaign is to the evidence: looks on the schedule of rollouts, the engine's verdict at the
trial's risk, and an end when its requests are used up. Waits, probes and stores of a cluster are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

from numpy.random import Generator

from earlystop.api.counts import Tally
from earlystop.evidence.assessment import Verdict
from earlystop.evidence.engine import EvidenceState, begin, update
from earlystop.evidence.objective import Basis, Objective
from earlystop.rollout.look_spacing import spacing
from earlystop.rollout.search.patience import goes_on_to_learn, goes_on_to_prove, is_given_up
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
from earlystop.rollout.search.trial_shares import EVEN_PART, weight_beside
from earlystop.rollout.search.worth import GIVES_UP_BELOW
from earlystop.rollout.strategies.pooled_looks import loss_of_answers, saving_of
from earlystop.simulation.search_truth import TrueCurve
from tests.bench.search_looks import split_looks

LONGEST_TRIAL = 1_000_000
"""Requests of both variants after which a trial's campaign has no room for more looks."""


@dataclass(frozen=True, slots=True)
class SimulatedSearch:
    """How one simulated search ended.

    best: index of the setting that it ended with, None for the baseline. certified: all that were. violations: of
    these, settings that lose more than the margin or save too little. requests: that were compared, of all variants.
    served: requests of all users meanwhile. saved: of these, the share of their tokens that was saved.
    """

    best: int | None
    certified: tuple[int, ...]
    violations: int
    requests: int
    served: float
    saved: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a trial, and the evidence that it ended with."""

    outcome: TrialOutcome
    evidence: EvidenceState


def simulate_search(
    proposer: Proposer,
    settings: Sequence[Setting],
    curve: TrueCurve,
    objective: Objective,
    terms: SearchTerms,
    random: Generator,
    belief: Belief | None = None,
    incumbent_weight: int = 50,
    largest_weight: int = 50,
    *,
    by_others: bool = False,
) -> SimulatedSearch:
    """One search from its first trial to its end.

    settings, curve: in the same order. objective: of each trial, but for its risk. incumbent_weight: percent of
    requests that the best certified setting serves while another is tried; 0 where none serves before the end.
    largest_weight: percent of requests of the last step of the policy. by_others: whether others propose: their trials
    have even shares.
    """
    seed = int(random.integers(2**32))
    outcomes: list[TrialOutcome] = []
    left, best, served, saved = terms.requests, None, 0.0, 0.0
    while True:
        incumbent = 0 if best is None else incumbent_weight
        part = EVEN_PART if by_others else _candidate_part(incumbent, largest_weight, terms.version)
        now = replace(terms, requests=left, candidate_part=part)
        proposal = proposer.propose(settings, outcomes, now, belief, seed)
        if proposal is None:
            break
        trial = simulate_trial(curve, proposal, objective, terms.per_look, random, left, part)
        outcome = replace(trial.outcome, proposer=proposal.proposer)
        outcomes.append(outcome)
        left = None if left is None else max(0, left - outcome.requests)
        during = outcome.requests * 100 / (100 - incumbent)
        serving = 0.0 if best is None else curve.settings[best].saving
        served += during
        saved += outcome.requests * part * curve.settings[outcome.setting].saving + during * incumbent / 100 * serving
        best = best_of(outcomes)
    certified = tuple(each.setting for each in outcomes if each.end is TrialEnd.CERTIFIED)
    return SimulatedSearch(
        best=best,
        certified=certified,
        violations=sum(not curve.keeps(each, terms.margin, terms.minimum_saving) for each in certified),
        requests=sum(each.requests for each in outcomes),
        served=served,
        saved=saved / served if served else 0.0,
    )


def _candidate_part(incumbent: int, largest_weight: int, version: int) -> float:
    """Of the requests that a trial compares, as `rollout.search.trial_shares` has it."""
    weight = largest_weight if not incumbent else min(largest_weight, weight_beside(incumbent, version))
    return weight / (weight + min(weight, 100 - incumbent - weight) if incumbent else 100)


def best_of(outcomes: Sequence[TrialOutcome]) -> int | None:
    """The certified setting that seems to save most, None before the first."""
    certified = [each for each in outcomes if each.end is TrialEnd.CERTIFIED and each.saving is not None]
    best = max(certified, key=lambda each: each.saving.mean if each.saving else 0.0, default=None)
    return None if best is None else best.setting


def simulate_trial(
    curve: TrueCurve,
    proposal: Proposal,
    objective: Objective,
    per_look: int,
    random: Generator,
    left: int | None = None,
    candidate_part: float = 0.5,
) -> Trial:
    """One trial: its campaign's looks until a verdict, or until its requests are used up or it is given up.

    left: requests of the whole search, None without a bound. candidate_part: of the requests, 0..1.
    """
    evidence = begin(replace(objective, risk_promote=proposal.risk))
    paired = objective.basis is Basis.PAIRS
    requests, looks, verdict = 0, 0, Verdict.CONTINUE
    baseline, candidate = Tally(), Tally()
    most, longest = min(proposal.requests, LONGEST_TRIAL), LONGEST_TRIAL if left is None else min(left, LONGEST_TRIAL)
    is_hopeless = False
    while (
        not is_hopeless
        and verdict is Verdict.CONTINUE
        and (
            requests < most
            or (requests < longest and goes_on_to_learn(evidence, looks))
            or (requests < longest and goes_on_to_prove(evidence, requests, proposal.requests, GIVES_UP_BELOW))
        )
    ):
        more = spacing(per_look, looks)
        (look,) = split_looks(
            curve, (proposal.setting,), more, requests, random, paired=paired, candidate_part=candidate_part
        )
        evidence = update(evidence, look)
        baseline, candidate = baseline + look.baseline, candidate + look.candidate
        requests, looks = requests + more, looks + 1
        verdict = evidence.claims.verdict
        is_hopeless = is_given_up(evidence, looks, requests, proposal.requests, GIVES_UP_BELOW)
    ends = {Verdict.PROMOTE: TrialEnd.CERTIFIED, Verdict.ROLL_BACK: TrialEnd.HARMFUL}
    end = ends.get(verdict, TrialEnd.INCONCLUSIVE)
    told = TrialOutcome(
        proposal.setting,
        end,
        proposal.risk,
        _loss(baseline, candidate, paired=paired),
        saving_of(baseline, candidate),
        requests,
    )
    return Trial(told, evidence)


def _loss(baseline: Tally, candidate: Tally, *, paired: bool) -> Estimate | None:
    if paired:
        pairs = candidate.pairs
        differing = (pairs.baseline_only + pairs.candidate_only + 1) / (pairs.total + 1)
        loss = (pairs.baseline_only - pairs.candidate_only) / max(1, pairs.total)
        return Estimate(loss, sqrt(differing / (pairs.total + 1)))
    return loss_of_answers(baseline, candidate)
