"""What an evaluator's metrics page says, a run of it to the end of its budget, and answers that a test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from earlystop.evaluator.grading import Answer
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.scoring import Scoring
from earlystop.evaluator.service import Asks, EvaluationPlan, Evaluator
from earlystop.evaluator.telemetry import Telemetry
from earlystop.exporter.export import Exporter
from tests.unit.evaluator.serving import POLICY

DEADLINE_SECONDS = 30


class Page:
    """An evaluator's registry, read by metric and some labels."""

    def __init__(self, candidate: str = "candidate") -> None:
        self.registry = CollectorRegistry()
        self.exporter = Exporter(self.registry, process="evaluator")
        self.telemetry = Telemetry(self.registry, candidate)

    def sum(self, metric: str, **labels: str) -> int:
        """The sum of all samples with these labels."""
        samples = (sample for family in self.registry.collect() for sample in family.samples)
        return int(sum(one.value for one in samples if one.name == metric and labels.items() <= one.labels.items()))

    def split(self, metric: str, label: str) -> Mapping[str, int]:
        """The non-zero sums by one label."""
        samples = [one for family in self.registry.collect() for one in family.samples if one.name == metric]
        values = {one.labels[label] for one in samples}
        return {value: found for value in sorted(values) if (found := self.sum(metric, **{label: value}))}


def evaluator(page: Page, asker: Asks, questions: tuple[GoldenQuestion, ...], **plan: object) -> Evaluator:
    """An evaluator that asks as fast as it can, and again, unless the plan says otherwise."""
    settings = {"policy": POLICY, "token_budget": 10**9, "pairs_per_second": 1e6, "seed": 5, "repeat": True, **plan}
    return Evaluator(
        questions,
        Scoring(),
        asker,
        page.exporter,
        page.telemetry,
        EvaluationPlan(**settings),  # type: ignore[arg-type]
    )


async def run_out(asking: Evaluator) -> None:
    """Runs until the budget is spent."""
    await asyncio.wait_for(asking.run(asyncio.Event()), DEADLINE_SECONDS)


class ChosenAnswers:
    """Answers with what the test chose, in order."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = iter(answers)

    async def ask(self, question: str, variant: str, body: str = "") -> Answer:
        return next(self._answers)
