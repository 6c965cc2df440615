"""A million requests, servers and operators that restart: the books hold what was counted, to the token."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from earlystop.api.counts import Tally, Variant
from earlystop.api.status.policy import PolicyStatus
from earlystop.controller.counts.part_reading import Result
from earlystop.metrics.convention.ledger import SeriesKey
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_ledger import AnyRequest
from earlystop.rollout.stored.savings_codec import restore_savings
from tests.turns import Turns
from tests.unit.controller.embedded_world import Counts, World
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.traffic import Quality

REQUESTS = 1_000_000
A_LOOK, QUESTIONS_A_LOOK, RESTART_OF_SERVER, RESTART_OF_OPERATOR = 20_000, 10, 0.2, 0.2
MEAN_TOKENS = {Variant.BASELINE: 600, Variant.CANDIDATE: 400}


class Fleet(Counts):
    """Servers that answer real numbers of requests of random lengths, and restart under another name.

    served: requests and tokens of users by revision, step and variant, as the servers know them, up to the last look.
    golden: tokens of golden questions, which an evaluator asks of both variants and counts.
    """

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(Quality())
        self.world = world
        self.random = np.random.default_rng(seed)
        self.series: dict[str, dict[SeriesKey, Tally]] = {}
        self.until: dict[str, int] = {}
        self.served: dict[tuple[str, int, Variant], tuple[int, int]] = {}
        self.processes = 0
        self.golden = 0

    async def read(self, source: str, request: AnyRequest, at: int) -> Result:
        """The counters at a moment; nothing new has come for one that is read again."""
        state = self.world.tracked.state
        series = self.series.setdefault(state.revision, {})
        if at > self.until.get(state.revision, NOW):
            self.until[state.revision] = at
            self.processes += int(self.random.random() < RESTART_OF_SERVER)
            weight = state.pinned_plan.stage(state.step).weight
            of_candidate = int(self.random.binomial(A_LOOK, weight / 100))
            shares = {Variant.BASELINE: A_LOOK - of_candidate, Variant.CANDIDATE: of_candidate}
            for variant, requests in shares.items():
                self._serve(series, state.revision, state.step, variant, requests)
                if weight:
                    self._ask_golden(series, state.step, variant)
        return Reading(at, dict(series), float(at), 0)

    def _ask_golden(self, series: dict[SeriesKey, Tally], step: int, variant: Variant) -> None:
        """Golden questions are much longer than users', and no server counts that they began."""
        tokens = int(self.random.integers(2_000, 3_000, size=QUESTIONS_A_LOOK).sum())
        key = SeriesKey(step, variant, "qa", f"evaluator{self.processes}")
        counts = {"match": QUESTIONS_A_LOOK - 2, "mismatch": 2, "tokens": tokens, "tokens_squared": tokens * 2_500}
        new = Tally(completed=QUESTIONS_A_LOOK, **counts)
        series[key] = series.get(key, Tally()) + new
        self.golden += tokens

    def _serve(self, series: dict[SeriesKey, Tally], revision: str, step: int, variant: Variant, requests: int) -> None:
        lengths = self.random.integers(1, 2 * MEAN_TOKENS[variant], size=requests)
        match = int(self.random.binomial(requests, 0.8))
        tokens, squares = int(lengths.sum()), int((lengths**2).sum())
        key = SeriesKey(step, variant, "qa", f"p{self.processes}")
        new = Tally(requests, requests, 0, match, requests - match, 0, tokens, squares)
        series[key] = series.get(key, Tally()) + new
        before = self.served.get((revision, step, variant), (0, 0))
        self.served[revision, step, variant] = before[0] + requests, before[1] + tokens


@pytest.mark.slow
async def test_books_balance_to_the_token_over_a_million_requests_campaigns_and_restarts() -> None:
    world, random = World(Quality()), np.random.default_rng(17)
    fleet = Fleet(world, seed=16)
    world.counts = fleet
    campaigns = restarts = 0
    async with world.open():
        turns = Turns()
        while sum(requests for requests, _ in fleet.served.values()) < REQUESTS and turns.another():
            await world.reconcile_until("Promoted")
            campaigns += 1
            world.edit(annotations={"earlystop.dev/retry": str(campaigns)})
            for _ in range(20):
                await world.reconcile()
                if random.random() < RESTART_OF_OPERATOR:
                    restarts += 1
                    world.restart()
        await world.reconcile_until("Promoted")
    assert campaigns > 3 and restarts > 3 and fleet.processes > 3
    _books_hold_what_was_served(world.status, fleet)


def _books_hold_what_was_served(status: dict[str, Any], fleet: Fleet) -> None:
    """The status, the servers and arithmetic by hand say the same, to the token."""
    told = status["savings"]
    assert told["requests"] == sum(requests for requests, _ in fleet.served.values()) >= REQUESTS
    of_users = sum(tokens for _, tokens in fleet.served.values())
    assert told["tokens"] == of_users + fleet.golden
    assert (told["goldenTokens"], told["shadowTokens"], told["lostTokens"]) == (fleet.golden, 0, 0)
    without = 0
    for revision, step in {(revision, step) for revision, step, _ in fleet.served}:
        baseline, tokens = fleet.served[revision, step, Variant.BASELINE]
        candidate, _ = fleet.served[revision, step, Variant.CANDIDATE]
        without += round((baseline + candidate) * tokens / baseline)
    assert told["savedTokens"] == without - of_users
    ledger = restore_savings(PolicyStatus.model_validate(status).savings)
    assert ledger is not None
    assert ledger.sums.without == ledger.sums.tokens - ledger.sums.golden + ledger.sums.saved == without
    # And the truth behind it: each of the candidate's requests saves 200 tokens on average.
    candidates = sum(requests for (_, _, variant), (requests, _) in fleet.served.items() if variant == "candidate")
    assert abs(told["savedTokens"] - 200 * candidates) < 0.02 * 200 * candidates
