"""What an injector says of itself beside the convention's counts: what became of settings, how answers end, and all
that passed it, whosever: what an engine's own counters are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from earlystop.exporter.assignment import Assignment
from earlystop.injector.answers import Answer
from earlystop.injector.body import Effect


class Telemetry:
    """Counters in `registry`. Labels come from requests of known revisions only, so clients cannot make up any."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._settings = Counter(
            "earlystop_injector_settings",
            "What a parameter's value did to bodies: set, lowered (the client's was larger), kept, refused, "
            "or missing (a gateway had not written it).",
            ("policy", "variant", "parameter", "effect"),
            registry=registry,
        )
        self._finishes = Counter(
            "earlystop_injector_finishes",
            "Why answers ended: stop, length, tool_calls, repetition, content_filter or other.",
            ("policy", "variant", "reason"),
            registry=registry,
        )
        self._reasoning = Counter(
            "earlystop_injector_reasoning_tokens",
            "Output tokens that the engine calls reasoning. They are among the output tokens, too.",
            ("policy", "variant"),
            registry=registry,
        )
        self._failures = Counter(
            "earlystop_injector_failures",
            "Counted requests that failed: client (went away), engine (an error, or unreachable), or usage (an answer "
            "whose tokens the engine did not say).",
            ("cause",),
            registry=registry,
        )
        for cause in ("client", "engine", "usage"):
            self._failures.labels(cause)
        self._sequences = Counter(
            "earlystop_injector_sequences",
            "Choices of all answers that were passed on, golden questions among them; a request with n=3 has three.",
            registry=registry,
        )
        self._tokens = Counter(
            "earlystop_injector_tokens", "Output tokens of all answers that were passed on.", registry=registry
        )
        self._tokens_squared = Counter(
            "earlystop_injector_tokens_squared", "Sum over these answers of their tokens squared.", registry=registry
        )
        self._in_flight = Gauge(
            "earlystop_injector_in_flight", "Requests for answers that have begun and not ended.", registry=registry
        )
        self._choices = Gauge(
            "earlystop_injector_most_choices", "Choices of the answer that had most, as of n=3.", registry=registry
        )
        self._most_choices = 0

    def started(self) -> None:
        """A request for an answer has begun, whosever it is."""
        self._in_flight.inc()

    def over(self) -> None:
        """A request that had begun is done with."""
        self._in_flight.dec()

    def passed(self, answer: Answer) -> None:
        """An answer whose tokens are known was passed on, whosever it is."""
        tokens = answer.tokens or 0
        choices = max(1, len(answer.finishes))
        self._sequences.inc(choices)
        if choices > self._most_choices:
            self._most_choices = choices
            self._choices.set(choices)
        self._tokens.inc(tokens)
        self._tokens_squared.inc(tokens * tokens)

    def edited(self, assignment: Assignment, effects: Mapping[str, Effect]) -> None:
        """Counts what was done to each parameter in a body of this variant."""
        for parameter, effect in effects.items():
            self._settings.labels(assignment.policy, assignment.variant, parameter, effect).inc()

    def answered(self, assignment: Assignment, answer: Answer) -> None:
        """Counts the finish reasons and reasoning tokens of an answer of this variant."""
        for reason in answer.finishes:
            self._finishes.labels(assignment.policy, assignment.variant, reason).inc()
        if answer.reasoning_tokens:
            self._reasoning.labels(assignment.policy, assignment.variant).inc(answer.reasoning_tokens)

    def failed(self, cause: str) -> None:
        """Counts that a request failed, by its cause."""
        self._failures.labels(cause).inc()


class Restarts(Collector):
    """How often a worker was started again, which the parent counts. The series has no time of creation, which would be
    a worker's, so that it goes on over the end of one."""

    def __init__(self, restarts: int) -> None:
        self._restarts = restarts

    def collect(self) -> Iterable[Metric]:
        """The family of the one counter."""
        yield CounterMetricFamily(
            "earlystop_injector_restarts",
            "Workers that ended unasked, as by SIGKILL, and were started again; requests that they served failed.",
            value=self._restarts,
        )
