"""A digest over all verdicts shows that one was removed, wherever it stood, and never that one was added."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.record.publication import (
    BROKEN,
    Publication,
    Stored,
    difference,
    next_publication,
    publication_in,
    published_at,
)

NOW = 2_000_000_000


def stored(number: int, age: int) -> Stored:
    return Stored(rfc3339(NOW - age), "llm", f"qa-{number}", f"sha256:{number:064d}")


FIVE = [stored(number, 100 - number) for number in range(5)]


@pytest.mark.slow
@given(st.permutations(FIVE), st.integers(0, 4))
def test_every_verdict_that_is_removed_changes_what_was_published(order: list[Stored], missing: int) -> None:
    known = next_publication(None, order, NOW)
    assert difference(known, reversed(order)) == ""
    left = [each for each in order if each is not FIVE[missing]]
    assert "5 were published" in difference(known, left) and "4 are there" in difference(known, left)


@pytest.mark.slow
@given(st.lists(st.integers(-60, 5), min_size=1, max_size=4))
def test_verdicts_that_are_made_later_are_no_difference_and_are_published_next(ages: list[int]) -> None:
    known = next_publication(None, FIVE, NOW + 60)
    more = [stored(10 + number, age) for number, age in enumerate(ages)]
    assert difference(known, [*FIVE, *more]) == ""
    following = next_publication(known, [*FIVE, *more], NOW + 180)
    assert following.broken == "" and following.verdicts == 5 + len(ages)


@pytest.mark.slow
@given(st.lists(st.integers(-60, 60), min_size=1, max_size=4), st.permutations(range(9)))
def test_a_clock_that_is_wrong_by_a_minute_and_a_list_that_takes_minutes_break_nothing(
    ages: list[int], order: list[int]
) -> None:
    """Verdicts were made up to a minute before or after the moment that the operator took for now, and listed later."""
    known = next_publication(None, FIVE, NOW + 60)
    found = [*FIVE, *(stored(10 + number, age) for number, age in enumerate(ages))]
    mixed = [found[each] for each in order if each < len(found)]
    following = next_publication(known, mixed, NOW + 400)
    assert following.broken == "" and following.verdicts == len(found)


@given(st.integers(0, 4), st.integers(1, 3))
def test_verdicts_that_came_late_hide_none_that_was_removed(missing: int, late: int) -> None:
    known = next_publication(None, FIVE, NOW)
    left = [each for each in FIVE if each is not FIVE[missing]]
    assert difference(known, [*left, *(stored(10 + number, 70) for number in range(late))])


def test_what_another_set_of_namespaces_holds_is_published_anew_and_breaks_nothing() -> None:
    known = next_publication(None, FIVE, NOW, "a,b")
    fewer = next_publication(known, FIVE[:2], NOW + 300, "a")
    assert (fewer.broken, fewer.verdicts, fewer.scope) == ("", 2, "a")
    assert next_publication(fewer, FIVE[:1], NOW + 600, "a").broken
    assert publication_in(fewer.annotations()) == fewer


def test_a_verdict_of_the_last_minute_waits_for_the_next_time() -> None:
    known = next_publication(None, [*FIVE, stored(9, 59)], NOW)
    assert known.verdicts == 5
    assert next_publication(known, [*FIVE, stored(9, 59)], NOW + 60).verdicts == 6


def test_nothing_is_written_again_while_nothing_is_added() -> None:
    known = next_publication(None, FIVE, NOW)
    assert next_publication(known, FIVE, NOW + 5000) is known


def test_what_was_once_broken_stays_told_until_somebody_takes_it_out() -> None:
    known = next_publication(None, FIVE, NOW)
    broken = next_publication(known, FIVE[1:], NOW + 60)
    assert broken.broken and broken.verdicts == 4 and BROKEN in broken.annotations()
    again = next_publication(broken, [*FIVE[1:], stored(7, 0)], NOW + 180)
    assert again.broken == broken.broken and again.verdicts == 5
    told = {**again.annotations(), "other": "stays"}
    assert publication_in(told) == again
    del told[BROKEN]
    assert next_publication(publication_in(told), [*FIVE[1:], stored(7, 0)], NOW + 180).broken == ""


def test_a_changed_digest_and_a_verdict_made_anew_under_its_name_are_differences() -> None:
    known = next_publication(None, FIVE, NOW)
    changed = FIVE[2]._replace(digest="sha256:" + "f" * 64)
    anew = FIVE[2]._replace(created=rfc3339(NOW + 10))
    for other in (changed, anew):
        assert difference(known, [*FIVE[:2], other, *FIVE[3:]])


@pytest.mark.parametrize(
    "annotations", [{}, {"earlystop.dev/record-digest": "x"}, {"earlystop.dev/record-verdicts": "-1"}]
)
def test_an_empty_or_spoiled_lease_publishes_nothing(annotations: dict[str, str]) -> None:
    assert publication_in(annotations) is None


def test_the_digest_of_nothing_is_published_too() -> None:
    nothing = published_at([], rfc3339(NOW))
    assert (nothing.verdicts, nothing.broken) == (0, "") and nothing == Publication(nothing.digest, 0, rfc3339(NOW))
