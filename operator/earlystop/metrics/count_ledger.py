"""The table of the kinds of counters, and what is done with a ledger, request or reading whichever kind it is of."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from earlystop.api.presets import CounterKind, traits_of
from earlystop.metrics.convention.count_source import ConventionCounts
from earlystop.metrics.convention.ledger import Ledger
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_source import CountSource
from earlystop.metrics.templates.count_source import TemplateCounts
from earlystop.metrics.templates.reader import TemplateReading, TemplateRequest
from earlystop.metrics.templates.reset_ledger import ResetLedger

AnyRequest = CountRequest | TemplateRequest
AnyReading = Reading | TemplateReading
AnyCounts = CountSource[Any, Any, Any]
CountLedger = Ledger | ResetLedger
"""An empty `Ledger` is what every campaign begins with."""

COUNT_SOURCES: Mapping[CounterKind, CountSource[Any, Any, Any]] = MappingProxyType(
    {CounterKind.CONVENTION: ConventionCounts(), CounterKind.TEMPLATES: TemplateCounts()}
)


def count_source(preset: str) -> CountSource[Any, Any, Any]:
    """How the counters of a preset are read. Raises ValueError for a preset without a row."""
    return COUNT_SOURCES[traits_of(preset).kind]


def source_of(item: AnyReading | CountLedger) -> CountSource[Any, Any, Any]:
    """How the counters are read that a reading or a ledger is of."""
    return COUNT_SOURCES[item.KIND]


def pack_ledger(ledger: CountLedger) -> str:
    """The text for status. Raises TooManySeries."""
    return source_of(ledger).pack(ledger)


def unpack_ledger(text: str) -> CountLedger:
    """Inverse of `pack_ledger`. Raises LedgerError."""
    found: CountLedger = next(each for each in COUNT_SOURCES.values() if each.is_packed(text)).unpack(text)
    return found


def without_closed_steps(ledger: CountLedger, step: int) -> CountLedger:
    """The ledger when `step` begins: what was counted in earlier ones is evidence already."""
    left: CountLedger = source_of(ledger).drop_steps_before(ledger, step)
    return left
