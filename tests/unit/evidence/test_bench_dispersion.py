"""The benchmark's many runs are divided as the engine divides one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earlystop.api.counts import Look, Tally
from earlystop.evidence import engine
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.objective import Objective
from tests.bench.dispersion_paths import Counts, divided
from tests.bench.street_sessions import Sessions, known_looks, streams

OBJECTIVE = Objective(0.02, 0.0, 0.05, 0.05, source=DispersionSource.LOOKS)
KINDS = (
    Sessions(1, 1, 0.0, True),
    Sessions(5, 1, 0.5, True),
    Sessions(5, 1, 0.5, True, declared=True),
    Sessions(2, 5, 0.3),
    Sessions(60, 1, 0.3, True),
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_benchmark_divides_by_the_engines_factor_and_knows_it_at_the_same_look(kind: Sessions) -> None:
    counts = streams(np.random.default_rng(29), kind, 1)
    short = Counts(*(getattr(counts, name)[:, :150] for name in Counts.__dataclass_fields__))
    found = divided(short, known_looks(kind), declared=kind.declared)
    state = engine.begin(replace(OBJECTIVE, known_looks=known_looks(kind), sessions_declared=kind.declared))
    for at in range(150):
        row = [int(getattr(short, name)[0, at]) for name in Counts.__dataclass_fields__]
        n_b, x_b, n_c, x_c, started_b, started_c = row
        baseline = Tally(started_b, match=x_b, mismatch=n_b - x_b)
        candidate = Tally(started_c, match=x_c, mismatch=n_c - x_c)
        state = engine.update(state, Look(at, 0, 50, baseline, candidate))
        assert state.dispersion.factor == pytest.approx(found.factor[0, at]), at
        assert state.dispersion.is_known == found.is_known[0, at], at
        assert state.dispersion.freedom == pytest.approx(found.freedom[0, at]), at
