"""How seldom a guard reverts a harmless setting, and how soon it reverts a harmful one, against the bound.

Run as `python -m tests.bench.guard [--runs N]`. The margin is 2 points, the baseline's EM .85, 10 % stay on the
baseline, 200 requests a look, and a look a minute. The worst harmless setting loses exactly the margin. The baseline
drifts: its EM goes up and down by 5 points. `tests/bench/test_quick_guard.py` is the quick version.

The bound on the delay of any detector that alarms falsely once in A looks is ln(A) / KL for large A (Lorden, 1971),
with KL the information a look has on the change: how well the nearest pair of harmless rates explains the answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log, sin, sqrt

import typer
from numpy import array, linspace
from numpy.random import Generator, default_rng
from rich.console import Console
from rich.table import Table

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence import guard_detectors
from earlystop.evidence.guard_detectors import Detectors, Factors
from earlystop.evidence.objective import ClassMargin, Guardrail, GuardrailKind, Objective
from tests.bench import culprits

EM, MARGIN, HOLDBACK, SEED = 0.85, 0.02, 0.1, 7
REQUESTS, LOOK_SECONDS, DRIFT, PERIOD = 200, 60, 0.05, 60
BAR = 1.5
"""How many times the bound a delay may be."""
ALONE = Objective(margin=MARGIN, minimum_saving=0.0, risk_promote=0.05, risk_harm=0.05)
WITH_ALL = Objective(
    margin=MARGIN,
    minimum_saving=0.0,
    risk_promote=0.05,
    risk_harm=0.05,
    floor=0.75,
    guardrails=(Guardrail("failures", GuardrailKind.FAILURE_RATE, 1.5),),
    classes=(ClassMargin("hard", MARGIN),),
)
"""Every claim is at its edge at once in the worst harmless setting, so all detectors spend what they share."""
HARD, FAILURES = 0.3, 0.02


@dataclass(frozen=True, slots=True)
class Traffic:
    """Answers of both variants. loss: of EM; ratio: of the candidate's failures to the baseline's. drifts: whether the
    baseline's EM goes up and down. gaps: whether looks come at irregular times, as when servers restart. night: part of
    the day's requests that come at night; then the load swings between both as a sine, and chance is a Poisson's."""

    loss: float
    ratio: float = 1.0
    drifts: bool = False
    gaps: bool = False
    night: float = 1.0

    def look(self, rng: Generator, number: int, at: int, objective: Objective) -> Look:
        """One look, number `number`, at Unix second `at`."""
        rate = EM + DRIFT * sin(number / PERIOD) * self.drifts
        requests = REQUESTS if self.night == 1 else 2 + int(rng.poisson(REQUESTS * self._load(number)))
        n_b = max(1, int(rng.binomial(requests, HOLDBACK)))
        baseline, hard_b = _arm(rng, n_b, rate, FAILURES)
        candidate, hard_c = _arm(rng, requests - n_b, rate - self.loss, FAILURES * self.ratio)
        classes = (ClassAnswers(*hard_b, *hard_c),) if objective.classes else ()
        return Look(at, 1, 90, baseline, candidate, classes)

    def _load(self, number: int) -> float:
        """Part of the day's requests that come before a look."""
        return self.night + (1 - self.night) * (1 + sin(number / PERIOD)) / 2


def _arm(rng: Generator, requests: int, rate: float, failures: float) -> tuple[Tally, tuple[int, int]]:
    """A variant's counts, and right and wrong answers in the hard class."""
    failed = int(rng.binomial(requests, failures))
    scored = requests - failed
    hard = int(rng.binomial(scored, HARD))
    right, rest = int(rng.binomial(hard, rate)), int(rng.binomial(scored - hard, rate))
    match = right + rest
    return Tally(requests, scored, failed, match, scored - match), (right, hard - right)


def looks_until_alarm(
    rng: Generator, traffic: Traffic, objective: Objective, promised: float, most: int, begin: Detectors | None = None
) -> tuple[int, int]:
    """Looks and seconds until an alarm, at most so many looks. promised: mean seconds between false alarms."""
    factors = Factors(guardrails=(1.0,) * len(objective.guardrails))
    detectors, at = begin or guard_detectors.start(objective), 0
    for number in range(1, most + 1):
        seconds = LOOK_SECONDS * (int(rng.geometric(0.5)) if traffic.gaps else 1)
        at += seconds
        look = traffic.look(rng, number, at, objective)
        detectors = guard_detectors.update(detectors, objective, factors, look, seconds, usable=True)
        if guard_detectors.alarms(detectors, objective, promised):
            return number, at
    return most, at


def healthy(rng: Generator, objective: Objective, looks: int) -> Detectors:
    """The detectors after so many looks of a setting that loses nothing."""
    factors = Factors(guardrails=(1.0,) * len(objective.guardrails))
    detectors, traffic = guard_detectors.start(objective), Traffic(0.0, drifts=True)
    for number in range(looks):
        look = traffic.look(rng, number, number, objective)
        detectors = guard_detectors.update(detectors, objective, factors, look, LOOK_SECONDS, usable=True)
    return detectors


def information(loss: float, answered: float = 1 - FAILURES) -> float:
    """KL of a look: the least over all pairs of harmless rates, in nats."""
    n_b, n_c = REQUESTS * HOLDBACK * answered, REQUESTS * (1 - HOLDBACK) * answered
    rates = linspace(MARGIN + 1e-3, 1 - 1e-3, 4000)
    return float(min(n_b * _kl(EM, each) + n_c * _kl(EM - loss, each - MARGIN) for each in rates))


def _kl(true: float, other: float) -> float:
    return true * log(true / other) + (1 - true) * log((1 - true) / (1 - other))


@dataclass(frozen=True, slots=True)
class Row:
    """What is measured. value: mean seconds to a false alarm over those promised, or the delay over its bound; error:
    its standard error. looks: on average. bar: what value must not be below (false alarms) or above (delays)."""

    name: str
    value: float
    error: float
    looks: float
    is_delay: bool
    runs: int

    @property
    def missed(self) -> bool:
        """Whether the bar is missed by more than three standard errors."""
        return self.value > BAR + 3 * self.error if self.is_delay else self.value < 1 - 3 * self.error


def false_alarms(runs: int, promised_looks: int = 100, seed: int = SEED) -> Iterator[Row]:
    """Mean time to a false alarm of the worst harmless setting, cut off at ten times what is promised, which only
    lowers it."""
    promised = float(promised_looks * LOOK_SECONDS)
    for name, objective, traffic in (
        ("Exact Match alone", ALONE, Traffic(MARGIN)),
        ("Exact Match alone, the baseline drifts", ALONE, Traffic(MARGIN, drifts=True)),
        ("the same, and looks are irregular", ALONE, Traffic(MARGIN, drifts=True, gaps=True)),
        ("all claims at their edges, the baseline drifts", WITH_ALL, Traffic(MARGIN, ratio=1.5, drifts=True)),
        ("the same, 40 times as many requests by day", WITH_ALL, Traffic(MARGIN, ratio=1.5, drifts=True, night=0.025)),
    ):
        rng = default_rng(seed)
        times = array(
            [looks_until_alarm(rng, traffic, objective, promised, 10 * promised_looks)[1] for _ in range(runs)]
        )
        error = float(times.std()) / promised / sqrt(runs)
        looks = float(times.mean()) / LOOK_SECONDS
        yield Row(f"false alarms: {name}", float(times.mean()) / promised, error, looks, False, runs)


def delays(runs: int, seed: int = SEED) -> Iterator[Row]:
    """Mean delay after 2,000 looks of health, over its bound, when one false alarm a month is promised."""
    promised = 30 * 86_400.0
    for name, objective in (("Exact Match alone", ALONE), ("with floor, failures and a class", WITH_ALL)):
        rng = default_rng(seed)
        begin = healthy(rng, objective, 2000)
        for loss in (0.04, 0.06, 0.1, 0.2):
            bound = log(promised / LOOK_SECONDS) / information(loss)
            found = array(
                [looks_until_alarm(rng, Traffic(loss), objective, promised, 4000, begin)[0] for _ in range(runs)]
            )
            error = float(found.std()) / bound / sqrt(runs)
            mean = float(found.mean())
            yield Row(f"delay: {name}, {100 * loss:g} points lost", mean / bound, error, mean, True, runs)


def main(runs: int = 1000) -> None:
    """Print the tables, also that of `culprits`, and fail where a bar is missed."""
    table = Table("what", "of the promise, or of the bound", "looks", "runs", "bar")
    rows = [*false_alarms(runs), *delays(max(20, runs // 5))]
    for each in rows:
        bar = f"<= {BAR}" if each.is_delay else ">= 1"
        value = f"{each.value:.2f} +- {each.error:.2f}"
        table.add_row(each.name, value, f"{each.looks:,.1f}", f"{each.runs:,}", bar + " missed" * each.missed)
    Console(width=140).print(table)
    are_named = culprits.shown(max(24, runs // 5))
    if any(each.missed for each in rows) or not are_named:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
