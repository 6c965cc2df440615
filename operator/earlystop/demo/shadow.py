"""Rules that are judged on the baseline's own samples, without acting on them: which, and whether they can be.

A request on the baseline may name candidates in `<prefix>shadow`, such as `w10;window=10, bold;window=5;agreement=0.8`.
The server then works out, from the samples that the baseline's run made anyway, what each of them would have answered
and used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import gcd

from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from earlystop.api.counts import Variant
from earlystop.api.searches import MOST_TOGETHER
from earlystop.demo.knobs import KNOBS, stop_rule
from earlystop.demo.voting import StopRule
from earlystop.exporter.assignment import is_variant

MOST_CANDIDATES = MOST_TOGETHER
MOST_CHARACTERS = 24_576

# RFC 9651 lets a bare word begin with a letter only; candidates may also begin with a digit, so that is let pass.
_PARAMETER = rf"; *({'|'.join(KNOBS)})=([0-9.]{{1,10}})"
_MEMBER = re.compile(rf"([A-Za-z0-9][A-Za-z0-9._+-]{{0,63}})((?:{_PARAMETER})+)", re.ASCII)
_SEPARATOR = re.compile(r"[ \t]*,[ \t]*")


@dataclass(frozen=True, slots=True)
class ShadowedRule:
    """A candidate's label and its rule."""

    variant: str
    rule: StopRule


class LeftOut(Collector):
    """How often a shadow was not judged, as a counter of a metrics page."""

    def __init__(self) -> None:
        self.count = 0

    def collect(self) -> Iterable[Metric]:
        """The counter at this moment."""
        described = "Shadows not judged: their window may need samples that the baseline's run did not make."
        yield CounterMetricFamily("earlystop_shadows_left_out_total", described, value=self.count)


def read_shadows(values: Sequence[str], baseline: StopRule = StopRule()) -> tuple[ShadowedRule, ...]:  # noqa: B008
    """The candidates of all header lines of that name: a list with the server's parameters (RFC 9651, 3.1).

    baseline: the rule of the request itself, from which a candidate has what it leaves out. None at all when anything
    is odd, so that a part is never taken for the whole: more than one line, more than MOST_CANDIDATES, a candidate that
    stands twice or cannot be a label, another parameter or one that stands twice, a value out of range.
    """
    if len(values) != 1 or len(values[0]) > MOST_CHARACTERS:
        return ()
    found = [_MEMBER.fullmatch(member) for member in _SEPARATOR.split(values[0].strip(" \t"))]
    shadows = [shadow for match in found if match is not None and (shadow := _shadow(match, baseline)) is not None]
    labels = {shadow.variant for shadow in shadows if is_variant(shadow.variant)} - {Variant.BASELINE}
    return tuple(shadows) if len(labels) == len(found) <= MOST_CANDIDATES else ()


def _shadow(member: re.Match[str], baseline: StopRule) -> ShadowedRule | None:
    """One candidate of the list, None where its parameters make no rule."""
    pairs = re.findall(_PARAMETER, member[2], re.ASCII)
    rule = stop_rule(dict(pairs), baseline)
    return None if rule is None or len(dict(pairs)) < len(pairs) else ShadowedRule(member[1], rule)


def can_be_judged(rule: StopRule, baseline: StopRule, most_samples: int) -> bool:
    """Whether a run by `rule` needs, for every possible question, no sample that the baseline's run did not make.

    most_samples: the longest run. A baseline whose window, or whose least samples, span it makes all samples. Otherwise
    a run by another rule surely stops in time only if the baseline stops after unanimous windows alone, each of these
    holds a window of the other run, which is unanimous with it, and the other run asks for no more samples than one of
    its windows. A smaller window is not enough: 4 starts at 0, 4, 8, …, and none of these lies within 5 to 9, where 5
    may stop. Leaving out single requests that need more would be worse than leaving out the candidate: those are the
    ones on which samples disagree.
    """
    if max(baseline.window, baseline.least_samples) >= most_samples or rule == baseline:
        return True
    if baseline.agreement < 1 or rule.least_samples > rule.window:
        return False
    window, full = rule.window, baseline.window
    starts = range(0, window * full // gcd(window, full), full)
    return all(-start % window + window <= full for start in starts)
