"""Windows that a demo server tries in shadow, and what its page then counts."""

from __future__ import annotations

from earlystop.api.counts import Tally
from earlystop.demo.recordings import Recording
from earlystop.demo.voting import read_sample, vote
from earlystop.evaluator.scoring import exact_match
from tests.unit.demo.server_counts import tally_of

WINDOWS = {"w10": 10, "w5": 5, "w2": 2, "w1": 1}


HEADER = "x-early-stop-shadow"


SHADOW = {HEADER: ", ".join(f"{name};window={window}" for name, window in WINDOWS.items())}


def right(recording: Recording, window: int) -> bool:
    """Whether the recorded answer at this window is right, computed from the recording itself."""
    voted = vote([read_sample(text) for text in recording.samples], window)
    return voted.answer is not None and exact_match(voted.answer, recording.gold)


def shadow_of(answered: list[Recording], window: int, full: int = 40) -> Tally:
    """What a candidate must be counted as when the baseline answered these recordings."""
    both = [(right(each, full), right(each, window)) for each in answered]
    return tally_of(answered, window) + Tally(
        pairs_both=both.count((True, True)),
        pairs_baseline_only=both.count((True, False)),
        pairs_candidate_only=both.count((False, True)),
        pairs_neither=both.count((False, False)),
        pairs_whole=len(both),
    )
