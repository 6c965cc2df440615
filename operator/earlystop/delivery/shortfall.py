"""Whether counted requests show that a variant gets far less than its share: what a gateway answers with an error of
its own, no server counts.

It is a bound for safety and no statistic of the comparison: of two windows that are compared a few times a minute for a
month, it is broken by chance in one of a thousand.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import inf, log

from earlystop.api.plurals import counted
from earlystop.delivery.split import TrafficSplit

# By Chernoff's bound, so few of so many requests come about by chance with a probability of at most exp(-SURPRISE).
SURPRISE = 20.0
# Of its share; what is nearer to it is left to the sample ratio.
LEAST_PART = 0.5


@dataclass(frozen=True, slots=True)
class Mark:
    """Counted requests of each variant at one Unix second.

    open: a measure of requests of each that the counts may lack; while it stays as it is, they lack no new ones.
    """

    at: int
    counted: Mapping[str, int]
    open: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServedMarks:
    """The marks since which requests of a split are compared with its weights.

    split: whose. each: when every variant last had requests again. full: when half a share would last have shown.
    """

    split: TrafficSplit
    each: Mark
    full: Mark

    @classmethod
    def begin(cls, split: TrafficSplit, now: Mark) -> ServedMarks:
        """Marks from which counts are compared with the weights of a split."""
        return cls(split, now, now)

    def after(self, now: Mark) -> ServedMarks:
        """The marks for what comes after `now`, which showed no shortfall. They begin anew where counts fell."""
        if _fell(self.each, now) or _fell(self.full, now):
            return ServedMarks.begin(self.split, now)
        since_each, since_full = (_grown(mark, now) for mark in (self.each, self.full))
        each = now if all(since_each.values()) or _opened(self.each, now) else self.each
        shown = all(_would_show(since_full, name, self.split) for name in since_full)
        full = now if shown or _opened(self.full, now) else self.full
        return ServedMarks(self.split, each, full)

    def shortfall(self, now: Mark) -> str | None:
        """A sentence about the variant that gets far less than its share, None where none does."""
        for mark in (self.each, self.full):
            if _fell(mark, now):
                continue
            grown, opened = _grown(mark, now), _opened(mark, now)
            requests = sum(grown.values())
            for name in (each for each in grown if each not in opened):
                expected = requests * _share(name, grown, self.split)
                if grown[name] <= LEAST_PART * expected and _surprise(grown, name, self.split) >= SURPRISE:
                    return (
                        f"Of {counted(requests, 'request')} that were counted in {now.at - mark.at} s, {name} "
                        "should have had "
                        f"about {expected:.0f} and has {grown[name]}."
                    )
        return None


def _opened(mark: Mark, now: Mark) -> set[str]:
    """Variants of which the counts may lack requests since a mark."""
    return {name for name in now.counted if now.open.get(name, 0) != mark.open.get(name, 0)}


def _grown(mark: Mark, now: Mark) -> dict[str, int]:
    """Requests of each variant since a mark."""
    return {name: max(0, count - mark.counted.get(name, 0)) for name, count in now.counted.items()}


def _fell(mark: Mark, now: Mark) -> bool:
    """Whether a variant has fewer requests than at a mark: what was counted then was lost since, as with a Prometheus
    that forgot a process which ended, and how much of each variant nobody knows."""
    return any(now.counted.get(name, 0) < count for name, count in mark.counted.items() if name in now.counted)


def _share(name: str, counted: Collection[str], split: TrafficSplit) -> float:
    """The part of the counted variants' requests that one of them should have."""
    weights = {each.variant: each.weight for each in split.variants if each.variant in counted}
    return weights[name] / sum(weights.values())


def _surprise(grown: Mapping[str, int], name: str, split: TrafficSplit) -> float:
    """Minus the logarithm of a bound on the probability that a variant has so few of the requests."""
    requests = sum(grown.values())
    return requests * _divergence(grown[name] / requests, _share(name, grown, split)) if requests else 0.0


def _would_show(grown: Mapping[str, int], name: str, split: TrafficSplit) -> bool:
    """Whether so many requests are enough to show that a variant gets half of its share."""
    share = _share(name, grown, split)
    return sum(grown.values()) * _divergence(LEAST_PART * share, share) >= SURPRISE


def _divergence(observed: float, expected: float) -> float:
    """Kullback and Leibler's divergence of two probabilities of a coin, in nats; inf where `expected` rules it out."""
    total = 0.0
    for seen, share in ((observed, expected), (1 - observed, 1 - expected)):
        if seen > 0:
            total += seen * log(seen / share) if share > 0 else inf
    return total
