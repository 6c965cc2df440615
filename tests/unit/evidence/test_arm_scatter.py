"""How events scatter between both variants is worked out for any counts, however unequal or rare they are."""

from __future__ import annotations

from math import isfinite

import numpy as np
import pytest

from earlystop.api.counts import Pairs
from earlystop.evidence.arm_scatter import observe_answers, observe_events, observe_level, observe_pairs, start
from earlystop.evidence.bets import Answers
from earlystop.evidence.rate_ratio import Events


@pytest.mark.parametrize("many", [10, 10**6, 2**54, 10**18])
@pytest.mark.parametrize("turned", [False, True])
def test_one_request_of_one_variant_beside_any_number_of_the_other_is_counted(many: int, turned: bool) -> None:
    one, other = Events(1, 1), Events(many, many)
    known = observe_events(start(guardrails=1), [(other, one) if turned else (one, other)])
    assert isfinite(known.events[0].squares) and known.events[0].blocks == 1


SESSIONS, ALIKE = 10, 10
"""Sessions of a variant in a look, and answers of each, which are all right or all wrong."""


def of_sessions(rng: np.random.Generator, rate: float) -> Answers:
    return Answers(SESSIONS * ALIKE, ALIKE * int(rng.binomial(SESSIONS, rate)))


@pytest.mark.parametrize("rate", [0.5, 0.9, 0.97, 0.99])
def test_sessions_that_go_wrong_as_a_whole_are_seen_however_rare_they_are(rate: float) -> None:
    rng = np.random.default_rng(17)
    known = start(guardrails=0)
    for _ in range(300):
        candidate = of_sessions(rng, rate)
        known = observe_answers(known, {"": (of_sessions(rng, rate), candidate)})
        known = observe_level(known, candidate)
    assert known.answers.factor(1.0) >= ALIKE and known.level.factor(1.0) >= ALIKE
    assert known.answers.scales[0].mean == pytest.approx(ALIKE, rel=0.5)


@pytest.mark.parametrize("apart", [0.4, 0.05, 0.02])
def test_pairs_of_sessions_that_differ_as_a_whole_are_seen_however_rare_they_are(apart: float) -> None:
    rng = np.random.default_rng(18)
    known = start(guardrails=0)
    for _ in range(300):
        won, lost, same = (ALIKE * int(each) for each in rng.multinomial(SESSIONS, [apart / 2, apart / 2, 1 - apart]))
        known = observe_pairs(known, Pairs(same, lost, won, 0))
    assert known.answers.factor(1.0) >= ALIKE
