"""Bandit and External in the bench: a Bandit is one campaign by the transitions of the cluster, whose shares move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from numpy.random import Generator

from earlystop.api.policy import PolicySpec
from earlystop.rollout.search.external import External, WaitingOffer
from earlystop.rollout.search.trial import Belief, Proposal, SearchTerms, Setting, TrialOutcome
from earlystop.simulation.search_campaigns import play_search
from earlystop.simulation.search_truth import TrueCurve
from tests.bench.search_shapes import Shape
from tests.bench.simulated_search import SimulatedSearch

RATE, LOOK_SECONDS, WEIGHT = 20.0, 10, 90
"""Requests a second, which are the bench's 200 in a look; and the percent of requests that all settings share."""


def bandit(shape: Shape, random: Generator) -> SimulatedSearch:
    """All settings at once, in shares that follow the evidence, until one is promoted or the time is over."""
    spec, curve = _policy(len(shape.settings)), _named(shape)
    played = play_search(spec, curve, RATE, random)
    margin, least = float(spec.objective.exact_match.margin), float(spec.objective.tokens.minimum_saving)
    wrong = sum(not curve.keeps(each, margin, least) for each in played.certified)
    return SimulatedSearch(played.best, played.certified, wrong, played.requests, RATE * played.seconds, played.saved)


@cache
def _policy(settings: int) -> PolicySpec:
    values = [str(settings - number) for number in range(settings)]
    written = {
        "targetRef": {"kind": "Deployment", "name": "bench"},
        "parameters": [{"name": "window", "type": "Integer", "minimum": "1", "stopsSooner": "WhenLower"}],
        "baseline": {"values": [{"name": "window", "value": str(settings + 1)}]},
        "search": {"strategy": "Bandit", "parameters": [{"name": "window", "values": values}]},
        "delivery": {"mode": "GatewayHeader", "gatewayHeader": {"routeRef": {"name": "bench"}}},
        "rollout": {
            "steps": [{"weight": WEIGHT}],
            "lookSeconds": LOOK_SECONDS,
            "settleSeconds": 0,
            "deadlineSeconds": 2_592_000,
        },
        "metrics": {"sourceRef": {"name": "default"}},
        "objective": {
            "exactMatch": {"margin": "0.02", "assumeIndependent": True},
            "tokens": {"minimumSaving": "0.01"},
        },
    }
    return PolicySpec.model_validate(written)


def _named(shape: Shape) -> TrueCurve:
    """The shape's truth under the names that the policy's settings have, which go from careful to bold as well."""
    names = [each.name for each in _policy(len(shape.settings)).search_settings()]
    true = [replace(each, name=name) for each, name in zip(shape.curve.settings, names, strict=True)]
    return replace(shape.curve, settings=tuple(true))


@dataclass(frozen=True, slots=True)
class CarefulToBold:
    """One proposer from outside who proposes every setting, from careful to bold."""

    def propose(
        self,
        settings: Sequence[Setting],
        outcomes: Sequence[TrialOutcome],
        terms: SearchTerms,
        belief: Belief | None,
        seed: int,
    ) -> Proposal | None:
        order = sorted(range(len(settings)), key=lambda index: (sum(settings[index].place), index))
        waiting = tuple(WaitingOffer(index, "bench", settings[index].name) for index in order)
        return External(waiting).propose(settings, outcomes, terms, belief, seed)
