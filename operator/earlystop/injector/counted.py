"""One request that is counted: started once, and ended once as completed or as failed, whatever happens to it."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from earlystop.api.wire import UNASSIGNED
from earlystop.exporter.assignment import variants_beside
from earlystop.exporter.export import Assignment, Exporter
from earlystop.injector.answers import Answer
from earlystop.injector.body import EditedBody, Effect
from earlystop.injector.telemetry import Telemetry


class CountedRequest:
    """Use as a context manager around all that is done for the request: one that ends without `ended` has failed.

    golden: an evaluator's question, which the evaluator counts and nobody else.
    """

    def __init__(self, exporter: Exporter, telemetry: Telemetry, assignment: Assignment, *, golden: bool) -> None:
        self._exporter = exporter
        self._telemetry = telemetry
        self._assignment = assignment
        self._is_golden = golden
        self._is_over = False
        self._is_known = False

    def edited(self, change: EditedBody, values: Mapping[str, str]) -> None:
        """Its body was edited; values: of the settings, by parameter. One that was refused is not in force."""
        told = self._assignment
        if not self._is_known:
            return
        self._telemetry.edited(told, change.effects)
        for parameter, value in values.items():
            if change.effects[parameter] is not Effect.REFUSED:
                self._exporter.setting(told.policy, told.revision, told.variant, parameter, value)

    def ended(self, answer: Answer | None) -> None:
        """Counts the request's end: its answer, None for an error. Later calls change nothing. An answer whose tokens
        the engine does not say has failed, since it would otherwise count as one without tokens."""
        if self._is_over:
            return
        if answer is None:
            self._fail("engine")
        elif answer.tokens is None:
            self._fail("usage")
        else:
            self._is_over = True
            self._telemetry.passed(answer)
            if not self._is_golden:
                # Nobody has tried to score it here, which is no answer that could not be scored.
                self._exporter.completed(
                    self._assignment, answer.tokens, None, empty=answer.is_empty, cut=answer.is_cut
                )
            if self._is_known:
                self._telemetry.answered(self._assignment, answer)

    def _fail(self, cause: str) -> None:
        self._is_over = True
        self._telemetry.failed(cause)
        if not self._is_golden:
            self._exporter.failed(self._assignment)

    def __enter__(self) -> Self:
        told = self._assignment
        if told.revision != UNASSIGNED and not told.is_forged:
            # One without a place is evidence for nobody. It gets its setting all the same: it came by the overlay.
            self._is_known = self._exporter.register(
                told.policy, told.revision, told.step, variants=variants_beside(told.variant)
            )
        if not self._is_golden:
            self._exporter.started(self._assignment)
        self._telemetry.started()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_over:
            self._fail("client")
        self._telemetry.over()
