"""Strategies of a search in the bench: each plays one campaign against a shape, by the evidence of the operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import log

from numpy.random import Generator

from earlystop.api.searches import SEARCHES
from earlystop.evidence.engine import Claims, EvidenceState, LogE, begin, update
from earlystop.evidence.multiple_testing import closed_mean
from earlystop.evidence.objective import Basis, Objective
from earlystop.rollout.look_spacing import spacing
from earlystop.rollout.search import bayesian, worth
from earlystop.rollout.search.bayesian import Bayesian
from earlystop.rollout.search.ladder import Ladder
from earlystop.rollout.search.trial import Belief, Estimate, Proposer, SearchTerms
from tests.bench.search_bandit import CarefulToBold, bandit
from tests.bench.search_looks import shadow_looks, split_looks
from tests.bench.search_shapes import Shape
from tests.bench.simulated_search import SimulatedSearch, simulate_search

TERMS = SearchTerms(
    margin=0.02,
    minimum_saving=0.01,
    risk=0.05,
    failure_budget=3,
    requests=None,
    horizon=1_000_000,
    per_look=200,
)
OBJECTIVE = Objective(margin=TERMS.margin, minimum_saving=TERMS.minimum_saving, risk_promote=0.05, risk_harm=0.05)
MOST_IN_SHADOW, MOST_AT_ONCE = 200_000, 3_000_000
"""Requests after which a search on one stream, and one of all settings beside each other, end with what they have."""
HOPELESS = 0.02
"""A setting in shadow is given up where its pairs leave it this probability to hold the margin."""
OTHER_DEPLOYMENT = Estimate(0.004, 0.03)
"""How much what history says of a setting is off: its loss, and its saving."""

Strategy = Callable[[Shape, Generator], SimulatedSearch]

VERSION, OF_BAYESIAN = (f"version {SEARCHES[each].version}" for each in ("Ladder", "Bayesian"))
"""Part of the names of searches whose trials a strategy of ours proposes, so that a file of campaigns mixes no two."""

LARGEST = 67
"""Percent of requests of the last step, where it is more than a half."""


def by_trials(
    proposer: Proposer,
    terms: SearchTerms = TERMS,
    incumbent_weight: int = 50,
    largest_weight: int = 50,
    *,
    by_others: bool = False,
) -> Strategy:
    """One trial after the other, while the best certified setting serves. by_others: as in `simulate_search`."""

    def play(shape: Shape, random: Generator) -> SimulatedSearch:
        return simulate_search(
            proposer,
            shape.settings,
            shape.curve,
            OBJECTIVE,
            terms,
            random,
            incumbent_weight=incumbent_weight,
            largest_weight=largest_weight,
            by_others=by_others,
        )

    return play


def warm_ladder(shape: Shape, random: Generator) -> SimulatedSearch:
    """The ladder with a history of other deployments, whose settings lose and save somewhat differently."""
    off = OTHER_DEPLOYMENT
    losses = [Estimate(each.em_loss + random.normal(0, off.mean), off.mean) for each in shape.curve.settings]
    savings = [Estimate(each.saving + random.normal(0, off.error), off.error) for each in shape.curve.settings]
    belief = Belief(tuple(losses), tuple(savings))
    return simulate_search(Ladder(), shape.settings, shape.curve, OBJECTIVE, TERMS, random, belief)


def in_shadow(shape: Shape, random: Generator) -> SimulatedSearch:
    """All settings on one stream, by pairs: a fixed sequence from careful to bold, at the levels of Bayesian.

    The order is fixed beforehand. The j-th violating setting in it is reached after j-1 failures at least, so it is
    judged at the j-th level or a lower one, and the levels add up to the risk, although all share one stream.
    """
    order = sorted(range(len(shape.settings)), key=lambda index: (sum(shape.settings[index].place), index))
    objective = replace(OBJECTIVE, basis=Basis.PAIRS)
    states = {index: begin(objective) for index in order}
    certified: list[int] = []
    reached = failures = requests = looks = 0
    while requests < MOST_IN_SHADOW and reached < len(order):
        more = spacing(TERMS.per_look, looks, candidates=len(order))
        for index, look in zip(
            order[reached:], shadow_looks(shape.curve, order[reached:], more, requests, random), strict=True
        ):
            states[index] = update(states[index], look)
        requests, looks = requests + more, looks + 1
        while reached < len(order):
            state = states[order[reached]]
            risk = bayesian.level(TERMS.risk, failures)
            if _is_certified(state, risk):
                certified.append(order[reached])
            elif state.claims.harmful or _is_hopeless(state):
                failures += 1
            else:
                break
            reached += 1
    return _ended(shape, certified, states, requests, 0.0)


def in_shadow_together(shape: Shape, random: Generator) -> SimulatedSearch:
    """All settings on one stream, by pairs, judged together by closed testing, in no order."""
    objective = replace(OBJECTIVE, basis=Basis.PAIRS)
    states = {index: begin(objective) for index in range(len(shape.settings))}
    certified, given_up = set[int](), set[int]()
    requests = looks = 0
    while requests < MOST_IN_SHADOW and len(certified | given_up) < len(states):
        more = spacing(TERMS.per_look, looks, candidates=len(states))
        found = shadow_looks(shape.curve, list(states), more, requests, random)
        states = {index: update(states[index], look) for index, look in enumerate(found)}
        requests, looks = requests + more, looks + 1
        certified |= _closed({index: state.claims for index, state in states.items()})
        given_up |= {index for index, state in states.items() if state.claims.harmful or _is_hopeless(state)}
        certified -= given_up
    return _ended(shape, sorted(certified), states, requests, 0.0)


def at_once(shape: Shape, random: Generator) -> SimulatedSearch:
    """Grid: all settings beside each other in even shares, judged together by closed testing."""
    return _beside_each_other(shape, random, _closed)


def bonferroni(shape: Shape, random: Generator) -> SimulatedSearch:
    """All settings beside each other, each at its share of the risk: what closed testing is never worse than."""

    def proven(family: dict[int, Claims]) -> set[int]:
        needed = log(len(family) / TERMS.risk)
        return {index for index, each in family.items() if min(_claims(each.log_e_max)) >= needed}

    return _beside_each_other(shape, random, proven)


def _beside_each_other(
    shape: Shape, random: Generator, proven: Callable[[dict[int, Claims]], set[int]]
) -> SimulatedSearch:
    count = len(shape.settings)
    states = {index: begin(OBJECTIVE) for index in range(count)}
    active, certified = list(range(count)), set[int]()
    requests, looks, saved = 0, 0, 0.0
    while active and requests < MOST_AT_ONCE and not _is_over(states, active, certified):
        more = spacing(TERMS.per_look, looks, candidates=count) * (len(active) + 1) // 2
        found = split_looks(shape.curve, active, more, requests, random, step=count - len(active))
        for index, look in zip(active, found, strict=True):
            states[index] = update(states[index], look)
            saved += more / (len(active) + 1) * shape.curve.settings[index].saving
        requests, looks = requests + more, looks + 1
        certified |= proven({index: state.claims for index, state in states.items()})
        harmful = {index for index in active if states[index].claims.harmful}
        active = [index for index in active if index not in harmful]
        certified -= harmful
    return _ended(shape, sorted(certified), states, requests, saved)


def _closed(family: dict[int, Claims]) -> set[int]:
    shown = closed_mean([min(_claims(each.log_e)) for each in family.values()], TERMS.risk)
    return {index for index, is_shown in zip(family, shown, strict=True) if is_shown}


def _claims(log_e: LogE) -> tuple[float, float]:
    """What a promotion needs to be shown: the loss below the margin, and the saving."""
    return log_e.promote, log_e.tokens


def _is_over(states: dict[int, EvidenceState], active: Sequence[int], certified: set[int]) -> bool:
    """Whether a setting is certified, and every other that might be is shown to save less."""
    if not certified:
        return False
    least = max(states[index].assessment.saving.low or -1.0 for index in certified)
    open_ones = [states[index].assessment.saving.high for index in active if index not in certified]
    return all(most is not None and most <= least for most in open_ones)


def _is_certified(state: EvidenceState, risk: float) -> bool:
    """Whether everything that a promotion needs was shown at this risk: the claims, and nothing else is in the way."""
    if min(_claims(state.claims.log_e_max)) < log(1 / risk):
        return False
    return not state.claims.gaps and not state.claims.harmful


def _is_hopeless(state: EvidenceState) -> bool:
    pairs = state.quality.paired_promote.pairs
    if pairs.total < 10 * TERMS.per_look:
        return False
    loss = (pairs.baseline_only - pairs.candidate_only) / pairs.total
    error = ((pairs.baseline_only + pairs.candidate_only + 1) / pairs.total**2) ** 0.5
    return worth.chance_below(Estimate(loss, error), TERMS.margin) < HOPELESS


def _ended(
    shape: Shape, certified: Sequence[int], states: dict[int, EvidenceState], requests: int, saved: float
) -> SimulatedSearch:
    curve = shape.curve
    best = max(certified, key=lambda index: states[index].assessment.saving.estimate or 0.0, default=None)
    wrong = sum(not curve.keeps(index, TERMS.margin, TERMS.minimum_saving) for index in certified)
    return SimulatedSearch(best, tuple(certified), wrong, requests, requests, saved / requests if requests else 0.0)


STRATEGIES: dict[str, Strategy] = {
    f"Ladder, cold, {VERSION}": by_trials(Ladder()),
    f"Ladder, cold, to 67 %, {VERSION}": by_trials(Ladder(), largest_weight=LARGEST),
    f"Ladder, warm, {VERSION}": warm_ladder,
    "Shadow, in sequence": in_shadow,
    "Shadow, together": in_shadow_together,
    f"Bayesian, {OF_BAYESIAN}": by_trials(Bayesian(), replace(TERMS, failure_budget=5)),
    f"Bayesian, for 10,000,000, {OF_BAYESIAN}": by_trials(
        Bayesian(), replace(TERMS, failure_budget=5, horizon=10_000_000)
    ),
    "Grid": at_once,
    "Bonferroni": bonferroni,
    "Bandit": bandit,
    f"External, careful to bold, version {SEARCHES['External'].version}": by_trials(CarefulToBold(), by_others=True),
}
