"""Answers that are missing, through the engine that decides: no wrong answer that vanishes passes for a good one.

A way to be silent takes a share of the wrong answers of an arm, or the same share of all answers of both. The baseline
is right in 85 % of its answers, and the candidate saves a third of the tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log

import numpy as np
from scipy.optimize import minimize_scalar

from earlystop.api.counts import Look, Tally
from earlystop.evidence import engine
from earlystop.evidence.attrition import Silence
from earlystop.evidence.objective import Objective, Unscored

MARGIN, RISK, EXACT = 0.02, 0.05, 0.85
SIZE, LOOKS, LOOKS_HELD = 400, 150, 40
TOKENS = (300, 200)
PLAIN = Objective(margin=MARGIN, minimum_saving=0.1, risk_promote=RISK, risk_harm=RISK)


@dataclass(frozen=True, slots=True)
class Silent:
    """What is missing. way: of being silent; hidden: share of the candidate's wrong answers; equal: share of all
    answers of both arms."""

    way: Silence = Silence.UNSCORED
    hidden: float = 0.0
    equal: float = 0.0


@dataclass(frozen=True, slots=True)
class Campaigns:
    """Shares of campaigns that were promoted, rolled back, and held by the check; looks that each took on average."""

    promoted: float
    rolled_back: float
    held: float
    looks: float
    runs: int


def tally(rng: np.random.Generator, requests: int, exact: float, tokens: int, silent: Silent, hidden: float) -> Tally:
    """What one arm counts in a look."""
    right = int(rng.binomial(requests, exact))
    wrong = requests - right
    right_gone, wrong_gone = (int(rng.binomial(each, silent.equal)) for each in (right, wrong))
    wrong_gone += int(rng.binomial(wrong - wrong_gone, hidden))
    gone = right_gone + wrong_gone
    ended = requests if silent.way in (Silence.UNSCORED, Silence.NOT_TRIED) else requests - gone
    return Tally(
        started=requests,
        completed=ended,
        failed=gone if silent.way is Silence.FAILED else 0,
        match=right - right_gone,
        mismatch=wrong - wrong_gone,
        unscored=gone if silent.way is Silence.UNSCORED else 0,
        tokens=tokens * ended,
        tokens_squared=tokens**2 * ended,
    )


def campaigns(objective: Objective, silent: Silent, loss: float, runs: int, seed: int) -> Campaigns:
    """Campaigns at an even split, each until its verdict or `LOOKS` looks. loss: of all requests' Exact Match."""
    found = np.zeros(3)
    looks = []
    needed, harm_needed = -log(objective.risk_promote), -log(objective.harm_risks.exact_match)
    for run in range(runs):
        rng, state, number = np.random.default_rng([seed, run]), engine.begin(objective), 0
        promoted = rolled_back = False
        held = False
        # A doubt that lasts holds for good, so only harm may follow it.
        while number < (LOOKS if not held else LOOKS_HELD) and not promoted and not rolled_back:
            candidates = int(rng.binomial(SIZE, 0.5))
            baseline = tally(rng, SIZE - candidates, EXACT, TOKENS[0], silent, 0.0)
            candidate = tally(rng, candidates, EXACT - loss, TOKENS[1], silent, silent.hidden)
            number += 1
            state = engine.update(state, Look(15 * number, 0, 50, baseline, candidate))
            promote, harm = state.quality.deciding(objective.basis)
            rolled_back = harm.log_e_max >= harm_needed
            proven = promote.log_e_max >= needed and state.tokens.log_e_max >= needed
            held = bool(state.attrition.shown(objective.risk_attrition))
            promoted = proven and not rolled_back and not held and not state.attrition.suspected
        found += promoted, rolled_back, held
        looks.append(number)
    promoted_share, rolled_back_share, held_share = (float(each) for each in found / runs)
    return Campaigns(promoted_share, rolled_back_share, held_share, float(np.mean(looks)), runs)


def hidden_kinds(loss: float = 2 * MARGIN) -> Iterator[tuple[str, Objective, Silent, float]]:
    """A candidate that loses so much, and whose wrong answers vanish in part."""
    for unscored in Unscored:
        for way in Silence:
            for hidden in (0.1, 0.25, 0.5):
                name = f"{unscored}: {hidden:.0%} of its wrong answers {way.replace('_', ' ')}"
                yield name, replace(PLAIN, unscored=unscored), Silent(way, hidden), loss


def border_kinds() -> Iterator[tuple[str, Objective, Silent, float]]:
    """Equal shares missing on both sides, and a loss of just the margin over the answers that are judged: all that were
    tried where unscored ones count as mismatches, and those with a score else. Failed requests are no answers, so as
    much is lost over the others."""
    for unscored in Unscored:
        for way in (Silence.UNSCORED, Silence.FAILED):
            for equal in (0.0, 0.02, 0.05, 0.1):
                are_wrong = way is Silence.UNSCORED and unscored is Unscored.COUNT_AS_MISMATCH
                scored = 1 - equal if are_wrong else 1.0
                name = f"{unscored}: {equal:.0%} of both variants {way.replace('_', ' ')}"
                yield name, replace(PLAIN, unscored=unscored), Silent(way, equal=equal), MARGIN / scored


def least_cost(share: float) -> float:
    """Requests that any test needs which takes answers that could not be scored for wrong ones, so many of both arms,
    over those with nothing missing.

    The evidence of a request against a rate of right answers is at most its Kullback-Leibler divergence from the
    nearest rates at the border of the margin (Wald, 1945), and what the other answers are says nothing of that rate.
    """

    def nats(exact: float) -> float:
        def divergence(rate: float) -> float:
            return exact * log(exact / rate) + (1 - exact) * log((1 - exact) / (1 - rate))

        nearest = minimize_scalar(
            lambda rate: divergence(rate) + divergence(rate - MARGIN), bounds=(exact, exact + MARGIN), method="bounded"
        )
        return float(nearest.fun)

    return nats(EXACT) / nats(EXACT * (1 - share))


def cost_rows(runs: int, seed: int) -> Iterator[tuple[str, float, float, float | None]]:
    """Kind; requests until a promotion of a candidate that loses nothing, over those with nothing missing; over the
    same with no check on what is missing; and the least that any such test needs, where unscored answers are wrong."""
    whole = campaigns(PLAIN, Silent(), 0.0, runs, seed).looks
    for unscored in Unscored:
        for equal in (0.0, 0.01, 0.02, 0.05, 0.1):
            objective = replace(PLAIN, unscored=unscored)
            found = campaigns(objective, Silent(equal=equal), 0.0, runs, seed)
            unchecked = campaigns(replace(objective, has_own_requests=False), Silent(equal=equal), 0.0, runs, seed)
            least = least_cost(equal) if unscored is Unscored.COUNT_AS_MISMATCH else None
            yield f"{unscored}: {equal:.0%} of both unscored", found.looks / whole, found.looks / unchecked.looks, least
