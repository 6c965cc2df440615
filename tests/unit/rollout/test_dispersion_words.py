"""Why it is not known how much answers scatter, in words."""

from __future__ import annotations

from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.divisors import Knowledge
from earlystop.rollout.words.dispersion_words import not_promoted_yet, unknown_dispersion

SHORT = Knowledge(is_known=False, source=DispersionSource.LOOKS, factor=4.0, learned_looks=8)
LONG = SHORT._replace(needed_looks=64, groups_outlast=True, learned_looks=32)


def test_groups_that_outlast_blocks_are_named_with_what_to_write_and_for_how_long_a_promotion_waits() -> None:
    said = not_promoted_yet(LONG)
    assert said.startswith("nothing is promoted before 256 looks: ")
    assert "requests seem to stay with a variant in groups that last beyond blocks of 32 looks" in said
    assert "rollout.lookSeconds" in said and "exactMatch.longestSessionSeconds" in said


def test_blocks_that_are_not_learned_yet_are_named_where_no_groups_are_seen() -> None:
    said = unknown_dispersion(SHORT)
    assert "so far known for sessions of 8 looks, needed for 32" in said and "groups" not in said


def test_looks_that_have_nearly_all_answers_are_named_where_quiet_ones_before_them_taught_blocks_long_enough() -> None:
    said = not_promoted_yet(SHORT._replace(learned_looks=32))
    assert said.startswith("nothing is promoted yet: it is not known how much answers scatter (a few looks have")
    assert "32 looks as busy would" in said and "needed for" not in said
