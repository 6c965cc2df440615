"""How often the map from query classes to settings is right, and how many requests it takes: `make bench-classes`.

Six classes and eight settings with a known truth, in which no setting is safe because a bolder one is. Each class's
requests are drawn with settings judged in shadow, all on the same requests, as one campaign does; beside it a separate
ladder for each class, which ends with the first setting that fails, once in shadow and once on live answers, half of
them the baseline's. Requests are those of each class until it is settled, added up over classes; the stream is as long
as its rarest class needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean, median

import numpy as np
from rich.console import Console
from rich.table import Table

from earlystop.api.counts import Look, Tally
from earlystop.evidence import class_map
from earlystop.evidence.assessment import Verdict
from earlystop.evidence.engine import EvidenceState, begin, update
from earlystop.evidence.objective import Basis, Objective

RUNS = 200
MARGIN, MINIMUM_SAVING, RISK = 0.03, 0.05, 0.05
SAVINGS = (0.12, 0.21, 0.30, 0.39, 0.48, 0.57, 0.66, 0.75)
REQUESTS_A_LOOK = 50
MOST_REQUESTS, MOST_AT_THE_EDGE = 12_000, 3000
DISAGREEING = 0.04
"""Share of requests on which a harmless setting and the baseline answer differently."""

IN_SHADOW = Objective(
    margin=MARGIN,
    minimum_saving=MINIMUM_SAVING,
    risk_promote=RISK,
    risk_harm=RISK,
    basis=Basis.PAIRS,
    split_known=False,
    has_own_requests=False,
)
LIVE = replace(IN_SHADOW, basis=Basis.ANSWERS, split_known=True, has_own_requests=True)


@dataclass(frozen=True, slots=True)
class QueryClass:
    """A class with a known truth. share: of all requests, 0..1. losses: of Exact Match at each setting, in margins.
    exact_match: of the baseline."""

    name: str
    share: float
    exact_match: float
    losses: tuple[float, ...]

    @property
    def best(self) -> int | None:
        """The boldest setting that loses less than the margin, None where none does."""
        return max((index for index, loss in enumerate(self.losses) if loss < 1), default=None)


CLASSES = (
    QueryClass("lookup", 0.30, 0.85, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.2)),
    QueryClass("dates", 0.22, 0.80, (0.0, 0.0, 0.0, 0.0, 0.1, 0.2, 2.5, 4.0)),
    QueryClass("arithmetic", 0.18, 0.70, (0.0, 0.0, 0.1, 0.2, 2.5, 3.5, 5.0, 7.0)),
    QueryClass("several steps", 0.12, 0.60, (0.0, 0.2, 2.5, 4.0, 6.0, 8.0, 9.0, 10.0)),
    QueryClass("valley", 0.10, 0.75, (0.0, 0.2, 2.5, 3.0, 2.5, 0.1, 0.2, 4.0)),
    QueryClass("proofs", 0.08, 0.50, (2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 9.0, 10.0)),
)

AT_THE_EDGE = tuple(replace(each, losses=tuple(1.05 if loss > 1 else loss for loss in each.losses)) for each in CLASSES)
"""The same classes with every harmful setting just beyond the margin, where a false proof is likeliest."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for one class: the setting, None for the baseline; and after how many of its requests."""

    setting: int | None
    requests: int

    def is_right(self, of: QueryClass) -> bool:
        """Whether it is the best setting that keeps the margin."""
        return self.setting == of.best

    def violates(self, of: QueryClass) -> bool:
        """Whether the class got a setting that loses more than the margin."""
        return self.setting is not None and of.losses[self.setting] > 1


def by_map(of: QueryClass, rng: np.random.Generator, most: int = MOST_REQUESTS) -> Found:
    """The class's entry of the map: all settings are judged on each request. most: requests of the class."""
    family, requests = class_map.start(IN_SHADOW, len(SAVINGS)), 0
    while requests < most and not class_map.is_settled(family):
        requests += REQUESTS_A_LOOK
        looks = shadow_looks(of, range(len(SAVINGS)), requests, rng)
        family = class_map.after_looks(family, looks, requests, RISK)
    return Found(class_map.best(family), requests)


def by_ladder(of: QueryClass, rng: np.random.Generator, *, live: bool) -> Found:
    """The same by one setting after the other, from the most careful one until one fails, each with requests of its own
    and at half the risk, as long as none has failed before."""
    certified, requests = None, 0
    for setting in range(len(SAVINGS)):
        state, spent = begin(replace(LIVE if live else IN_SHADOW, risk_promote=RISK / 2)), 0
        while spent < MOST_REQUESTS and state.assessment.verdict is Verdict.CONTINUE:
            spent += 2 * REQUESTS_A_LOOK if live else REQUESTS_A_LOOK
            state = _after_look(state, of, setting, spent, rng, live=live)
        requests += spent
        if state.assessment.verdict is not Verdict.PROMOTE:
            break
        certified = setting
    return Found(certified, requests)


def _after_look(
    state: EvidenceState, of: QueryClass, rung: int, at: int, rng: np.random.Generator, *, live: bool
) -> EvidenceState:
    if not live:
        return update(state, shadow_looks(of, [rung], at, rng)[0])
    baseline, candidate = _answers(of, None, rng), _answers(of, rung, rng)
    return update(state, Look(at, 0, 50, baseline, candidate))


def shadow_looks(of: QueryClass, settings: Sequence[int], at: int, rng: np.random.Generator) -> list[Look]:
    """One look at each setting, all on the same requests of the class."""
    n, rate = REQUESTS_A_LOOK, of.exact_match
    right, drawn = rng.random(n) < rate, rng.random(n)
    lengths = _lengths(rng)
    baseline = _tally(right, lengths)
    looks = []
    for setting in settings:
        loss = of.losses[setting] * MARGIN
        # A right answer turns wrong, or a wrong one right, so that the difference of the rates is the loss.
        spoilt, improved = loss + DISAGREEING / 2, DISAGREEING / 2
        answers = np.where(right, drawn >= spoilt / rate, drawn < improved / (1 - rate))
        both, neither = int((right & answers).sum()), int((~right & ~answers).sum())
        lost, won = int((right & ~answers).sum()), int((~right & answers).sum())
        pairs = Tally(pairs_both=both, pairs_baseline_only=lost, pairs_candidate_only=won, pairs_neither=neither)
        shorter = _shortened(lengths, setting, rng)
        looks.append(Look(at, 0, 50, baseline, _tally(answers, shorter) + pairs))
    return looks


def _answers(of: QueryClass, setting: int | None, rng: np.random.Generator) -> Tally:
    """Live answers of the class at a setting, of the baseline where it is None."""
    loss = 0.0 if setting is None else of.losses[setting] * MARGIN
    lengths = _lengths(rng)
    lengths = lengths if setting is None else _shortened(lengths, setting, rng)
    return _tally(rng.random(REQUESTS_A_LOOK) < of.exact_match - loss, lengths)


def _lengths(rng: np.random.Generator) -> np.ndarray:
    return np.ceil(rng.lognormal(5.5, 0.5, REQUESTS_A_LOOK)).astype(int)


def _shortened(lengths: np.ndarray, setting: int, rng: np.random.Generator) -> np.ndarray:
    shorter: np.ndarray = np.ceil(lengths * (1 - SAVINGS[setting]) * rng.uniform(0.9, 1.1, len(lengths))).astype(int)
    return shorter


def _tally(right: np.ndarray, lengths: np.ndarray) -> Tally:
    n, match = len(lengths), int(right.sum())
    return Tally(
        started=n,
        completed=n,
        match=match,
        mismatch=n - match,
        tokens=int(lengths.sum()),
        tokens_squared=int((lengths**2).sum()),
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of many runs. right: share of runs whose whole map is right. violated: the largest share of runs, over
    classes, in which a class got a setting that loses more than its margin. requests: mean, of all classes together.
    stream: median length of a stream in which every class has been settled."""

    right: float
    violated: float
    requests: float
    stream: float


def figures(runs: Sequence[Sequence[Found]], classes: Sequence[QueryClass]) -> Figures:
    """The figures of runs, each with what was found for every class."""
    rows = [list(zip(run, classes, strict=True)) for run in runs]
    return Figures(
        right=mean(all(found.is_right(of) for found, of in row) for row in rows),
        violated=max(mean(row[index][0].violates(row[index][1]) for row in rows) for index in range(len(classes))),
        requests=mean(sum(found.requests for found in run) for run in runs),
        stream=median(max(found.requests / of.share for found, of in row) for row in rows),
    )


def map_runs(classes: Sequence[QueryClass], seeds: range, most: int = MOST_REQUESTS) -> list[list[Found]]:
    """One run for each seed of the map. most: requests of a class after which it is given up."""
    return [
        [by_map(each, np.random.default_rng([seed, place]), most) for place, each in enumerate(classes)]
        for seed in seeds
    ]


def ladder_runs(classes: Sequence[QueryClass], seeds: range, *, live: bool) -> list[list[Found]]:
    """One run for each seed of separate ladders."""
    return [
        [by_ladder(each, np.random.default_rng([seed, place, 1]), live=live) for place, each in enumerate(classes)]
        for seed in seeds
    ]


def main() -> None:
    """Print the table."""
    table = Table(title=f"{len(CLASSES)} classes x {len(SAVINGS)} settings, margin {MARGIN}, {RUNS} runs a row")
    for column in ("way", "map is right", "worst class violated", "requests of all classes", "median stream"):
        table.add_column(column, justify="right")
    some = range(RUNS // 5)
    for way, found, classes in (
        ("class map, one stream in shadow", map_runs(CLASSES, range(RUNS)), CLASSES),
        (
            f"the same, harm just beyond the margin, {len(some)} runs",
            map_runs(AT_THE_EDGE, some, MOST_AT_THE_EDGE),
            AT_THE_EDGE,
        ),
        ("separate ladders in shadow", ladder_runs(CLASSES, range(RUNS), live=False), CLASSES),
        (f"separate ladders on live answers, {len(some)} runs", ladder_runs(CLASSES, some, live=True), CLASSES),
    ):
        each = figures(found, classes)
        table.add_row(way, f"{each.right:.1%}", f"{each.violated:.1%}", f"{each.requests:,.0f}", f"{each.stream:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
