"""Every recorded answer through the reference server at every window: what it counts is what the file says."""

from __future__ import annotations

import pytest

from earlystop.api.counts import Tally
from earlystop.demo.voting import MAXIMUM_WINDOW
from tests.unit.demo.independent import counts_at, rows_of
from tests.unit.demo.recorded import expected, recordings
from tests.unit.demo.server_counts import ask_all
from tests.unit.demo.serving import REVISION, serving, tallies, told

WINDOWS = range(1, MAXIMUM_WINDOW + 1)


async def test_at_every_window_the_counts_on_metrics_equal_those_of_the_file_to_the_last_token() -> None:
    source = expected().source
    recorded, rows = list(recordings(source)), rows_of(source)
    async with serving(recorded=recorded) as (client, _):
        for window in WINDOWS:
            await ask_all(client, recorded, told("candidate", window, step=window))
        counted = await tallies(client)
    for window in WINDOWS:
        tally = counted[REVISION, str(window), "candidate"]
        assert tally == Tally(**counts_at(rows, window)), window
        if window in expected().exact_match:  # the published figures are of some windows only
            assert tally.exact_match == pytest.approx(expected().exact_match[window], abs=5e-5)
