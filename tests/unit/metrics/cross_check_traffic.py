"""Answers that pass an injector and an engine behind it, as a Prometheus sees the counters of both."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from earlystop.api.wire import (
    INJECTOR_CHOICES,
    INJECTOR_FAILURES,
    INJECTOR_IN_FLIGHT,
    INJECTOR_SEQUENCES,
    INJECTOR_TOKENS,
    INJECTOR_TOKENS_SQUARED,
)
from earlystop.metrics.cross_check_reading import Compared, CrossCheckQuestion, read_cross_check
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.templates.pod_names import PodOwner
from earlystop.metrics.templates.range_vectors import RawSeries

END, INTERVAL, WINDOW = 2_000, 15, 150
QUESTION = CrossCheckQuestion(
    policy="llm/qwen",
    preset="VLLM",
    injector=PodOwner("qwen-es-injector"),
    engine=PodOwner("qwen"),
    begin=END - WINDOW,
    end=END,
    margin=2 * INTERVAL + 5,
)
ENGINE_COUNTERS = ("vllm:request_generation_tokens_count", "vllm:request_generation_tokens_sum")


@dataclass(frozen=True, slots=True)
class Passed:
    """One answer. begun, finished, counted: Unix seconds at which the injector took the request, the engine finished
    and the injector counted it. failed: whether the client went away before that. past: whether it did not come by the
    injector at all."""

    begun: float
    finished: float
    counted: float
    tokens: int
    choices: int = 1
    failed: bool = False
    past: bool = False
    injector: int = 0
    engine: int = 0


def healthy(rng: random.Random, *, number: int, slow: float, failing: float, most_choices: int) -> list[Passed]:
    """Answers that all pass one of two injectors. slow: seconds that a client may take to read the last of one.
    failing: the share of which the client goes away, whether or not the engine had finished it."""
    found = []
    for _ in range(number):
        begun = rng.uniform(END - 1.5 * WINDOW, END + 30)
        finished = begun + rng.expovariate(0.1)
        found.append(
            Passed(
                begun,
                finished,
                finished + rng.uniform(0, slow),
                tokens=rng.randint(1, 4_000),
                choices=rng.randint(1, most_choices),
                failed=rng.random() < failing,
                injector=rng.randrange(2),
                engine=rng.randrange(3),
            )
        )
    return found


@dataclass
class Scraped:
    """Range vectors of these answers, as `RangeVectors`: each Pod is scraped at moments of its own."""

    answers: list[Passed]
    rng: random.Random
    gone: dict[str, float] = field(default_factory=dict)
    queries: list[str] = field(default_factory=list)

    def range_vector(self, query: str, at: float) -> list[RawSeries]:
        """The samples of the counter that a query names, within its range."""
        self.queries.append(query)
        name, seconds = query.partition("{")[0], int(query.rpartition("[")[2].removesuffix("s]"))
        kind, number = ("engine", 3) if name in ENGINE_COUNTERS else ("injector", 2)
        return [
            RawSeries({"__name__": name, "pod": f"{kind}-{pod}"}, list(self._points(name, kind, pod, at, seconds)))
            for pod in range(number)
        ]

    def _points(self, name: str, kind: str, pod: int, at: float, seconds: int) -> Iterable[tuple[int, str]]:
        phase = random.Random(f"{kind}{pod}").uniform(0, INTERVAL)
        first = at - seconds + (phase - (at - seconds)) % INTERVAL
        moments = [first + INTERVAL * k for k in range(seconds // INTERVAL + 1)]
        alive = self.gone.get(f"{kind}-{pod}", float("inf"))
        join = partial(max, default=0) if name == INJECTOR_CHOICES else sum
        for moment in (each for each in moments if each <= min(at, alive)):
            yield round(1000 * moment), str(join(_amount(name, each, kind, pod, moment) for each in self.answers))

    def compared(self) -> Compared | MetricsFailure:
        """What the comparison of the window finds."""
        return read_cross_check(self, QUESTION)


def _amount(name: str, answer: Passed, kind: str, pod: int, moment: float) -> int:
    """What an answer adds to a counter of a Pod until a moment."""
    if (answer.engine if kind == "engine" else answer.injector) != pod:
        return 0
    if kind == "injector":
        return 0 if answer.past else _OF_INJECTOR[name](answer, moment)
    # A client that goes away is counted by some engines, and by others not: here, when its number is odd.
    done = answer.finished <= moment and not (answer.failed and answer.tokens % 2)
    return done * (answer.choices if name == ENGINE_COUNTERS[0] else answer.tokens)


def _passed(of: Callable[[Passed], int]) -> Callable[[Passed, float], int]:
    return lambda answer, moment: of(answer) if not answer.failed and answer.counted <= moment else 0


_OF_INJECTOR: dict[str, Callable[[Passed, float], int]] = {
    INJECTOR_SEQUENCES: _passed(lambda answer: answer.choices),
    INJECTOR_TOKENS: _passed(lambda answer: answer.tokens),
    INJECTOR_TOKENS_SQUARED: _passed(lambda answer: answer.tokens**2),
    INJECTOR_FAILURES: lambda answer, moment: int(answer.failed and answer.counted <= moment),
    INJECTOR_IN_FLIGHT: lambda answer, moment: int(answer.begun <= moment < answer.counted),
    INJECTOR_CHOICES: lambda answer, moment: answer.choices,
}
