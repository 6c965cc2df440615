"""A policy's search against a curve that is known: how it ends, how often at the best, and after how many requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from numpy import quantile
from numpy.random import default_rng

from earlystop.api.percent import rounded_percent
from earlystop.api.plurals import counted
from earlystop.api.policy import PolicySpec
from earlystop.api.searches import SEARCHES
from earlystop.rollout.margin_use import NOTHING_USED
from earlystop.rollout.next_campaign import refusal_of_search
from earlystop.rollout.plan_objective import objective_of
from earlystop.rollout.search.progress import SearchProgress
from earlystop.rollout.search.space import settings_of
from earlystop.rollout.trials.sequence import strategy_in, terms_of
from earlystop.simulation.search_campaigns import PlayedSearch, play_search
from earlystop.simulation.search_truth import TrueCurve

NEVER_TRIED = "never tried"
ALIKE = 0.01
"""Shares of tokens that differ by less are told apart by no few searches, and are no reason for another strategy."""


@dataclass(frozen=True, slots=True)
class SearchFigures:
    """How simulated searches of one strategy ended.

    wrong: share of searches that certified a setting which loses more than the margin or saves too little. at_best:
    that ended with the best one, or with one that saves as much. none_found: that ended with the baseline. saving: mean
    share of tokens saved in the end, best: of the best setting. requests_*: that were compared. hours_*: that the
    searches took. served: requests of all users meanwhile, mean; meanwhile: share of their tokens that was saved.
    best_name: of the best setting, "" where none may be certified. missed: of the searches that did not end with it,
    why it was not certified there, with how many; example: what its promotion still needed in the first of them, one
    phrase each.
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
    served: float
    meanwhile: float
    best_name: str
    missed: dict[str, int]
    example: tuple[str, ...]


def can_be_played(strategy: str) -> bool:
    """Whether a search by it can be simulated: what is tried where others propose, nobody knows."""
    return not SEARCHES[strategy].takes_proposals


def search_figures(spec: PolicySpec, curve: TrueCurve, rate: float, runs: int, seed: int) -> SearchFigures:
    """The figures of `runs` simulated searches of a policy.

    curve: of all settings that may be tried, in any order. rate: requests a second, > 0. Raises ValueError, as a
    sentence, for a strategy that takes proposals, for a curve without a setting, and for what no curve tells.
    """
    strategy = strategy_in(spec)
    if not can_be_played(strategy):
        raise ValueError(
            f"A search by {strategy} cannot be simulated: what it tries is up to those who propose. Write "
            f"{' or '.join(filter(can_be_played, SEARCHES))} as search.strategy in a copy of the policy."
        )
    _ensure_known_by_a_curve(spec)
    refusal = refusal_of_search(spec)
    if refusal is not None:
        raise ValueError(refusal.message)
    spec = spec.model_copy(update={"suspend": False})
    ordered = curve.in_order_of([each.name for each in settings_of(spec)])
    played = [play_search(spec, ordered, rate, default_rng([seed, run])) for run in range(runs)]
    terms = terms_of(spec, SearchProgress(number=1, started_at=0, seed=0), 1, NOTHING_USED)
    best = ordered.best(terms.margin, terms.minimum_saving)

    def keeps(index: int | None) -> bool:
        return index is not None and ordered.keeps(index, terms.margin, terms.minimum_saving)

    hours, requests = [each.seconds / 3600 for each in played], [each.requests for each in played]
    seconds = sum(each.seconds for each in played)
    savings = [0.0 if each.best is None else ordered.settings[each.best].saving for each in played]
    most = 0.0 if best is None else ordered.settings[best].saving
    found = [
        each.best == best or (keeps(each.best) and saving >= most) for each, saving in zip(played, savings, strict=True)
    ]
    missed, example = _why_missed([each for each, is_best in zip(played, found, strict=True) if not is_best], best)
    return SearchFigures(
        strategy=strategy,
        wrong=mean(not all(map(keeps, each.certified)) for each in played),
        at_best=mean(found),
        none_found=mean(each.best is None for each in played),
        saving=mean(savings),
        best=most,
        requests_mean=mean(requests),
        requests_ninety=float(quantile(requests, 0.9)),
        hours_mean=mean(hours),
        hours_ninety=float(quantile(hours, 0.9)),
        served=rate * seconds / runs,
        meanwhile=sum(each.saved * each.seconds for each in played) / seconds if seconds else 0.0,
        best_name="" if best is None else ordered.settings[best].name,
        missed=missed,
        example=example,
    )


def _why_missed(missing: Sequence[PlayedSearch], best: int | None) -> tuple[dict[str, int], tuple[str, ...]]:
    """Why the best setting was not what searches ended with, with how many; and what it still needed in the first."""
    reasons: Counter[str] = Counter()
    example: tuple[str, ...] = ()
    for each in missing:
        at_best = [tried for tried in each.tried if tried.setting == best]
        failed = sum(tried.setting not in each.certified for tried in each.tried)
        reasons[at_best[-1].reason if at_best else f"{NEVER_TRIED}, {failed} failed before it"] += 1
        example = example or next((tried.missing for tried in at_best), ())
    return dict(reasons.most_common()), example


def worth(figures: SearchFigures, horizon: int) -> float:
    """Share of the tokens that a strategy is expected to save over so many requests, those of the search included."""
    during = min(float(horizon), figures.served)
    return (figures.meanwhile * during + figures.saving * (horizon - during)) / horizon


def recommendation(found: Sequence[SearchFigures], horizon: int) -> str:
    """Which strategy to write, as a sentence: by what it saves over the horizon, searches included; none where each
    ends with the baseline more often than not, or where nothing on the curve holds.

    found: at least one, first the policy's own: of those that differ by less than `ALIKE` the first is recommended.
    horizon: requests that the setting found will serve, those of the search among them.
    """
    if not found[0].best_name:
        return (
            "None is recommended: by this curve no setting holds what objective asks for, so a search should end with "
            "the baseline. Write other values to try, or another margin or minimumSaving."
        )
    useful = [each for each in found if each.none_found <= 0.5]
    if not useful:
        return (
            f"None is recommended: {' and '.join(each.strategy for each in found)} end"
            f"{'s' if len(found) == 1 else ''} with the baseline more often than with any setting."
        )
    most = max(worth(each, horizon) for each in useful)
    best, *alike = (each for each in useful if worth(each, horizon) > most - ALIKE)
    as_well = f" {' and '.join(each.strategy for each in alike)} will do as well." if alike else ""
    return (
        f"Recommended: search.strategy {best.strategy}. Over {counted(horizon, 'request')} (search.horizonRequests) it "
        f"is expected to save {rounded_percent(worth(best, horizon))} of the tokens, the search included; it ends with "
        f"the best setting in {rounded_percent(best.at_best)} of searches, after {best.requests_mean:,.0f} compared "
        f"requests on average.{as_well}"
    )


def why_missed(found: SearchFigures) -> str:
    """A sentence on searches that did not end with the best setting: why, and what was missing; "" for none."""
    number = sum(found.missed.values())
    if not number or not found.best_name:
        return ""
    told = "; ".join(f"{reason} in {count}" for reason, count in found.missed.items())
    sentence = f"{found.strategy} did not end with the best setting, {found.best_name}, in {number} of them ({told})."
    if any(reason.startswith(NEVER_TRIED) for reason in found.missed):
        sentence += " A larger search.failureBudget lets more settings fail."
    if not found.example:
        return sentence
    return (
        f"{sentence} Where it was tried, its promotion still needed, as the first says: {'; and '.join(found.example)}."
    )


def _ensure_known_by_a_curve(spec: PolicySpec) -> None:
    """Raises ValueError for a policy that is judged by what no curve tells."""
    objective = objective_of(spec)
    if objective.classes or objective.by_users:
        raise ValueError(
            "A curve says nothing of query classes and of users, so a search that is judged by them cannot be "
            "simulated. Leave them out of a copy of the policy to simulate the rest."
        )
