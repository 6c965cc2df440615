"""How many looks are waited for follows from how long a policy says that sessions last: one rule."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from earlystop.api.session_rules import MOST_LOOKS
from earlystop.evidence import scatter
from earlystop.evidence.longest_session import LEAST_BLOCK, TOUCHED_BY_BLOCK, block_for, looks_to_learn
from earlystop.evidence.scatter import KNOWN_LOOKS, SCALES, Scatter


@pytest.mark.parametrize(
    ("seconds", "look_seconds", "looks"),
    [
        (None, 15, 128),
        (None, 3600, 128),
        (1, 15, 64),
        (60, 15, 64),
        (61, 15, 128),
        (285, 15, 128),
        (286, 15, 256),
        (585, 15, 256),
        (600, 150, 64),
        (3600, 900, 64),
    ],
)
def test_a_declared_session_asks_for_as_many_looks_as_blocks_longer_than_it_take(
    seconds: int | None, look_seconds: int, looks: int
) -> None:
    assert looks_to_learn(block_for(seconds, look_seconds)) == looks


def test_blocks_are_never_shorter_than_the_sessions_that_they_must_show_and_grow_with_these() -> None:
    for look_seconds in (1, 7, 15, 900):
        found = [block_for(seconds, look_seconds) for seconds in range(1, (MOST_LOOKS - 1) * look_seconds + 1)]
        assert all(one <= other for one, other in pairwise(found)) and {*found} <= {*SCALES}
        for seconds, block in enumerate(found, 1):
            touched = seconds / look_seconds + 1
            assert block >= max(LEAST_BLOCK, 1.6 * touched) and touched <= TOUCHED_BY_BLOCK[block]


@pytest.mark.parametrize(("seconds", "look_seconds", "least"), [(586, 15, 16), (40, 1, 2), (86_400, 15, 2216)])
def test_a_session_of_too_many_looks_is_refused_with_what_to_write(seconds: int, look_seconds: int, least: int) -> None:
    with pytest.raises(ValueError, match=f"write a rollout.lookSeconds of {least}, or more"):
        block_for(seconds, look_seconds)
    assert block_for(seconds, least) == SCALES[-1]


@pytest.mark.parametrize("block", [8, LEAST_BLOCK, KNOWN_LOOKS, SCALES[-1]])
def test_as_many_looks_as_are_said_teach_the_scatter_and_one_fewer_does_not(block: int) -> None:
    learned, draws = Scatter(), np.random.default_rng(block)
    for look in range(1, looks_to_learn(block) + 1):
        learned = scatter.observe(learned, float(draws.normal()), 1.0)
        assert learned.is_known(block) == (look == looks_to_learn(block))
