"""Golden questions of which answers are missing, through the engine that decides.

The baseline is right in 85 % of what it answers, on 6 % of the questions whose answers both come just one variant is
right, and the candidate saves a third of the tokens. A missing answer is one that failed or could not be scored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log

import numpy as np

from earlystop.api.counts import Look, PairAnswers, Pairs, Tally
from earlystop.evidence import engine
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.objective import Basis, Objective, Unscored
from earlystop.evidence.version import FIFTH

MARGIN, RISK, EXACT, DIFFERING = 0.02, 0.05, 0.85, 0.06
SIZE, LOOKS, LOOKS_HELD = 50, 400, 60
TOKENS = (300, 200)
PAIRED = Objective(
    margin=MARGIN,
    minimum_saving=0.0,
    risk_promote=RISK,
    risk_harm=RISK,
    basis=Basis.PAIRS,
    source=DispersionSource.BY_DESIGN,
)


@dataclass(frozen=True, slots=True)
class Missing:
    """Shares of answers that are missing: of the baseline's and of the candidate's, whichever, and of the candidate's
    wrong ones besides. is_told: whether the evaluator says whose are."""

    baseline: float = 0.0
    candidate: float = 0.0
    hidden: float = 0.0
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class Campaigns:
    """Shares of campaigns that were promoted, rolled back, and in which a promotion that was proven was held by the
    comparison of what is missing, or waited for the pairs that lack no answer; questions that each took on average."""

    promoted: float
    rolled_back: float
    held: float
    waited: float
    questions: float


def pairs_of(rng: np.random.Generator, number: int, loss: float, missing: Missing) -> Tally:
    """What so many questions count. loss: of Exact Match, where both answers come."""
    differing = max(DIFFERING, abs(loss))
    lost, won = (differing + loss) / 2, (differing - loss) / 2
    outcome = rng.choice(4, number, p=(EXACT - lost, lost, won, 1 - EXACT - won))
    baseline, candidate = outcome < 2, outcome % 2 == 0
    no_baseline = rng.random(number) < missing.baseline
    no_candidate = (rng.random(number) < missing.candidate) | (~candidate & (rng.random(number) < missing.hidden))
    asked = ~(no_baseline & no_candidate)
    right_b, right_c = baseline & ~no_baseline, candidate & ~no_candidate
    cells = [(right_b & right_c), (right_b & ~right_c), (~right_b & right_c), (~right_b & ~right_c)]
    only_b, only_c = asked & no_baseline, asked & no_candidate
    told = [asked & ~only_b & ~only_c, only_b & right_c, only_b & ~right_c, only_c & right_b, only_c & ~right_b]
    pairs = Pairs(*(int((each & asked).sum()) for each in cells))
    answers = PairAnswers(*(int(each.sum()) for each in told)) if missing.is_told else PairAnswers()
    return Tally(
        **{f"pairs_{name}": count for name, count in pairs._asdict().items()},
        **{f"pairs_{name}": count for name, count in answers._asdict().items()},
    )


def look_of(rng: np.random.Generator, number: int, loss: float, missing: Missing) -> Look:
    """One look at `SIZE` questions."""
    counted = pairs_of(rng, SIZE, loss, missing)
    lengths = [{"completed": SIZE, "tokens": SIZE * mean, "tokens_squared": SIZE * mean**2} for mean in TOKENS]
    return Look(15 * number, 0, 50, Tally(**lengths[0]), replace(counted, **lengths[1]))


def campaigns(objective: Objective, missing: Missing, loss: float, runs: int, seed: int) -> Campaigns:
    """Campaigns of looks of `SIZE` questions, each until its verdict or `LOOKS` looks."""
    found, questions = np.zeros(4), []
    needed, harm_needed = -log(objective.risk_promote), -log(objective.harm_risks.exact_match)
    for run in range(runs):
        rng, state = np.random.default_rng([seed, run]), engine.begin(objective)
        promoted = rolled_back = was_held = waited = False
        shown_for = 0
        for number in range(1, LOOKS + 1):
            state = engine.update(state, look_of(rng, number, loss, missing))
            promote, harm = state.quality.deciding(objective.basis)
            proven, rolled_back = promote.log_e_max >= needed, harm.log_e_max >= harm_needed
            shown = state.missing.shown(objective.risk_attrition)
            shown_for += bool(shown)
            rests = state.pair_attrition.rests_on_missing(objective.risk_promote)
            is_held = bool(shown or state.missing.suspected)
            was_held, waited = was_held or (proven and is_held), waited or (proven and rests)
            promoted = proven and not is_held and not rests and not rolled_back
            # An alarm lasts, so only harm may follow it.
            if promoted or rolled_back or shown_for >= LOOKS_HELD:
                break
        found += promoted, rolled_back, was_held, waited
        questions.append(number * SIZE)
    promotions, rollbacks, holds, waits = (float(each) for each in found / runs)
    return Campaigns(promotions, rollbacks, holds, waits, float(np.mean(questions)))


def losing_kinds() -> Iterator[tuple[str, Objective, Missing, float]]:
    """Kind, what is to be proven, what is missing, and the loss of what both answer: the margin, or more."""
    for baseline, loss in ((0.30, 0.10), (0.10, 0.05), (0.05, 0.05), (0.05, 0.03), (0.03, 0.03)):
        name = f"{baseline:.0%} of the baseline's missing, {loss:.0%} lost of the others"
        yield name, PAIRED, Missing(baseline=baseline), loss
    for unscored in Unscored:
        objective = replace(PAIRED, unscored=unscored)
        yield f"{unscored}: 5% of both missing, the margin lost", objective, Missing(0.05, 0.05), MARGIN
        yield f"{unscored}: 5% of both missing, twice the margin lost", objective, Missing(0.05, 0.05), 2 * MARGIN
        some_wrong = Missing(baseline=0.05, hidden=0.33)
        yield f"{unscored}: 5% of the baseline's, and of the candidate's wrong ones", objective, some_wrong, 2 * MARGIN
        yield f"{unscored}: 60% of the candidate's wrong ones", objective, Missing(hidden=0.6), 2 * MARGIN


def harmless_kinds() -> Iterator[tuple[str, Objective, Missing, float]]:
    """As much is missing of both variants, and nothing is lost."""
    for unscored in Unscored:
        for share in (0.0, 0.01, 0.05, 0.1):
            objective = replace(PAIRED, unscored=unscored)
            yield f"{unscored}: {share:.0%} of both missing", objective, Missing(share, share), 0.0


def main(runs: int) -> None:
    """Prints each kind, and the first ones as the version before had them."""
    rows = [*losing_kinds(), *harmless_kinds()]
    before = [(f"version {FIFTH}: {row[0]}", replace(row[1], engine=FIFTH), row[2], row[3]) for row in rows]
    for number, (name, objective, missing, loss) in enumerate([*before[:5], *rows]):
        found = campaigns(objective, missing, loss, runs, 100 + number)
        print(
            f"{name}: promoted {found.promoted:.1%}, rolled back {found.rolled_back:.1%}, "
            f"held {found.held:.1%}, waited {found.waited:.1%}, questions {found.questions:.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main(40)
