"""Failures in bursts, votes in bursts and requests in clumps that hit one variant, and rates that drift.

Both variants are alike, so each claim of harm, and each alarm, is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log

import numpy as np

from earlystop.evidence import arm_scatter, guardrails, rate_ratio, sample_ratio
from earlystop.evidence.bets import Side
from earlystop.evidence.discount import said
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.divisors import Witnesses, divisors, waits_for_looks
from earlystop.evidence.objective import Guardrail, GuardrailKind, Objective, guardrail_claim
from earlystop.evidence.rate_ratio import Events
from earlystop.evidence.split_scatter import NO_SPLIT
from earlystop.evidence.user_factors import NOBODY_SEEN
from earlystop.evidence.version import CURRENT
from tests.bench.dispersion_paths import Counts, claims, divided
from tests.bench.statistics_paths import Array
from tests.bench.street_sessions import ANSWERS, LOOKS, MARGIN, RATE, RISK

OBJECTIVE = Objective(MARGIN, 0.0, RISK, RISK, source=DispersionSource.LOOKS)

RAILS = (GuardrailKind.FAILURE_RATE, GuardrailKind.NEGATIVE_FEEDBACK)


def burst_error(kind: GuardrailKind, length: int, runs: int, seed: int) -> float:
    """Share of campaigns that a guardrail takes back: 1 % of the requests of both variants have the event, in bursts of
    that length which hit one of them; 1.5 times as many are allowed."""
    objective = replace(OBJECTIVE, guardrails=(Guardrail("rail", kind, 1.5),))
    line, wrong = -log(objective.harm_risks.guardrails[guardrail_claim("rail")]), 0
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        (process,), arms = guardrails.start(objective).rates, arm_scatter.start(1)
        for _ in range(LOOKS):
            happened = np.minimum(length * rng.poisson(ANSWERS / 100 / length, 2), ANSWERS)
            events = Events(ANSWERS, int(happened[0])), Events(ANSWERS, int(happened[1]))
            arms = arm_scatter.observe_events(arms, [events])
            (discount,) = divisors(objective, Witnesses(NOBODY_SEEN, arms, NO_SPLIT, None)).guardrails
            process = rate_ratio.update(process, *events, discount=discount)
            if process.log_e >= line:
                wrong += 1
                break
    return wrong / runs


@dataclass(frozen=True, slots=True)
class Bursts:
    """Failures in bursts whose sizes have a Pareto tail, each of which hits one variant over so many looks.

    weight: the candidate's, in percent. requests: of both variants, a look; 1 % of them fail. quiet: looks before the
    first burst. largest: sizes are cut off at it; a tail of 1 has no mean without.
    """

    tail: float
    span: int
    weight: int = 50
    requests: int = 2000
    quiet: int = 0
    largest: int | None = None

    def __str__(self) -> str:
        looks = f"{self.span} look{'s' if self.span > 1 else ''}"
        text = f"bursts over {looks} with a Pareto tail of {self.tail}"
        text += f", {self.weight} % the candidate's" if self.weight != 50 else ""
        text += f", {self.requests} requests a look" if self.requests != 2000 else ""
        text += f", after {self.quiet} quiet looks" if self.quiet else ""
        return text

    @property
    def mean(self) -> float:
        """Failures in a burst."""
        if self.tail == 1.0:
            assert self.largest is not None  # else there is no mean
            return 1 + log(self.largest)
        return 1 + 1 / (self.tail - 1)

    def sizes(self, rng: np.random.Generator) -> Array:
        """Of the bursts that begin in a look."""
        drawn = 1 + rng.pareto(self.tail, rng.poisson(self.requests / 100 / self.mean))
        return drawn if self.largest is None else np.minimum(drawn, self.largest)


@dataclass(frozen=True, slots=True)
class OneSize:
    """Failures in bursts that all have one size and are rare, each of which hits one variant over so many looks.

    size: failures in a burst. every: looks, on average, from one to the next. weight, requests, quiet: as in `Bursts`.
    """

    size: int
    every: int
    span: int = 20
    weight: int = 50
    requests: int = 2000
    quiet: int = 0

    def __str__(self) -> str:
        text = f"bursts of {self.size} over {self.span} looks, one in {self.every} looks"
        return text + (f", {self.weight} % the candidate's" if self.weight != 50 else "")

    def sizes(self, rng: np.random.Generator) -> Array:
        """Of the bursts that begin in a look."""
        return np.full(rng.poisson(1 / self.every), float(self.size))


RARE_BURSTS = (
    *(OneSize(size, every) for size, every in ((500, 25), (200, 10), (2000, 100), (1000, 50))),
    OneSize(500, 25, span=5),
    OneSize(500, 25, span=32),
    *(OneSize(500, 25, weight=weight) for weight in (20, 80)),
)

LONG_BURSTS = (
    *(Bursts(tail, 20) for tail in (1.1, 1.5, 2.5)),
    *(Bursts(1.0, span, largest=20_000) for span in (5, 10, 20)),
    Bursts(1.3, 20),
    *(Bursts(1.1, span) for span in (1, 5, 10, 32)),
    *(Bursts(1.1, 20, weight) for weight in (10, 80)),
    Bursts(1.1, 20, requests=200),
    *(Bursts(1.1, 20, quiet=quiet) for quiet in (30, 100)),
)


def long_burst_error(kind: Bursts | OneSize, runs: int, seed: int, version: int = CURRENT, looks: int = LOOKS) -> float:
    """Share of campaigns that a guardrail on failures takes back, which allows 1.5 times as many; version: of the
    engine."""
    objective = replace(OBJECTIVE, guardrails=(Guardrail("rail", RAILS[0], 1.5),), engine=version)
    line, wrong = -log(objective.harm_risks.guardrails[guardrail_claim("rail")]), 0
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        (process,), arms = guardrails.start(objective).rates, arm_scatter.start(1)
        failed = np.zeros((2, looks + kind.span), dtype=np.int64)
        for at in range(looks):
            for size in kind.sizes(rng).astype(np.int64) if at >= kind.quiet else ():
                arm = int(rng.random() < kind.weight / 100)
                np.add.at(failed[arm], at + rng.integers(0, kind.span, size), 1)
            n_c = int(rng.binomial(kind.requests, kind.weight / 100))
            sizes = (kind.requests - n_c, n_c)
            baseline, candidate = (Events(n, min(int(failed[arm, at]), n)) for arm, n in enumerate(sizes))
            arms = arm_scatter.observe_events(arms, [(baseline, candidate)])
            (discount,) = divisors(objective, Witnesses(NOBODY_SEEN, arms, NO_SPLIT, None)).guardrails
            process = rate_ratio.update(process, baseline, candidate, discount=discount)
            if said(process) >= line:
                wrong += 1
                break
    return wrong / runs


def false_alarms(length: int, weight: int, span: int, runs: int, seed: int) -> float:
    """Share of campaigns in which the sample ratio alarms for good, though requests are split as the weight says: in
    sessions of so many requests that stay with a variant, spread over `span` looks, 200 requests a look."""
    wrong, line = 0, -log(OBJECTIVE.risk_sample_ratio)
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        check = sample_ratio.start(in_clumps=True, waits_for=waits_for_looks(OBJECTIVE))
        begun = rng.binomial(200 // length, weight / 100, LOOKS + span) * (length // span)
        of_candidate = np.convolve(begun, np.ones(span, dtype=int), "valid")
        total = 200 // length * (length // span) * span
        for candidate in of_candidate[:LOOKS].tolist():
            check = sample_ratio.update(check, total - candidate, candidate, weight)
        wrong += check.log_e_shown >= line
    return wrong / runs


def wobbling(rng: np.random.Generator, runs: int, requests: int, likeness: float, *, is_shared: bool) -> Counts:
    """Independent answers at the border whose rate wobbles by 2 points, with this autocorrelation from look to look: as
    one for both variants, or by itself in each. requests: of a variant, a look."""
    level, columns = np.zeros((2, runs)), []
    for _ in range(LOOKS):
        noise = rng.normal(size=(1 if is_shared else 2, runs))
        level = likeness * level + np.sqrt(1 - likeness**2) * noise
        rates = np.clip(np.array([[RATE], [RATE - MARGIN]]) + 0.02 * level, 0.01, 0.99)
        columns.append(rng.binomial(requests, rates))
    x_b, x_c = (np.array([each[arm] for each in columns], dtype=float).T for arm in (0, 1))
    all_of: Array = np.full((runs, LOOKS), float(requests))
    return Counts(all_of, x_b, all_of, x_c, 0 * all_of, 0 * all_of)


def drift_errors(requests: int, likeness: float, runs: int, seed: int, *, is_shared: bool) -> tuple[float, float]:
    """Shares of campaigns that promote and that roll back for Exact Match."""
    counts = wobbling(np.random.default_rng(seed), runs, requests, likeness, is_shared=is_shared)
    found = claims(counts, divided(counts), MARGIN, RISK)
    return float((found[Side.PROMOTE] > 0).mean()), float((found[Side.HARM] > 0).mean())


def wobble_factor(requests: int, likeness: float, runs: int, seed: int) -> float:
    """Median factor after all looks of answers whose rate wobbles for both variants alike."""
    counts = wobbling(np.random.default_rng(seed), runs, requests, likeness, is_shared=True)
    return float(np.median(divided(counts).factor[:, -1]))
