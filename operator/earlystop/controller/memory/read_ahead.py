"""Counts of a policy that were read ahead, for looks that are due and have not been taken yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from earlystop.api.source import SourceSpec
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_ledger import AnyRequest


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """What was read of a policy at several moments at once.

    source: the MetricSource as it was when it was asked, None where there was none. request: what was asked. asked: the
    Unix seconds for which it was. readings: by second, as far as nothing spoke against them.
    """

    source: SourceSpec | None
    request: CountRequest
    asked: range
    readings: Mapping[int, Reading]

    def answers(self, source: SourceSpec | None, request: AnyRequest, at: int) -> bool:
        """Whether a look of Unix second `at` that asks `request` need not be asked for with later ones: it was, be it
        in vain. A look after which anything has changed asks for something else, or another source."""
        is_known = at in self.asked and source == self.source
        return is_known and isinstance(request, CountRequest) and request.asks_the_same(self.request)
