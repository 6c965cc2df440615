"""Samples of policies as the lines that stand on the page: a fleet has tens of thousands, at every scrape.

As objects, which the library would make one line of at a time, they take five times the page's memory and most of a
scrape's time. The lines are the library's to the byte.
"""

from __future__ import annotations

from functools import lru_cache

from prometheus_client.core import Metric
from prometheus_client.utils import floatToGoString

from earlystop.controller.policy_metrics.packed_text import PackedText
from earlystop.controller.policy_metrics.samples import Sample
from earlystop.controller.policy_metrics.table import PolicyMetric

_TO_ESCAPE = frozenset('\\\n"')


class WrittenFamily(Metric):
    """A family of gauges of which `lines`, and no samples, are there: the lines as they stand on the page."""

    def __init__(self, metric: PolicyMetric) -> None:
        super().__init__(metric.name, metric.meaning, "gauge")
        self.lines = PackedText()

    def add(self, sample: Sample) -> None:
        """One more sample of this metric."""
        texts = sample.labels
        if not _TO_ESCAPE.isdisjoint("".join(texts)):
            texts = tuple(map(_escaped, texts))
        line = _form_of(sample.metric).format(*texts)
        self.lines += f"{line} {floatToGoString(sample.value)}\n".encode()  # type: ignore[no-untyped-call]


@lru_cache(maxsize=256)
def _form_of(metric: PolicyMetric) -> str:
    """A line without its value, and with places for the values of labels; these stand by the names of the labels."""
    places = sorted((name, place) for place, name in enumerate(metric.labels))
    labels = ",".join(f'{name}="{{{place}}}"' for name, place in places)
    return f"{metric.name}{{{{{labels}}}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
