"""What a search can save meanwhile at most, where it ends as soon as the best setting is certified."""

from __future__ import annotations

from tests.bench.search_bound import LAST_STEP, best_after, orders, share_saved
from tests.bench.search_shapes import U_SHAPE

MIDDLE = 4
"""The setting that a search which knows nothing tries first; on this shape it harms."""


def test_on_a_u_shape_whose_middle_was_tried_first_no_order_of_trials_saves_three_fifths_meanwhile() -> None:
    shares = [share_saved(U_SHAPE, (MIDDLE,), each) for each in orders(U_SHAPE)]
    assert len(shares) == 65 and max(shares) < 0.6


def test_who_knows_the_best_setting_and_tries_it_alone_saves_its_part_of_requests() -> None:
    assert abs(share_saved(U_SHAPE, (), (7,)) - LAST_STEP) < 1e-12


def test_three_fifths_take_a_first_trial_close_to_the_margin_or_of_a_bold_setting_that_harms() -> None:
    reached = {first: best_after(U_SHAPE, first) for first in range(len(U_SHAPE.settings))}
    enough = {first: order for first, (share, order) in reached.items() if share >= 0.6}
    assert enough == dict.fromkeys((6, 8, 9), (6, 7)), "and just one order of trials after it"
