"""The promise under stress: the true loss is exactly the margin, so every claim of either side is an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import pi, sin

import numpy as np

from earlystop.evidence import dispersion
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.exact_match import default_grid
from tests.bench import statistics_paths as paths
from tests.bench.statistics_paths import Array, Stream, dealt, first_claims

MARGIN, REQUESTS = 0.02, 80_000
RAMP = (0.05, 0.10, 0.25, 0.50)
SESSION, LIKENESS, HISTORY = 5, 0.3, 60

Draw = Callable[[np.random.Generator, int], Stream]


@dataclass(frozen=True, slots=True)
class Errors:
    """Shares of runs with a false claim."""

    scenario: str
    promote: float
    harm: float


def _ramp(moment: float) -> float:
    return RAMP[int(moment * len(RAMP))]


def _restless(moment: float) -> float:
    """Another weight at every look: what a bandit or an impatient operator might do."""
    return (0.05, 0.5, 0.9, 0.2)[int(moment * 400) % 4]


def _moving(share: Callable[[float], float], rate: Callable[[float], float], size: int = 200) -> Draw:
    return lambda rng, runs: paths.varied(rng, runs, REQUESTS // size, size, share, rate, -MARGIN)


SCENARIOS: dict[str, Draw] = {
    "ramp, baseline flat": _moving(_ramp, lambda t: 0.85),
    "ramp, baseline falls .90 to .80": _moving(_ramp, lambda t: 0.90 - 0.1 * t),
    "ramp, baseline rises .80 to .90": _moving(_ramp, lambda t: 0.80 + 0.1 * t),
    "ramp, daily wave of .05": _moving(_ramp, lambda t: 0.85 + 0.05 * sin(2 * pi * 4 * t)),
    "another weight at every look": _moving(_restless, lambda t: 0.85 + 0.05 * sin(2 * pi * 4 * t)),
    "looks of 20": _moving(lambda t: 0.5, lambda t: 0.85, 20),
    "looks of 4,000": _moving(lambda t: 0.5, lambda t: 0.85, 4000),
    "easy and hard class, .95 and .50": lambda rng, runs: paths.classes(
        rng, runs, 400, 200, (0.5, 0.5), (0.95, 0.5), (0.0, -0.04)
    ),
    "a tenth of traffic ruined": lambda rng, runs: paths.classes(
        rng, runs, 400, 200, (0.9, 0.1), (0.9, 0.6), (0.0, -0.2)
    ),
}


def errors(runs: int, seed: int) -> Iterator[Errors]:
    """False claims of this operator in every scenario, then with sessions, without and with a learned factor."""
    for number, (name, draw) in enumerate(SCENARIOS.items()):
        yield _measured(name, draw(np.random.default_rng([seed, number]), runs), 1.0)
    rng = np.random.default_rng([seed, len(SCENARIOS)])
    stream = paths.sessions(rng, runs, 400, 200, 0.85, -MARGIN, SESSION, LIKENESS)
    past = paths.sessions(rng, runs, HISTORY, 200, 0.85, 0.0, SESSION, LIKENESS)
    yield _measured("sessions of 5, taken as independent", stream, 1.0)
    yield _measured("sessions of 5, factor learned before", stream, learned_factors(past))


def learned_factors(past: Stream) -> Array:
    """The dispersion factor that each run learns from the looks of its baseline."""
    factors = []
    for n, x in zip(past.n_b[:, :, 0], past.x_b[:, :, 0], strict=True):
        scatter = dispersion.DispersionEstimate()
        for scored, match in zip(n, x, strict=True):
            scatter = dispersion.observe(scatter, Answers(int(scored), int(match)))
        factors.append(dispersion.factor(scatter) or 1.0)
    return np.array(factors)


def _measured(name: str, stream: Stream, factor: Array | float) -> Errors:
    looks = stream.n_b.shape[1]
    deal = dealt(np.random.default_rng(looks))
    promote, harm = (
        float((first_claims(stream, MARGIN, side, default_grid(side), dispersion=factor, deal=deal) < looks).mean())
        for side in (Side.PROMOTE, Side.HARM)
    )
    return Errors(name, promote, harm)
