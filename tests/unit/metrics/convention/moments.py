"""A source's instant vectors as a range query gives them: the labels of a series once, and its values by moment."""

from __future__ import annotations

from earlystop.metrics.convention.query import EVALUATED_AT, READING
from earlystop.metrics.source.answer import Sample, Series
from earlystop.metrics.vectors import InstantVectors


class AtMoments:
    """Answers for several moments what a source of instant vectors answers for each.

    late: by how many seconds it evaluates each later than it is asked to.
    """

    def __init__(self, source: InstantVectors, late: float = 0.0) -> None:
        self._source, self._late = source, late
        self.asked: list[tuple[str, range]] = []

    def vectors(self, query: str, moments: range) -> list[Series]:
        self.asked.append((query, moments))
        found: dict[frozenset[tuple[str, str]], Series] = {}
        for at in moments:
            evaluated = Sample({READING: EVALUATED_AT}, at + self._late)
            for labels, value in (*self._source.instant_vector(query, float(at)), evaluated):
                series = found.setdefault(frozenset(labels.items()), Series(labels, []))
                series.points.append((at, value))  # type: ignore[attr-defined]
        return list(found.values())
