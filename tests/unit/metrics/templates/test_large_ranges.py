"""A range whose answer is too large is read in halves, and every sample of it is read."""

from __future__ import annotations

import pytest

from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.range_vectors import RawSeries
from earlystop.metrics.templates.reader import SHORTEST_RANGE_SECONDS, TemplateRequest, read_templates

AT, WINDOW, SCRAPE = 1_700_000_000, 3000, 5
REQUEST = TemplateRequest("llm/qa", "r1", WINDOW, "Custom", {"completed": 'a_total{variant="{variant}"}'})


class Limited:
    """One series, of which it gives `most` samples at once."""

    def __init__(self, most: int) -> None:
        self.most = most

    def range_vector(self, query: str, at: float) -> list[RawSeries]:
        seconds = int(query.rpartition("[")[2].removesuffix("s]"))
        first = int(at) - seconds + 1
        moments = [moment for moment in range(first, int(at) + 1) if moment % SCRAPE == 0]
        if len(moments) > self.most:
            raise MetricsFailure(FailureKind.TOO_LARGE, "too many samples")
        name = query.partition("{")[0]
        return [RawSeries({"__name__": name, "instance": "a:1", "job": "qa"}, [(1000 * at, "7") for at in moments])]


@pytest.mark.parametrize("most", [10_000, 400, 99, 20])
def test_the_samples_are_the_same_however_few_come_in_one_answer(most: int) -> None:
    reading = read_templates(Limited(most), REQUEST, AT)
    moments = {1000 * moment for moment in range(AT - WINDOW + SCRAPE, AT + 1, SCRAPE)}
    assert reading.observed
    for series in reading.observed.values():
        assert {sample.at_ms for sample in series.samples} == moments


def test_a_range_is_not_halved_for_ever() -> None:
    with pytest.raises(MetricsFailure) as caught:
        read_templates(Limited(SHORTEST_RANGE_SECONDS // SCRAPE // 3), REQUEST, AT)
    assert caught.value.kind is FailureKind.TOO_LARGE
