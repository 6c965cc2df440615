"""An engine that counts for others: counters by variant that restart at 0, as a source of range vectors shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from earlystop.api.counts import Variant
from earlystop.api.source import SourceSpec
from earlystop.metrics.templates.range_vectors import RawSeries
from earlystop.metrics.templates.reader import TemplateReading, TemplateRequest, read_templates
from tests.unit.rollout.policies import NOW

CUSTOM: dict[str, Any] = {"metrics": {"preset": "Custom"}}
FIELDS = ("completed", "match", "mismatch", "tokens", "tokens_squared")
TEMPLATES = {field: f'app_{field}_total{{variant="{{variant}}",revision="{{revision}}"}}' for field in FIELDS}
SOURCE = SourceSpec.model_validate({"url": "http://prometheus:9090", "templates": TEMPLATES})
SCRAPE = 5
Values = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Life:
    """One process: it began at a Unix second, was scraped last at another, and counts so much a second.

    seen_from: when the first scrape of it succeeded.
    """

    began: int
    ended: int
    rates: Mapping[Variant, Values]
    seen_from: int = 0
    instance: str = "a:1"

    def shows(self, target: str, moment: int) -> bool:
        """Whether a scrape of the target at that moment finds this process."""
        return target == self.instance and max(self.began, self.seen_from) <= moment <= self.ended

    def value(self, variant: Variant, field: str, at: int) -> int:
        return self.rates[variant].get(field, 0) * max(0, at - self.began)


class Engine:
    """Answers range vectors of its lives' counters. tells_start: whether it exports its start."""

    def __init__(self, lives: Sequence[Life], tells_start: bool = True) -> None:
        self.lives = list(lives)
        self.tells_start = tells_start
        self.asked: list[tuple[str, float]] = []

    def range_vector(self, query: str, at: float) -> list[RawSeries]:
        """All targets' rows of a query for one of the templates, for start times, or for `up`."""
        self.asked.append((query, at))
        window = int(query.rpartition("[")[2].removesuffix("s]"))
        first = int(at) - window
        moments = list(range(first - first % SCRAPE + SCRAPE, int(at) + 1, SCRAPE))
        targets = sorted({life.instance for life in self.lives})
        return [row for target in targets if (row := self._row(query, target, moments)).points]

    def _row(self, query: str, target: str, moments: Sequence[int]) -> RawSeries:
        name = query.partition("{")[0]
        labels = {"__name__": name, "job": "qa", "instance": target}
        living = [(m, next((life for life in self.lives if life.shows(target, m)), None)) for m in moments]
        if name == "up":
            return RawSeries(labels, [(1000 * m, "1" if life else "0") for m, life in living])
        if name == "process_start_time_seconds":
            return RawSeries(labels, [(1000 * m, str(life.began)) for m, life in living if life and self.tells_start])
        variant = Variant.BASELINE if 'variant="baseline"' in query else Variant.CANDIDATE
        field = name.removeprefix("app_").removesuffix("_total")
        points = [(1000 * m, str(life.value(variant, field, m))) for m, life in living if life]
        return RawSeries({**labels, "variant": variant}, points)

    def reading(self, request: TemplateRequest, at: int) -> TemplateReading:
        return read_templates(self, request, at)


def steady(rate: int = 10, ended: int = NOW + 10**6, began: int = NOW - 10_000) -> Life:
    """So many requests a second to each variant, eight of ten right; the candidate's answers are half as long."""
    match = rate * 8 // 10

    def values(tokens: int) -> Values:
        squared = rate * tokens * tokens * 5 // 4
        return {
            "completed": rate,
            "match": match,
            "mismatch": rate - match,
            "tokens": rate * tokens,
            "tokens_squared": squared,
        }

    return Life(began, ended, {Variant.BASELINE: values(600), Variant.CANDIDATE: values(300)})
