"""A forecast knows when the test of tokens may bet, by numbers of answers alone."""

from __future__ import annotations

import numpy as np

from earlystop.evidence.tokens import BLOCK_ANSWERS, LEARNING_ANSWERS
from earlystop.simulation.paths import TokenBlocks


def looks_before_a_bet(answers: float, change_at: int | None = None) -> int:
    """How many looks of so many answers there are until the first bet; weights change after the given one."""
    blocks = TokenBlocks.begin(1)
    for look in range(1, 1000):
        blocks.add(np.array([answers]))
        if blocks.bets[0]:
            return look
        if look == change_at:
            blocks.change_weights(np.array([True]))
    raise AssertionError("nothing was bet on")


def test_variances_are_learned_from_closed_blocks_before_the_first_bet() -> None:
    assert looks_before_a_bet(LEARNING_ANSWERS) == 2
    assert looks_before_a_bet(BLOCK_ANSWERS / 2) == 2 * (LEARNING_ANSWERS // BLOCK_ANSWERS) + 2


def test_what_is_open_when_weights_change_teaches_and_is_not_bet_on() -> None:
    half = BLOCK_ANSWERS / 2
    last = 2 * (LEARNING_ANSWERS // BLOCK_ANSWERS) + 1
    assert looks_before_a_bet(half, change_at=last) == last + 2


def test_rollouts_that_end_are_left_out() -> None:
    blocks = TokenBlocks.begin(3)
    blocks.add(np.array([200.0, 0.0, 200.0]))
    blocks.keep(np.array([False, True, True]))
    blocks.add(np.array([20.0, 20.0]))
    assert blocks.bets.tolist() == [0, 1]


def test_blocks_of_few_answers_a_look_are_fewer_than_looks() -> None:
    blocks = TokenBlocks.begin(2)
    for _ in range(100):
        blocks.add(np.array([BLOCK_ANSWERS / 2, LEARNING_ANSWERS]))
    assert blocks.bets.tolist() == [50 - LEARNING_ANSWERS // BLOCK_ANSWERS, 99]
