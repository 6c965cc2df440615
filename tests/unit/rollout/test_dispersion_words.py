"""What is said of how much answers scatter while nobody knows it."""

from __future__ import annotations

from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.divisors import Knowledge
from earlystop.rollout.words.dispersion_words import ADVICE, not_promoted_yet

WAITING = Knowledge(is_known=False, source=DispersionSource.LOOKS, factor=10.0, learned_looks=32)


def test_groups_that_outlast_blocks_are_named_as_the_cause_of_a_longer_wait_with_what_shortens_it() -> None:
    told = not_promoted_yet(WAITING._replace(needed_looks=64, groups_outlast=True))
    assert told.startswith(
        "nothing is promoted before 256 looks: it is not known yet how much answers scatter (requests "
    )
    assert "stay with a variant in groups that last beyond blocks of 32 looks, so blocks of 64 must be learned" in told
    assert "a longer rollout.lookSeconds" in told and ADVICE in told
    assert "groups" not in not_promoted_yet(WAITING), "where none were seen"
