"""What others would search by, in the bench alone: a rollout of each rung by thresholds, and samplers of Optuna and
egobox as proposers, whose trials are certified as ours are.

`pip install .[bench]` installs both; without them their rows are left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.random import Generator

from earlystop.rollout.search import bayesian, worth
from earlystop.rollout.search.trial import Belief, Estimate, Proposal, SearchTerms, Setting, TrialEnd, TrialOutcome
from tests.bench.search_looks import split_looks
from tests.bench.search_shapes import Shape
from tests.bench.search_strategies import TERMS, Strategy, by_trials
from tests.bench.simulated_search import SimulatedSearch

CHECKS, MOST_FAILED, REQUESTS_A_CHECK = 10, 5, 1000
"""A rung of a threshold rollout is promoted after so many checks that hold, and given up after so many that do not."""
MOST_OF_A_TRIAL = 100_000


def thresholds(shape: Shape, random: Generator) -> SimulatedSearch:
    """Rung by rung as Flagger does: a check holds where the Exact Match seen in its requests is within the margin."""
    order = sorted(range(len(shape.settings)), key=lambda index: (sum(shape.settings[index].place), index))
    promoted: list[int] = []
    requests, saved = 0, 0.0
    for index in order:
        held = failed = 0
        while held < CHECKS and failed < MOST_FAILED:
            (look,) = split_looks(shape.curve, (index,), REQUESTS_A_CHECK, requests, random)
            rates = [each.match / max(1, each.scored) for each in (look.baseline, look.candidate)]
            holds = rates[0] - rates[1] <= TERMS.margin
            held, failed, requests = held + holds, failed + (not holds), requests + REQUESTS_A_CHECK
            saved += REQUESTS_A_CHECK / 2 * shape.curve.settings[index].saving
        if failed >= MOST_FAILED:
            break
        promoted.append(index)
    wrong = sum(not shape.curve.keeps(each, TERMS.margin, TERMS.minimum_saving) for each in promoted)
    best = promoted[-1] if promoted else None
    return SimulatedSearch(best, tuple(promoted), wrong, requests, requests, saved / requests)


class OptunaTpe:
    """Optuna's sampler TPE with the loss as its constraint. It names a setting; its trial is judged as all are."""

    def propose(
        self,
        settings: Sequence[Setting],
        outcomes: Sequence[TrialOutcome],
        terms: SearchTerms,
        belief: Belief | None,
        seed: int,
    ) -> Proposal | None:
        import optuna

        def constraints(trial: Any) -> Sequence[float]:
            return (trial.user_attrs["loss"] - terms.margin,)

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore", FutureWarning)
        sampler = optuna.samplers.TPESampler(
            seed=seed + len(outcomes), n_startup_trials=3, constraints_func=constraints
        )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        ranges = [optuna.distributions.FloatDistribution(0.0, 1.0) for _ in settings[0].place]
        names = [f"place-{axis}" for axis in range(len(ranges))]
        for each in outcomes:
            if each.loss is not None and each.saving is not None:
                study.add_trial(
                    optuna.trial.create_trial(
                        params=dict(zip(names, settings[each.setting].place, strict=True)),
                        distributions=dict(zip(names, ranges, strict=True)),
                        value=each.saving.mean,
                        user_attrs={"loss": each.loss.mean},
                        system_attrs={"constraints": [each.loss.mean - terms.margin]},
                    )
                )
        asked = study.ask(dict(zip(names, ranges, strict=True)))
        return _nearest(settings, outcomes, terms, [asked.params[name] for name in names])


class Egobox:
    """egobox's efficient global optimisation with the loss as its constraint, in the same way."""

    def propose(
        self,
        settings: Sequence[Setting],
        outcomes: Sequence[TrialOutcome],
        terms: SearchTerms,
        belief: Belief | None,
        seed: int,
    ) -> Proposal | None:
        import egobox

        axes = len(settings[0].place)
        known = [each for each in outcomes if each.loss is not None and each.saving is not None]
        if len(known) < 3:
            point = np.random.default_rng(seed + len(outcomes)).random(axes).tolist()
        else:
            places = np.array([settings[each.setting].place for each in known])
            rows = [[-_mean(each.saving), _mean(each.loss) - terms.margin] for each in known]
            optimiser = egobox.Egor([[0.0, 1.0]] * axes, n_cstr=1, seed=seed % 2**31)
            point = optimiser.suggest(places, np.array(rows))[0].tolist()
        return _nearest(settings, outcomes, terms, point)


def _nearest(
    settings: Sequence[Setting], outcomes: Sequence[TrialOutcome], terms: SearchTerms, point: Sequence[float]
) -> Proposal | None:
    """A trial of the untried setting nearest to a point, at the risk and with the end that Bayesian has."""
    failures = sum(each.end is not TrialEnd.CERTIFIED for each in outcomes)
    tried = {each.setting for each in outcomes}
    now = worth.certified_saving(outcomes)
    untried = [index for index in range(len(settings)) if index not in tried]
    if failures >= terms.failure_budget or not untried or len(outcomes) >= 12:
        return None

    def distance(index: int) -> float:
        return sum((a - b) ** 2 for a, b in zip(settings[index].place, point, strict=True))

    best = min(untried, key=distance)
    return Proposal(best, bayesian.level(terms.risk, failures), MOST_OF_A_TRIAL, f"as sampled; {now:.0%} are saved now")


def _mean(estimate: Estimate | None) -> float:
    return 0.0 if estimate is None else estimate.mean


def rivals() -> Iterator[tuple[str, Strategy]]:
    """Those that are installed."""
    yield "thresholds, rung by rung", thresholds
    terms = replace(TERMS, failure_budget=5)
    if find_spec("optuna"):
        yield "Optuna TPE", by_trials(OptunaTpe(), terms)
    if find_spec("egobox"):
        yield "egobox", by_trials(Egobox(), terms)
