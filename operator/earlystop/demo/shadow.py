"""Windows that are judged on the baseline's own samples, without acting on them: which, and whether they can be.

A request on the baseline may name candidates in `<prefix>shadow`, such as `w10;window=10, w5;window=5`. The server then
works out, from the samples that the baseline's run made anyway, what each of them would have answered and used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import gcd

from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from earlystop.api.counts import Variant
from earlystop.demo.voting import MAXIMUM_WINDOW
from earlystop.exporter.assignment import is_variant

MOST_CANDIDATES = 10
MOST_CHARACTERS = 1024

# RFC 9651 lets a bare word begin with a letter only; candidates may also begin with a digit, so that is let pass.
_MEMBER = re.compile(r"([A-Za-z0-9][A-Za-z0-9._+-]{0,63}); *window=([1-9][0-9]?)", re.ASCII)
_SEPARATOR = re.compile(r"[ \t]*,[ \t]*")


@dataclass(frozen=True, slots=True)
class ShadowedWindow:
    """A candidate's label and its window, 1..MAXIMUM_WINDOW."""

    variant: str
    window: int


class LeftOut(Collector):
    """How often a shadow was not judged, as a counter of a metrics page."""

    def __init__(self) -> None:
        self.count = 0

    def collect(self) -> Iterable[Metric]:
        """The counter at this moment."""
        described = "Shadows not judged: their window may need samples that the baseline's run did not make."
        yield CounterMetricFamily("earlystop_shadows_left_out_total", described, value=self.count)


def read_shadows(values: Sequence[str]) -> tuple[ShadowedWindow, ...]:
    """The candidates of all header lines of that name: a list with the one parameter `window` (RFC 9651, 3.1).

    None at all when anything is odd, so that a part is never taken for the whole: more than one line, more than
    MOST_CANDIDATES, a candidate that stands twice or cannot be a label, another parameter, a window out of range.
    """
    if len(values) != 1 or len(values[0]) > MOST_CHARACTERS:
        return ()
    found = [_MEMBER.fullmatch(member) for member in _SEPARATOR.split(values[0].strip(" \t"))]
    shadows = [ShadowedWindow(match[1], int(match[2])) for match in found if match is not None]
    labels = {shadow.variant for shadow in shadows if is_variant(shadow.variant)} - {Variant.BASELINE}
    in_range = all(shadow.window <= MAXIMUM_WINDOW for shadow in shadows)
    return tuple(shadows) if len(labels) == len(found) <= MOST_CANDIDATES and in_range else ()


def can_be_judged(window: int, baseline_window: int, most_samples: int) -> bool:
    """Whether a run with `window` needs, for every possible question, no sample that the baseline's run did not make.

    most_samples: the longest run. A baseline window that spans it makes all samples. Otherwise the run with `window`
    surely stops in time only if each of the baseline's windows holds one of its own: the baseline stops after a
    unanimous window, and then that one was unanimous too. A smaller window is not enough: 4 starts at 0, 4, 8, …, and
    none of these lies within 5 to 9, where 5 may stop. Leaving out single requests that need more would be worse than
    leaving out the candidate: those are the ones on which samples disagree.
    """
    if baseline_window >= most_samples:
        return True
    starts = range(0, window * baseline_window // gcd(window, baseline_window), baseline_window)
    return all(-start % window + window <= baseline_window for start in starts)
