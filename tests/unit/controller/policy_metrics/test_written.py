"""The lines of policies are those that the library would write of the same samples, to the byte."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from earlystop.controller.policy_metrics.collector import PolicyCollector
from earlystop.controller.policy_metrics.samples import Sample, samples_of
from earlystop.controller.policy_metrics.served import page_of
from earlystop.controller.policy_metrics.table import TABLE, PolicyMetric
from earlystop.controller.policy_metrics.written import WrittenFamily
from tests.unit.controller.policy_metrics.views import view
from tests.unit.rollout.states import REACHED

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text('\\"\n{}%s, ', max_size=8)
VALUES = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 10**18).map(float)


def by_the_library(metric: PolicyMetric, samples: list[Sample]) -> bytes:
    family = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for each in samples:
        family.add_metric(each.labels, each.value)
    return generate_latest(_registry_of(family))


def _registry_of(family: GaugeMetricFamily | WrittenFamily) -> CollectorRegistry:
    class One:
        def collect(self) -> list[GaugeMetricFamily | WrittenFamily]:
            return [family]

    registry = CollectorRegistry()
    registry.register(One())
    return registry


@given(st.data())
@example(None)
def test_whatever_texts_and_values_a_sample_has(data: st.DataObject | None) -> None:
    metrics = TABLE if data is None else [data.draw(st.sampled_from(TABLE))]
    for metric in metrics:
        texts = ["{0}\\n"] * len(metric.labels) if data is None else [data.draw(TEXTS) for _ in metric.labels]
        samples = [Sample(metric, tuple(texts), 12345678.0 if data is None else data.draw(VALUES))]
        family = WrittenFamily(metric)
        for each in samples:
            family.add(each)
        assert bytes(page_of(_registry_of(family))) == by_the_library(metric, samples)


@pytest.mark.slow
def test_the_page_of_policies_in_every_phase() -> None:
    views = [view(state, name=f"p{number}") for number, state in enumerate(REACHED.values())]
    collector, registry = PolicyCollector(), CollectorRegistry()
    collector.show(lambda: views)
    registry.register(collector)
    page = bytes(page_of(registry)).decode()
    for one in views:
        for metric in TABLE:
            samples = [each for each in samples_of(one) if each.metric is metric]
            lines = by_the_library(metric, samples).decode().splitlines(keepends=True)
            assert "".join(lines[:2]) in page
            assert "".join(lines[2:]) in page
