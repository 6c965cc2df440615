"""A plan supposes of the factor that looks teach what the engine shows of such answers."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from earlystop.simulation.supposed_scatter import SupposedScatter
from tests.bench.dispersion_paths import Divided, divided
from tests.bench.street_sessions import Sessions, streams

RUNS = 600
SINGLE, GROUPS = Sessions(1, 1, 0.0, counted=True), Sessions(1, 5, 0.5, counted=True)
SCATTER = {SINGLE: 1.0, GROUPS: 1 + 4 * 0.5}
PARTS = (0.25, 0.5, 0.75, 0.9)


@lru_cache
def engine(kind: Sessions) -> Divided:
    return divided(streams(np.random.default_rng(31), kind, RUNS))


def supposed(kind: Sessions, looks: int) -> np.ndarray:
    return SupposedScatter(SCATTER[kind], may_wait=True).factor(np.arange(2000), np.full(2000, looks))


@pytest.mark.parametrize("looks", [130, 200, 299])
@pytest.mark.parametrize("kind", SCATTER, ids=["single requests", "groups"])
def test_the_supposed_factor_has_the_law_of_the_one_that_looks_teach(kind: Sessions, looks: int) -> None:
    by = engine(kind)
    learned = by.factor[by.is_known[:, looks - 1], looks - 1]
    # Of 600 campaigns upper quantiles are known within a quarter, and between 128 and 300 looks they differ by more.
    assert np.quantile(supposed(kind, looks), PARTS) == pytest.approx(np.quantile(learned, PARTS), rel=0.6)


@pytest.mark.parametrize(("kind", "about"), [(SINGLE, 0.03), (GROUPS, 0.29)], ids=["single requests", "groups"])
def test_as_many_rollouts_as_in_the_engine_wait_for_longer_blocks(kind: Sessions, about: float) -> None:
    waiting = 1 - engine(kind).is_known[:, 160].mean()
    told = SupposedScatter(SCATTER[kind], may_wait=True).waits_longer(np.arange(4000)).mean()
    assert told == pytest.approx(about, abs=0.03) and waiting == pytest.approx(about, abs=0.1)
    assert not SupposedScatter(SCATTER[kind], may_wait=False).waits_longer(np.arange(4000)).any()


def test_factors_of_one_rollout_are_alike_from_look_to_look_and_change_over_many() -> None:
    early, soon, late = (np.log(supposed(GROUPS, looks)) for looks in (130, 145, 299))
    assert np.corrcoef(early, soon)[0, 1] > 0.8 and np.corrcoef(early, late)[0, 1] < 0.4


def test_what_a_rollout_has_drawn_does_not_depend_on_which_others_are_still_under_way() -> None:
    told = SupposedScatter(2.0, may_wait=True)
    numbers = np.array([10, 4_000, 5_000, 9_000])
    looks = np.full(4, 150)
    for count in range(1, 5):
        assert (told.factor(numbers[:count], looks[:count]) == told.factor(numbers, looks)[:count]).all()
        assert (told.waits_longer(numbers[:count]) == told.waits_longer(numbers)[:count]).all()
