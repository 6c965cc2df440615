"""The cluster in memory with a certified setting, what it was certified on, and evaluators that say what they do."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from earlystop.api.counts import Tally, Variant
from earlystop.api.wire import MODEL_LABEL
from earlystop.controller.cluster import DEPLOYMENTS, Manifest
from earlystop.controller.counts.part_reading import Result
from earlystop.metrics.convention.evaluators import EvaluatorDigests, EvaluatorsQuestion
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_ledger import AnyRequest
from earlystop.metrics.source.failures import MetricsFailure
from tests.unit.controller.guarded_world import GOOD, GuardedWorld, TurningCounts

SCORER, QUESTIONS = "5" * 32, "9" * 32
EVALUATOR = EvaluatorDigests((SCORER,), (QUESTIONS,))
PAIRS_A_REQUEST = 4
"""A pair for so many requests of the candidate."""


class CertifiedWorld(GuardedWorld):
    """A policy whose target the test changes. hooks: of the policy."""

    def __init__(
        self, on_change: str = "Keep", guard: dict[str, Any] | None = None, hooks: list[dict[str, Any]] | None = None
    ) -> None:
        super().__init__(guard)
        hooked = {"hooks": hooks} if hooks else {}
        self.edit_spec({**self.policy["spec"], "certificate": {"onChange": on_change}, **hooked})

    def change(self, edit: Callable[[Manifest], None]) -> None:
        """Somebody changes the target's Deployment, and a watch shows it."""
        target = copy.deepcopy(self.api.at(DEPLOYMENTS, "llm", "qa-server"))
        edit(target)
        self.api.put(DEPLOYMENTS, target)
        self.tracked.acceptance.require_check()

    def label(self, model: str) -> None:
        def edit(target: Manifest) -> None:
            target["spec"]["template"]["metadata"]["labels"][MODEL_LABEL] = model

        self.change(edit)


class PairedCounts(TurningCounts):
    """As `TurningCounts`, with pairs of golden questions that both variants answer alike.

    evaluators: what they say; a failure where that cannot be read. asked: how often it was.
    """

    evaluators: EvaluatorDigests | MetricsFailure = EVALUATOR
    asked = 0

    async def read(self, source: str, request: AnyRequest, at: int) -> Result:
        found = await super().read(source, request, at)
        if not isinstance(found, Reading):
            return found
        observed = {
            key: tally if key.variant == Variant.BASELINE else _with_pairs(tally)
            for key, tally in found.observed.items()
        }
        return replace(found, observed=observed)

    async def read_evaluators(
        self, source: str, question: EvaluatorsQuestion, at: int
    ) -> EvaluatorDigests | MetricsFailure:
        self.asked += 1
        return self.evaluators


def _with_pairs(tally: Tally) -> Tally:
    pairs = tally.completed // PAIRS_A_REQUEST
    right = pairs * 4 // 5
    return replace(tally, pairs_both=right, pairs_neither=pairs - right)


class EvaluatedWorld(CertifiedWorld):
    """A policy that is certified on golden questions. guarded: whether a guard watches over it, by pairs too."""

    def __init__(self, on_change: str = "Keep", *, guarded: bool = True) -> None:
        super().__init__(on_change)
        spec = dict(self.policy["spec"])
        exact_match = {**spec["objective"]["exactMatch"], "evidence": "Pairs"}
        exact_match.pop("assumeIndependent", None)
        spec["objective"] = {**spec["objective"], "exactMatch": exact_match}
        spec["guard"] = {"evidence": "Pairs", "holdbackWeight": 10}
        if not guarded:
            del spec["guard"]
        self.edit_spec(spec)
        self.paired = PairedCounts(GOOD)
        self.paired.weights = self.counts.weights
        self.counts = self.turning = self.paired
