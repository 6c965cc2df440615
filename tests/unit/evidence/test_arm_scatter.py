"""How events scatter between both variants is worked out for any counts, however unequal they are."""

from __future__ import annotations

from math import isfinite

import pytest

from earlystop.evidence.arm_scatter import observe_events, start
from earlystop.evidence.rate_ratio import Events


@pytest.mark.parametrize("many", [10, 10**6, 2**54, 10**18])
@pytest.mark.parametrize("turned", [False, True])
def test_one_request_of_one_variant_beside_any_number_of_the_other_is_counted(many: int, turned: bool) -> None:
    one, other = Events(1, 1), Events(many, many)
    known = observe_events(start(guardrails=1), [(other, one) if turned else (one, other)])
    assert isfinite(known.events[0].squares) and known.events[0].blocks == 1
