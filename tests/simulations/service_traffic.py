"""The counters of servers behind the overlay of a policy: what is counted follows from the rule that users meet."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from earlystop.api.counts import Tally
from earlystop.api.wire import BASELINE
from earlystop.controller.cluster import Manifest
from earlystop.metrics.convention.ledger import SeriesKey
from tests.unit.rollout.traffic import answers

Name = tuple[str, int, str, str, str]
"""Of a series: revision, step, variant, query class and process."""
HEADER = "x-early-stop-"
TOKENS = {"40": 600, "20": 450, "10": 300, "5": 200}
"""Output tokens of an answer on average, by the window."""
CHANGED = 0.025
"""Part of golden questions that another setting answers otherwise by chance, for the better, and for the worse."""


class Served(NamedTuple):
    """What a rule's backend gives: percent of requests, labels of its counters, and the window of its setting."""

    percent: int
    revision: str
    step: int
    variant: str
    window: str


class Point(NamedTuple):
    """A counter at a moment, Unix seconds."""

    at: float
    total: Tally


@dataclass(slots=True)
class Service:
    """How servers answer now. level: Exact Match of all settings. losses: what a window loses of it, in all classes or
    in the one that is named beside it. rate: requests a second. failing: part of a window's requests that fail.
    disliked: part of a window's answers that users vote against. label_seconds: how long after its answer a label
    comes. classes: of questions, each with its part of the requests. pairs: golden questions a second that the baseline
    and each other variant that has requests both answer."""

    level: float = 0.8
    losses: dict[str, float] = field(default_factory=dict)
    class_losses: dict[tuple[str, str], float] = field(default_factory=dict)
    disliked: dict[str, float] = field(default_factory=dict)
    label_seconds: float = 0.0
    classes: Mapping[str, float] = field(default_factory=lambda: {"qa": 1.0})
    failing: dict[str, float] = field(default_factory=dict)
    rate: float = 40.0
    pairs: float = 0.0
    process: int = 1


def served_by(overlay: Manifest | None) -> tuple[Served, ...]:
    """What users get by the last rule of the overlay; nothing without one, or from one that hangs on no Gateway."""
    rules = overlay["spec"]["rules"] if overlay is not None and overlay["spec"].get("parentRefs") else []
    users = [each for each in rules if _is_for_users(each)]
    return tuple(_served(users[-1])) if users else ()


def _is_for_users(rule: Manifest) -> bool:
    named = [each["name"] for match in rule.get("matches", ()) for each in match.get("headers", ())]
    return not any(name.startswith(HEADER) for name in named)


def _served(rule: Manifest) -> Iterator[Served]:
    for backend in rule["backendRefs"]:
        headers = {
            each["name"].removeprefix(HEADER): each["value"]
            for found in backend.get("filters", ())
            for each in found.get("requestHeaderModifier", {}).get("set", ())
        }
        if "variant" in headers:
            yield Served(
                backend["weight"],
                headers["revision"],
                int(headers["step"]),
                headers["variant"],
                headers["param-window"],
            )


class Counters:
    """Of all servers, at every moment since their first request."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._points: defaultdict[Name, list[Point]] = defaultdict(list)
        self._labels: list[tuple[float, Name, Tally]] = []

    def serve(self, begin: float, end: float, service: Service, served: tuple[Served, ...]) -> None:
        """Requests come steadily from one moment to the next, as many as chance has it."""
        for each, query_class in ((each, name) for each in served if each.percent for name in service.classes):
            name = each.revision, each.step, each.variant, query_class, f"p{service.process}"
            answered, labels = self._answered(service, each, query_class, end - begin)
            self._grow(name, begin, end, answered)
            self._labels.append((end + service.label_seconds, name, labels))
        come = [label for label in self._labels if label[0] <= end]
        self._labels = [label for label in self._labels if label[0] > end]
        for _, name, labels in come:
            self._grow(name, end - 1.0 if service.label_seconds else begin, end, labels)

    def _grow(self, name: Name, begin: float, end: float, more: Tally) -> None:
        """A series grows steadily from one moment to the next."""
        points = self._points[name]
        before = points[-1].total if points else Tally()
        if points and points[-1].at == end:
            points[-1] = Point(end, before + more)
            return
        if not points or points[-1].at < begin:
            points.append(Point(begin, before))
        points.append(Point(end, before + more))

    def _answered(self, service: Service, served: Served, query_class: str, seconds: float) -> tuple[Tally, Tally]:
        """What requests give at once, and what their labels and votes do."""
        expected = service.rate * service.classes[query_class] * seconds * served.percent / 100
        requests = max(0, round(self._random.gauss(expected, expected**0.5)))
        failed = self._binomial(requests, service.failing.get(served.window, 0.01))
        is_baseline = served.variant == BASELINE
        loss = 0.0 if is_baseline else service.losses.get(served.window, 0.0)
        loss += 0.0 if is_baseline else service.class_losses.get((served.window, query_class), 0.0)
        right = self._binomial(requests - failed, service.level - loss)
        ended = answers(requests - failed, 0.0, TOKENS[served.window])
        told = Tally(started=requests, failed=failed)
        down = self._binomial(requests - failed, 0.05 if is_baseline else service.disliked.get(served.window, 0.05))
        labels = Tally(match=right, mismatch=requests - failed - right, feedback_down=down, feedback_up=down)
        pairs = Tally() if is_baseline else self._asked(service.pairs * seconds, service.level, loss)
        return ended + told + pairs - Tally(started=ended.started, mismatch=ended.mismatch), labels

    def _asked(self, expected: float, level: float, loss: float) -> Tally:
        """Golden questions that both answered: a loss is of questions that the baseline answers right, and one in 20
        answers differs by chance, one way as often as the other."""
        if not expected:
            return Tally()
        pairs = max(0, round(self._random.gauss(expected, expected**0.5)))
        lost, won = self._binomial(pairs, min(level, loss + CHANGED)), self._binomial(pairs, min(1 - level, CHANGED))
        both = self._binomial(pairs - min(pairs, lost + won), level)
        return Tally(
            pairs_both=both,
            pairs_baseline_only=lost,
            pairs_candidate_only=min(won, pairs - lost),
            pairs_neither=max(0, pairs - lost - won - both),
        )

    def _binomial(self, number: int, part: float) -> int:
        """The usual approximation, within what is possible."""
        part = min(max(part, 0.0), 1.0)
        drawn = round(self._random.gauss(number * part, (number * part * (1 - part)) ** 0.5))
        return min(max(drawn, 0), number)

    def read(self, revision: str, at: float, process: int) -> Mapping[SeriesKey, Tally]:
        """All counters of a revision at a moment. Those of servers that were replaced are gone, as from Prometheus."""
        found = {}
        for (of, step, variant, query_class, name), points in self._points.items():
            if of == revision and points[0].at <= at and name == f"p{process}":
                found[SeriesKey(step, variant, query_class, name)] = _at(points, at)
        return found

    def forget_before(self, at: float) -> None:
        """Nothing asks for a moment that long ago: what was counted then becomes one number."""
        for points in self._points.values():
            place = bisect_right(points, at, key=lambda each: each.at)
            del points[: max(0, place - 1)]


def _at(points: list[Point], at: float) -> Tally:
    place = bisect_right(points, at, key=lambda each: each.at)
    if place == len(points):
        return points[-1].total
    before, after = points[place - 1], points[place]
    part = (at - before.at) / (after.at - before.at) if after.at > before.at else 1.0
    grown = zip(before.total.row(), after.total.row(), strict=True)
    return Tally(*(one + int(part * (other - one)) for one, other in grown))
