"""What the evaluator says about itself, beside the counts of the convention."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from earlystop.api.counts import Variant
from earlystop.evaluator.grading import Fate, Spoilt
from earlystop.evaluator.token_budget import Budget


class Telemetry:
    """Counters and gauges in `registry`, every child at 0 from the start. candidate: the label of the one that
    the evaluator asks."""

    def __init__(self, registry: CollectorRegistry, candidate: str = Variant.CANDIDATE) -> None:
        self._answers = Counter(
            "earlystop_evaluator_answers",
            "Golden questions that were answered or given up, by what became of them.",
            ("variant", "fate"),
            registry=registry,
        )
        self._spoilt = Counter(
            "earlystop_evaluator_pairs_discarded", "Pairs that are no evidence, by why.", ("reason",), registry=registry
        )
        self._unasked = Counter(
            "earlystop_evaluator_questions_not_sampled", "Drawn questions left out by the share.", registry=registry
        )
        self._left = Gauge("earlystop_evaluator_budget_tokens", "Output tokens that may be spent.", registry=registry)
        self._asking = Gauge(
            "earlystop_evaluator_asking", "1 while questions are asked, 0 when the budget is spent.", registry=registry
        )
        self._questions_left = Gauge(
            "earlystop_evaluator_questions_left",
            "Golden questions of which nothing was counted for the campaign yet; all of them where they are repeated.",
            registry=registry,
        )
        for variant in (Variant.BASELINE, candidate):
            for fate in Fate:
                self._answers.labels(str(variant), fate.value)
        for reason in Spoilt:
            self._spoilt.labels(reason.value)

    def answered(self, variant: str, fate: Fate) -> None:
        """Counts that one question to one variant has ended."""
        self._answers.labels(str(variant), fate.value).inc()

    def discarded(self, reason: Spoilt) -> None:
        """Counts that two answers are no pair, with the reason."""
        self._spoilt.labels(reason.value).inc()

    def not_sampled(self) -> None:
        """Counts that a drawn question was not asked, since it was not sampled."""
        self._unasked.inc()

    def questions_left(self, count: int) -> None:
        """Show how many questions are left for the campaign."""
        self._questions_left.set(count)

    def budget(self, budget: Budget, asking: bool) -> None:
        """Show how many tokens are left, and whether the evaluator still asks questions."""
        self._left.set(max(0, budget.limit - budget.spent))
        self._asking.set(int(asking))
