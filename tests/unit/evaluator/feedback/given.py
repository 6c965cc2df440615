"""Receipts, an intake and an endpoint as their tests use them: the real ones, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry
from yarl import URL

from earlystop.api.counts import Tally
from earlystop.evaluator.feedback.endpoint import Endpoint
from earlystop.evaluator.feedback.intake import Intake
from earlystop.evaluator.feedback.rules import FeedbackRules
from earlystop.evaluator.feedback.telemetry import Telemetry
from earlystop.evaluator.feedback.vote import Kind, Vote
from earlystop.evaluator.feedback.vote_store import open_vote_store
from earlystop.exporter.assignment import Assignment
from earlystop.exporter.export import Exporter
from earlystop.exporter.listening import listening
from earlystop.exporter.receipts import Receipts
from earlystop.metrics.convention.ledger import SeriesKey
from tests.unit.exporter.pages import POLICY, Clock, assignment, read, scrape

RECEIPTS = Receipts([b"0123456789abcdef" * 2])
LABEL_KEY = b"label0123456789abcdef0123456789abcdef"
START = 1_000_000
RULES = FeedbackRules((POLICY,), longest_seconds=10_000, label_seconds=600)


@dataclass
class Taking:
    """One start of the endpoint's process. clock: Unix seconds."""

    intake: Intake
    registry: CollectorRegistry
    clock: Clock
    telemetry: Telemetry = field(repr=False)

    def vote(self, receipt: str, said: str = "down", *, is_labeller: bool = True) -> str:
        """What becomes of a vote, by its word."""
        kind = Kind.SENTIMENT if said in ("up", "down") else Kind.LABEL
        return self.intake.take(Vote(receipt, kind, said), is_labeller=is_labeller).value

    def counts(self) -> dict[SeriesKey, Tally]:
        """What the operator reads of the campaign, without rows of zero and without the process."""
        found = read(self.registry)
        return {key._replace(process=""): tally for key, tally in found.items() if tally != Tally()}

    def told(self) -> dict[tuple[str, str], int]:
        """How often the endpoint said each outcome, by kind and outcome, if ever."""
        rows = [row for row in scrape(self.registry) if row.labels["__name__"] == "earlystop_evaluator_votes_total"]
        return {(row.labels["kind"], row.labels["outcome"]): int(row.value) for row in rows if row.value}


def receipt(variant: str = "candidate", arrived: float = START, *, is_scored: bool = False, **changes: object) -> str:
    """The receipt of an answer."""
    return RECEIPTS.issue(assignment(variant, **changes), arrived, is_scored=is_scored)


def series(told: Assignment) -> SeriesKey:
    """The series in which an answer counts."""
    return SeriesKey(told.step, told.variant, told.query_class, "")


@contextmanager
def taking(
    path: Path | None = None,
    rules: FeedbackRules = RULES,
    *,
    now: float = START,
    most: int = 1000,
) -> Iterator[Taking]:
    """An endpoint's process that starts at this Unix second, with this file of votes."""
    clock, registry = Clock(), CollectorRegistry()
    clock.now = now
    telemetry = Telemetry(registry)
    exporter = Exporter(registry, demands_token=False, policies=rules.policies, serves_requests=False)
    with open_vote_store(path, now, most) as store:
        yield Taking(Intake(RECEIPTS, rules, store, exporter, telemetry, clock), registry, clock, telemetry)


@asynccontextmanager
async def served(process: Taking) -> AsyncIterator[tuple[aiohttp.ClientSession, int]]:
    """A client of the endpoint over real HTTP, and its port; labels need `LABEL_KEY`."""
    runner = Endpoint(process.intake, process.telemetry, (LABEL_KEY,)).runner()
    async with listening(runner, "127.0.0.1", 0) as url, aiohttp.ClientSession(url) as client:
        yield client, URL(url).port or 0
