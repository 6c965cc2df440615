"""The metrics of policies for prometheus_client: worked out at each scrape, so none outlives its policy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from earlystop.controller.policy_metrics.limits import MOST_IN_ALL, expose
from earlystop.controller.policy_metrics.samples import PolicyView, Sample, samples_of
from earlystop.controller.policy_metrics.table import TABLE
from earlystop.controller.policy_metrics.written import WrittenFamily

LEFT_OUT = "earlystop_operator_policies_without_series"
LEFT_OUT_MEANING = (
    "Policies of which no series is exposed: all together have too many, and those that are watched come first; or, "
    "as the log says, one provokes an error."
)

OF_POLICIES = frozenset({*(each.name for each in TABLE), LEFT_OUT})
"""Names of all that is worked out from every policy."""

log = logging.getLogger(__name__)


class PolicyCollector(Collector):
    """Asks for the policies whenever it is scraped; before it is told whom to ask there are none."""

    def __init__(self, most_in_all: int = MOST_IN_ALL) -> None:
        self._views: Callable[[], Iterable[PolicyView]] = tuple
        self._most_in_all = most_in_all
        self._left_out = 0
        self._told: set[tuple[str, str]] = set()
        self._faulty: set[tuple[str, str]] = set()

    def show(self, views: Callable[[], Iterable[PolicyView]]) -> None:
        """From now on show the policies that this function returns at a scrape."""
        self._views = views

    def describe(self) -> Iterator[Metric]:
        """The families without samples."""
        yield from map(WrittenFamily, TABLE)
        yield GaugeMetricFamily(LEFT_OUT, LEFT_OUT_MEANING)

    def collect(self) -> Iterator[Metric]:
        """The families as they are now."""
        self._told, self._faulty = self._faulty, set()
        families = {each.name: WrittenFamily(each) for each in TABLE}

        def show(sample: Sample) -> None:
            families[sample.metric.name].add(sample)

        left_out = expose(self._views(), show, most_in_all=self._most_in_all, samples_of=self._samples_of)
        for each in TABLE:
            yield families.pop(each.name)  # whoever asks need not hold all families at once
        yield GaugeMetricFamily(LEFT_OUT, LEFT_OUT_MEANING, value=left_out)
        self._log_left_out(left_out)

    def _samples_of(self, view: PolicyView) -> Sequence[Sample]:
        """The samples of one policy; none, and a line in the log, for one that provokes an error: all others have
        theirs."""
        try:
            samples = list(samples_of(view))
        except Exception:
            if view.key not in self._told:
                log.exception("this policy has no metrics, by an error of the operator's own: %s", view.label)
            self._faulty.add(view.key)
            return ()
        return samples

    def _log_left_out(self, left_out: int) -> None:
        """Say in the log when policies begin to be left out, and when none is any more."""
        if left_out and not self._left_out:
            log.warning(
                "%d policies have no metrics: all together have more than %d series, or the line before this one names "
                "an error. Watch fewer namespaces by one operator (--namespace), or remove policies that are over",
                left_out,
                self._most_in_all,
            )
        elif self._left_out and not left_out:
            log.info("every policy has its metrics again")
        self._left_out = left_out
