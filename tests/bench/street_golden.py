"""Golden questions and chains of promotions, through the kernel: an error is one about the population, or about all
promotions since the pinned baseline together."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from earlystop.api.counts import Pairs, Tally
from earlystop.api.policy import PolicySpec
from earlystop.evaluator.dealing import Deals, EachOnce, WithReplacement
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.rollout.baseline_use import refusal_of_baseline
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.state import Phase, RolloutState, Totals, Verdict
from earlystop.rollout.transitions import carried_out, weights_in_force

MARGIN, DISCORDANCE = 0.02, 0.06
FILES = (50, 200, 1000, 5000)
PAIRS_A_LOOK, MOST_LOOKS = 50, 400
QUESTIONS = tuple(GoldenQuestion(f"question {number}", ("yes",)) for number in range(max(FILES)))
TOKENS = (600, 300)
UID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"

Serve = Callable[[RolloutState], Pairs]
"""New pairs between two looks."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a campaign ended: its state, and the pairs that were served."""

    state: RolloutState
    pairs: int

    def is_a(self, verdict: Verdict) -> bool:
        """Whether it ended with this verdict."""
        return self.state.decision is not None and self.state.decision.verdict is verdict


def policy_of(
    questions: dict[str, object] | None, baseline: int = 40, candidate: int = 20, promotions: int | None = None
) -> PolicySpec:
    """A policy that is judged on pairs. promotions: that share the margin against a pinned 40, None for none."""
    pinned = {} if promotions is None else {"pinned": {"values": [_window(40)], "promotions": promotions}}
    return PolicySpec.model_validate(
        {
            "targetRef": {"kind": "Deployment", "name": "qa"},
            "parameters": [
                {"name": "window", "type": "Integer", "minimum": "1", "maximum": "40", "stopsSooner": "WhenLower"}
            ],
            "baseline": {"values": [_window(baseline)], **pinned},
            "candidates": [{"name": "sooner", "values": [_window(candidate)]}],
            "delivery": {"mode": "GatewayHeader", "gatewayHeader": {"routeRef": {"name": "qa"}}},
            "rollout": {"steps": [{"weight": 50}], "lookSeconds": 15, "deadlineSeconds": 30 * 86400},
            "metrics": {"sourceRef": {"name": "default"}},
            "objective": {
                "exactMatch": {
                    "margin": str(MARGIN),
                    "evidence": "Pairs",
                    **({"questions": questions} if questions else {}),
                },
                "tokens": {"minimumSaving": "0.10"},
            },
        }
    )


def _window(value: int) -> dict[str, str]:
    return {"name": "window", "value": str(value)}


def campaign(spec: PolicySpec, before: RolloutState, serve: Serve, most_looks: int) -> Outcome | None:
    """One campaign from its start to a decision, or to its last look; None where none begins."""
    state = start_campaign(spec, "", before, 0, CampaignInputs(uid=UID, entropy=""))
    if state is before:
        return None
    times, served, counted = LiveTimes.of(spec), Totals(), 0
    state = weights_in_force(state, 0)
    for _ in range(most_looks + 1):
        at = next_look(times, state)
        assert at is not None  # it is watched until it is decided
        state = take_look(times, state, at, served)
        if state.decision is not None:
            break
        new = serve(state)
        counted += new.total
        served = Totals(served.baseline + _tally(new, Pairs(), 0), served.candidate + _tally(new, new, 1))
    return Outcome(state, counted)


def _tally(new: Pairs, pairs: Pairs, arm: int) -> Tally:
    tokens, count = TOKENS[arm], new.total
    columns = dict(zip((f"pairs_{name}" for name in Pairs._fields), pairs, strict=True))
    return Tally(
        started=count,
        completed=count,
        tokens=count * tokens,
        tokens_squared=count * tokens * tokens * 5 // 4,
        **columns,
    )


def drawn_pairs(rng: np.random.Generator, count: int, loss: float) -> Pairs:
    """Pairs of independent questions of a population in which the candidate loses so much."""
    shares = (DISCORDANCE / 2 + loss / 2, DISCORDANCE / 2 - loss / 2)
    both, baseline, candidate, neither = rng.multinomial(count, (0.74, *shares, 0.26 - DISCORDANCE)).tolist()
    return Pairs(both, baseline, candidate, neither)


def golden_outcomes(
    size: int, runs: int, seed: int, *, repeat: bool, questions: dict[str, object]
) -> Iterator[Outcome]:
    """Campaigns on files of so many questions drawn from a population that loses just the margin, by the evaluator's
    own dealing; each question always has the same answers.

    repeat: as the evaluator's option. Without it a campaign gets no more pairs than there are questions.
    """
    spec, rng, order = policy_of(questions), np.random.default_rng([seed, size]), random.Random(seed * 7919 + size)
    shares = (DISCORDANCE / 2 + MARGIN / 2, DISCORDANCE / 2 - MARGIN / 2)
    own = QUESTIONS[:size]
    index = {each.question: number for number, each in enumerate(own)}
    for _ in range(runs):
        kinds = rng.choice(4, size, p=(0.74, *shares, 0.26 - DISCORDANCE)).tolist()
        deals: Deals = WithReplacement(own, order) if repeat else EachOnce(own, order)

        def serve(state: RolloutState, deals: Deals = deals, kinds: list[int] = kinds) -> Pairs:
            counted = [0, 0, 0, 0]
            for _ in range(PAIRS_A_LOOK):
                question = deals.draw()
                deals.close(question)
                if deals.take(question, state.revision):
                    counted[kinds[index[question.question]]] += 1
            return Pairs(*counted)

        looks = MOST_LOOKS if repeat else size // PAIRS_A_LOOK + 1
        found = campaign(spec, RolloutState(), serve, looks)
        assert found is not None  # nothing is pinned
        yield found


def golden_errors(size: int, runs: int, seed: int, *, repeat: bool = False) -> tuple[float, float, float]:
    """Shares of campaigns that promoted, and rolled back, although the population loses just the margin; and of those
    that ended since the questions were used up."""
    questions: dict[str, object] = {"about": "File"} if repeat else {"about": "Population", "number": size}
    found = list(golden_outcomes(size, runs, seed, repeat=repeat, questions=questions))
    shares = [sum(each.is_a(verdict) for each in found) / runs for verdict in Verdict]
    by_verdict = dict(zip(Verdict, shares, strict=True))
    return by_verdict[Verdict.PROMOTE], by_verdict[Verdict.ROLL_BACK], by_verdict[Verdict.INCONCLUSIVE]


@dataclass(frozen=True, slots=True)
class Chain:
    """Promotions one after the other, each committed as the next baseline. losses: of each candidate against the
    baseline in use."""

    kind: str
    losses: tuple[float, ...]


CHAINS = (
    Chain("2 promotions, each loses two thirds of the margin", (0.0133, 0.0133)),
    Chain("2 promotions, each loses half of the margin", (0.01, 0.01)),
    Chain("2 promotions, nothing and then the margin", (0.0, MARGIN)),
    Chain("5 promotions, each loses a fifth of the margin", (MARGIN / 5,) * 5),
    Chain("10 promotions, each loses a quarter of the margin", (MARGIN / 4,) * 10),
)


def chain_errors(chain: Chain, runs: int, seed: int, *, pinned: bool = True, looks: int = 300) -> tuple[float, float]:
    """Share of chains after which the setting in force has lost the margin or more against the first one; and of those
    whose first campaign rolled back a candidate that loses less than it might."""
    rng = np.random.default_rng([seed, len(chain.losses), int(1e4 * chain.losses[-1])])
    count, wrong, rolled_back = len(chain.losses), 0, 0
    for _ in range(runs):
        state, lost = RolloutState(), 0.0
        for number, loss in enumerate(chain.losses):
            spec = policy_of(None, 40 - 2 * number, 38 - 2 * number, count if pinned else None)
            if refusal_of_baseline(spec, state.losses) is not None:
                break
            pairs = 4 * PAIRS_A_LOOK * (count if pinned else 1)
            found = campaign(spec, state, lambda _, loss=loss, pairs=pairs: drawn_pairs(rng, pairs, loss), looks)  # type: ignore[misc]
            assert found is not None  # it was not refused
            if not found.is_a(Verdict.PROMOTE):
                may_lose = found.state.pinned_plan.objective.margin
                rolled_back += number == 0 and found.is_a(Verdict.ROLL_BACK) and loss <= may_lose
                break
            state = carried_out(found.state)
            assert state.phase is Phase.PROMOTED
            lost += loss
        wrong += lost >= MARGIN - 1e-9
    return wrong / runs, rolled_back / runs
