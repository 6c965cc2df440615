"""A policy's search against a curve that is known: how it ends, how often at the best, and after how many requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean

from numpy import quantile
from numpy.random import default_rng

from earlystop.api.policy import PolicySpec
from earlystop.api.searches import SEARCHES
from earlystop.evidence.objective import Objective
from earlystop.rollout.margin_use import NOTHING_USED
from earlystop.rollout.plan import objective_of
from earlystop.rollout.search.progress import SearchProgress
from earlystop.rollout.search.proposers import proposer_of
from earlystop.rollout.search.space import settings_of
from earlystop.rollout.search.trial import SearchTerms
from earlystop.rollout.trials import terms_of
from earlystop.simulation.search import simulate_search
from earlystop.simulation.search_truth import TrueCurve

LEAST_PER_LOOK = 200
"""Requests of a simulated look at least: more looks would take longer to simulate and end a trial no sooner."""


@dataclass(frozen=True, slots=True)
class SearchFigures:
    """How simulated searches of one strategy ended.

    wrong: share of searches that certified a setting which loses more than the margin or saves too little. at_best:
    that ended with the best one. none_found: that ended with the baseline. saving: mean share of tokens saved in the
    end, best: of the best setting. requests_*: that were compared. hours_*: that the searches took. meanwhile: share
    of users' tokens that was saved during them.
    """

    strategy: str
    wrong: float
    at_best: float
    none_found: float
    saving: float
    best: float
    requests_mean: float
    requests_ninety: float
    hours_mean: float
    hours_ninety: float
    meanwhile: float


def strategies_for(spec: PolicySpec) -> tuple[str, ...]:
    """Names of the strategies that try one setting after the other and would take the policy's settings."""
    assert spec.search is not None  # the caller asked for it
    settings, parameters = len(spec.search_settings()), len(spec.search.parameters)
    return tuple(
        name
        for name, traits in SEARCHES.items()
        if not traits.one_campaign
        and not traits.takes_proposals
        and traits.module
        and settings <= traits.most_settings
        and parameters <= traits.most_parameters
    )


def search_figures(
    spec: PolicySpec, curve: TrueCurve, strategy: str, rate: float, runs: int, seed: int
) -> SearchFigures:
    """So many simulated searches of a policy by one strategy.

    curve: of all settings that may be tried, in any order. rate: requests a second, > 0. Raises ValueError, as a
    sentence, for a strategy that tries all settings at once or takes proposals, and for a curve without a setting.
    """
    if strategy not in strategies_for(spec):
        raise ValueError(
            f"A search by {strategy} cannot be simulated with a curve: only {' and '.join(strategies_for(spec))} of "
            "this policy's settings can. Write one of them as search.strategy."
        )
    settings, terms, objective = settings_of(spec), _terms(spec, rate), _objective(spec)
    ordered = curve.in_order_of([each.name for each in settings])
    incumbent_weight = spec.search.incumbent_weight if spec.search and spec.delivery.traits.by_weights else 0
    ended = [
        simulate_search(
            proposer_of(strategy),
            settings,
            ordered,
            objective,
            terms,
            default_rng([seed, run]),
            incumbent_weight=incumbent_weight,
        )
        for run in range(runs)
    ]
    best = ordered.best(terms.margin, terms.minimum_saving)
    hours = [each.served / rate / 3600 for each in ended]
    served = sum(each.served for each in ended)
    return SearchFigures(
        strategy=strategy,
        wrong=mean(each.violations > 0 for each in ended),
        at_best=mean(each.best == best for each in ended),
        none_found=mean(each.best is None for each in ended),
        saving=mean(0.0 if each.best is None else ordered.settings[each.best].saving for each in ended),
        best=0.0 if best is None else ordered.settings[best].saving,
        requests_mean=mean(each.requests for each in ended),
        requests_ninety=float(quantile([each.requests for each in ended], 0.9)),
        hours_mean=mean(hours),
        hours_ninety=float(quantile(hours, 0.9)),
        meanwhile=sum(each.saved * each.served for each in ended) / served if served else 0.0,
    )


def recommendation(found: Sequence[SearchFigures], horizon: int) -> str:
    """Which strategy to write, as a sentence: by what it saves over the horizon, searches included.

    found: at least one. horizon: requests that the setting found will serve, those of the search among them.
    """

    def worth(each: SearchFigures) -> float:
        during = min(float(horizon), each.requests_mean)
        return each.meanwhile * during + each.saving * (horizon - during)

    best = max(found, key=worth)
    return (
        f"Recommended: search.strategy {best.strategy}. Over {horizon:,} requests it is expected to save "
        f"{worth(best) / horizon:.0%} of the tokens, the search included; it ends with the best setting in "
        f"{best.at_best:.0%} of searches, after {best.requests_mean:,.0f} compared requests on average."
    )


def _terms(spec: PolicySpec, rate: float) -> SearchTerms:
    terms = terms_of(spec, SearchProgress(number=1, started_at=0, seed=0), 1, NOTHING_USED)
    return replace(terms, per_look=max(LEAST_PER_LOOK, round(rate * spec.rollout.look_seconds)))


def _objective(spec: PolicySpec) -> Objective:
    """What each trial has to show. Guardrails are taken to hold, and golden questions to be new ones each time."""
    objective = objective_of(spec)
    if objective.classes or objective.by_users:
        raise ValueError(
            "A curve says nothing of query classes and of users, so a search that is judged by them cannot be "
            "simulated. Leave them out of a copy of the policy to simulate the rest."
        )
    return replace(objective, guardrails=(), floor=None, about=None, distinct_questions=None)
