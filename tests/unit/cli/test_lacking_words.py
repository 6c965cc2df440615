"""The screen says of how many golden questions an answer is missing, and of how many nobody counts it."""

from __future__ import annotations

from earlystop.api.counts import Look, Tally
from earlystop.cli.screen.evidence import lacking_words
from earlystop.evidence import engine
from earlystop.rollout.state import Comparison
from tests.bench.street_pairs import PAIRED


def said(*tallies: Tally) -> str:
    looks = tuple(Look(15 * at, 0, 50, Tally(), tally) for at, tally in enumerate(tallies))
    return lacking_words(Comparison("w10", engine.replay(PAIRED, looks), looks=looks))


def test_answers_that_are_missing_are_named_by_variant_and_what_nobody_counts_is_not_called_0() -> None:
    told = Tally(pairs_both=5, pairs_candidate_only=3, pairs_whole=5, pairs_without_baseline_right=3)
    untold = Tally(pairs_both=4)
    assert said(told) == "; 3 lack the baseline's answer, 0 the candidate's"
    assert said(untold) == "; of 4 nobody counts whether an answer is missing"
    assert said(told, untold) == f"{said(told)}{said(untold)}"
    assert said(Tally(pairs_both=5, pairs_whole=5)) == ""
