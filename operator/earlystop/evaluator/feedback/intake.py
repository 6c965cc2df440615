"""From a vote to a count, each once: asks the rules, remembers, and counts under the labels of request time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from earlystop.evaluator.feedback.outcomes import Outcome
from earlystop.evaluator.feedback.rules import FeedbackRules, counts_at, refusal
from earlystop.evaluator.feedback.telemetry import Telemetry
from earlystop.evaluator.feedback.vote import Kind, Vote
from earlystop.evaluator.feedback.vote_store import VoteStore, WaitingLabel
from earlystop.exporter.assignment import variants_beside
from earlystop.exporter.export import Exporter
from earlystop.exporter.receipts import Receipt, Receipts

MOST_A_SECOND = 50
"""Votes that are stored, each of which waits for the disk. What is refused before costs no write and has no bound."""
SECONDS_BETWEEN_FORGETTING = 600
"""It is a write, which nobody waits for."""

log = logging.getLogger(__name__)


@dataclass
class Intake:
    """exporter: one that serves no requests and demands no token, since receipts hold none. clock: Unix seconds."""

    receipts: Receipts
    rules: FeedbackRules
    store: VoteStore
    exporter: Exporter
    telemetry: Telemetry
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self._second, self._stored = 0, 0
        self.telemetry.waiting(self.store.waiting)

    def take(self, vote: Vote, *, is_labeller: bool) -> Outcome:
        """What becomes of a vote. It counts, or will count, where the outcome is COUNTED or HELD, and nowhere else."""
        outcome = self._take(vote, is_labeller)
        self.telemetry.ended(vote.kind, outcome)
        return outcome

    def count_due(self) -> int:
        """Count the labels whose moment has come, forget what is too old, and say how many were counted now.

        Raises OSError when the file fails; nothing of it is counted then.
        """
        now = self.clock()
        due = self.store.take_due(now)
        counted = 0
        for label in due:
            receipt = self.receipts.open(label.receipt)
            outcome = Outcome.UNKNOWN if receipt is None else self._count(receipt, Kind.LABEL, label.said)
            counted += outcome is Outcome.COUNTED
            self.telemetry.ended(Kind.LABEL, outcome)
        before = int(now) - self.rules.longest_seconds
        if before - self.store.oldest >= SECONDS_BETWEEN_FORGETTING:
            self.store.forget(before)
        self.telemetry.waiting(self.store.waiting)
        return counted

    def _take(self, vote: Vote, is_labeller: bool) -> Outcome:
        now = self.clock()
        receipt = self.receipts.open(vote.receipt)
        refused = refusal(vote.kind, receipt, self.rules, now=now, oldest=self.store.oldest, is_labeller=is_labeller)
        if refused is not None or receipt is None:
            if receipt is not None and refused is Outcome.LATE:
                self.telemetry.came(vote.kind, now - receipt.arrived)
            return refused or Outcome.UNKNOWN
        try:
            if self.store.has_voted(receipt.identity, vote.kind):
                return Outcome.REPEATED
            if not self._register(receipt):
                return Outcome.NO_ROOM
            if not self._has_time(now):
                return Outcome.TOO_MANY
            outcome = self._keep(vote, receipt)
        except OSError as error:
            log.error("votes cannot be stored (%s), so they are not counted", error)
            return Outcome.UNSTORED
        self.telemetry.came(vote.kind, now - receipt.arrived)
        return outcome

    def _has_time(self, now: float) -> bool:
        """Whether one more vote may be stored within this second of the clock."""
        if int(now) != self._second:
            self._second, self._stored = int(now), 0
        self._stored += 1
        return self._stored <= MOST_A_SECOND

    def _keep(self, vote: Vote, receipt: Receipt) -> Outcome:
        """Remembers the vote, and counts it unless it waits. Raises OSError; nothing is counted then."""
        if vote.kind is Kind.LABEL:
            label = WaitingLabel(counts_at(receipt, self.rules), vote.receipt, vote.said)
            self.store.add(receipt.identity, vote.kind, receipt.arrived, label)
            self.telemetry.waiting(self.store.waiting)
            return Outcome.HELD
        self.store.add(receipt.identity, vote.kind, receipt.arrived)
        return self._count(receipt, vote.kind, vote.said)

    def _count(self, receipt: Receipt, kind: Kind, said: str) -> Outcome:
        """Count under the labels that the request had, whatever step is under way by now."""
        count = self.exporter.labelled if kind is Kind.LABEL else self.exporter.feedback
        return Outcome.COUNTED if self._register(receipt) and count(receipt.assignment, said) else Outcome.NO_ROOM

    def _register(self, receipt: Receipt) -> bool:
        """Votes on a campaign of long ago take no place from the present one."""
        told, variants = receipt.assignment, variants_beside(receipt.assignment.variant)
        return self.exporter.register(
            told.policy, told.revision, told.step, told.query_class, variants=variants, arrived=receipt.arrived
        )
