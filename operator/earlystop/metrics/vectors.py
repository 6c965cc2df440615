"""What readers of counts need of a source: answers to queries, by `ExactPrometheus` or by a test's own."""

from __future__ import annotations

from typing import Protocol

from earlystop.metrics.source.answer import Sample, Series
from earlystop.metrics.templates.range_vectors import RawSeries


class InstantVectors(Protocol):
    """A source of instant vectors. Raises MetricsFailure."""

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        """The samples of `query` at Unix time `at`."""
        ...


class VectorsOfMoments(Protocol):
    """A source of instant vectors at several moments. Raises MetricsFailure."""

    def vectors(self, query: str, moments: range) -> list[Series]:
        """The series of `query` at each of these Unix seconds."""
        ...


class RangeVectors(Protocol):
    """A source of range vectors. Raises MetricsFailure."""

    def range_vector(self, query: str, at: float) -> list[RawSeries]:
        """The samples of `query`, a selector with a range, at Unix time `at`."""
        ...
