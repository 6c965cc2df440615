"""Asking a Prometheus for the counters of an injector and of the engine behind it, for the cross-check of the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from earlystop.api.presets import traits_of
from earlystop.api.wire import (
    INJECTOR_CHOICES,
    INJECTOR_FAILURES,
    INJECTOR_IN_FLIGHT,
    INJECTOR_SEQUENCES,
    INJECTOR_TOKENS,
    INJECTOR_TOKENS_SQUARED,
)
from earlystop.metrics.cross_check import Disagreement, EngineSide, InjectorSide, counts, disagreement, total_growth
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.templates.pod_names import PodOwner, pods_of
from earlystop.metrics.templates.presets import own_templates, ranged
from earlystop.metrics.templates.range_vectors import RawSeries
from earlystop.metrics.vectors import RangeVectors


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossCheckQuestion:
    """The counters of an injector and of its engine that are compared for one policy.

    preset: of the engine, in `api/presets.PRESETS`. injector, engine: whose Pods count. begin, end: the window, in Unix
    seconds. margin: seconds around it in which every process is scraped at least once. namespace_label, replica_label:
    the source's.
    """

    policy: str
    preset: str
    injector: PodOwner
    engine: PodOwner
    begin: int
    end: int
    margin: int
    namespace_label: str | None = None
    replica_label: str | None = None


def cross_check_queries(question: CrossCheckQuestion) -> dict[str, str]:
    """The range queries by what they ask for; those of the engine by the fields of `Tally`. All are evaluated at the
    window's end and the margin."""
    seconds = question.end - question.begin + 2 * question.margin
    templates = own_templates(question.preset, traits_of(question.preset))

    def of(owner: PodOwner, selector: str) -> str:
        return ranged(selector, question.policy, seconds, question.namespace_label, {"pod": pods_of(owner)})

    of_injector = (
        *(INJECTOR_SEQUENCES, INJECTOR_TOKENS, INJECTOR_TOKENS_SQUARED, INJECTOR_FAILURES),
        *(INJECTOR_IN_FLIGHT, INJECTOR_CHOICES),
    )
    return {
        **{name: of(question.injector, f"{name}{{}}") for name in of_injector},
        **{field: of(question.engine, templates[field]) for field in ("completed", "tokens")},
    }


@dataclass(frozen=True, slots=True)
class NotCounted:
    """Whose counters are nowhere. message: which, and what to do, without a capital and a full stop."""

    message: str


Compared = Disagreement | NotCounted | None
"""By how much the two differ, None where they agree."""


def read_cross_check(client: RangeVectors, question: CrossCheckQuestion) -> Compared | MetricsFailure:
    """What the comparison of the two shows, or why nobody knows."""
    at = float(question.end + question.margin)
    try:
        found = {name: client.range_vector(text, at) for name, text in cross_check_queries(question).items()}
    except MetricsFailure as failure:
        return failure.with_traceback(None)
    for name, whose in ((INJECTOR_SEQUENCES, question.injector), ("completed", question.engine)):
        if not found[name]:
            counter = cross_check_queries(question)[name].partition("{")[0]
            return NotCounted(
                f"there is no counter {counter} of Pods of {whose.kind} {whose.name}; let them be scraped, with their "
                "names in the label pod"
            )
    return _compared(found, question)


def _compared(found: dict[str, list[RawSeries]], question: CrossCheckQuestion) -> Disagreement | None:
    begin, end = 1000 * question.begin, 1000 * question.end
    grown = {name: total_growth(series, begin, end, question.replica_label) for name, series in found.items()}
    # Those of answers that were in flight at either end are among the squares, too.
    widened = begin - 1000 * question.margin, end + 1000 * question.margin
    squares = total_growth(found[INJECTOR_TOKENS_SQUARED], *widened, question.replica_label)
    injector = InjectorSide(
        sequences=grown[INJECTOR_SEQUENCES],
        tokens=grown[INJECTOR_TOKENS],
        tokens_squared=squares,
        failed=grown[INJECTOR_FAILURES],
        in_flight=sum(_largest_values(found[INJECTOR_IN_FLIGHT])),
        choices=max([1, *_largest_values(found[INJECTOR_CHOICES])]),
    )
    return disagreement(EngineSide(grown["completed"], grown["tokens"]), injector)


def _largest_values(gauges: Sequence[RawSeries]) -> list[int]:
    """The largest value of each."""
    return [max((int(value) for _, value in counts(each.points)), default=0) for each in gauges]
