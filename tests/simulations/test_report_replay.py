"""Two hundred drawn verdicts, of every basis, witness of dispersion and version of the engine, by a page's script."""

from __future__ import annotations

from tests.unit.report.drawn_verdicts import drawn_campaign
from tests.unit.report.repeating import ensure_repeated
from tests.unit.report.script_engine import replayer

VERDICTS = 200


def test_the_script_of_a_page_repeats_two_hundred_verdicts_to_a_billionth() -> None:
    with replayer() as scripts:
        for seed in range(VERDICTS):
            ensure_repeated(scripts, drawn_campaign(seed), at_each_look=False)
