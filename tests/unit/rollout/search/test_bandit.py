"""Shares of a bandit follow the evidence, add up, and leave out what cannot win."""

from __future__ import annotations

import random

import pytest

from earlystop.rollout.search.bandit import Arm, hopeless, shares
from earlystop.rollout.search.trial import Estimate

MARGIN, PRICE = 0.02, 5.0
UNKNOWN = Arm(None, None)


def arm(loss: float, saving: float, error: float = 0.004) -> Arm:
    return Arm(Estimate(loss, error), Estimate(saving, 0.02))


def test_shares_add_up_to_what_there_is_and_leave_one_percent_at_least_for_each_that_may_win() -> None:
    rng = random.Random(5)
    for seed in range(40):
        arms = [
            rng.choice([UNKNOWN, arm(rng.uniform(0, 0.03), rng.uniform(0, 0.5), rng.uniform(0.002, 0.02))])
            for _ in range(rng.randint(1, 12))
        ]
        found, out = shares(arms, MARGIN, PRICE, 80, seed), hopeless(arms, MARGIN, PRICE)
        assert sum(found) in (0, 80)
        assert all((share == 0) == is_out for share, is_out in zip(found, out, strict=True))


def test_before_any_look_all_settings_get_about_the_same() -> None:
    found = shares([UNKNOWN] * 4, MARGIN, PRICE, 80, 1)
    assert all(14 <= share <= 26 for share in found)


def test_the_setting_that_saves_most_within_the_margin_gets_most() -> None:
    found = shares([arm(0.0, 0.1), arm(0.002, 0.2), arm(0.018, 0.25)], MARGIN, PRICE, 80, 1)
    assert found.index(max(found)) == 1


def test_one_that_breaks_the_margin_for_sure_gets_nothing_however_much_it_saves() -> None:
    assert shares([arm(0.0, 0.1), arm(0.06, 0.9)], MARGIN, PRICE, 80, 1) == (80, 0)


def test_one_that_is_worth_less_for_sure_gets_nothing_though_it_holds_the_margin() -> None:
    assert shares([arm(0.0, 0.1, 0.001), arm(0.0, 0.4, 0.001)], MARGIN, PRICE, 80, 1) == (0, 80)


def test_where_no_setting_can_win_none_gets_requests() -> None:
    assert shares([arm(0.08, 0.3), arm(0.06, 0.9)], MARGIN, PRICE, 80, 1) == (0, 0)


def test_the_same_evidence_and_seed_give_the_same_shares() -> None:
    arms = [arm(0.01, 0.2), arm(0.008, 0.18), UNKNOWN]
    assert shares(arms, MARGIN, PRICE, 75, 3) == shares(arms, MARGIN, PRICE, 75, 3)


def test_fewer_percents_than_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 % for each"):
        shares([UNKNOWN] * 5, MARGIN, PRICE, 4, 1)
