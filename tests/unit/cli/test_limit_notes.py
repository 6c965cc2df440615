"""`validate` notes where a policy says that answers are shorter than its own caps let them be."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.cli.files.limit_notes import limit_notes
from tests.unit.cli.capped_policy import manifest


def test_a_longest_answer_below_the_largest_cap_is_noted_with_what_to_write() -> None:
    (note,) = limit_notes(manifest(512))
    assert note == (
        "spec.objective.tokens.longestAnswer: 512 is below the largest cap, 4096, so answers may be longer and the "
        "saving would be tested wrongly; remove it, since caps say it, or write 4096."
    )


@pytest.mark.parametrize("longest", [None, 4096, 8192])
def test_a_longest_answer_that_no_cap_contradicts_is_not_noted(longest: int | None) -> None:
    assert not list(limit_notes(manifest(longest)))


def test_nothing_is_noted_where_the_baseline_has_no_cap() -> None:
    assert not list(limit_notes(manifest(512, baseline=None)))


@pytest.mark.parametrize("broken", [manifest("many"), manifest(512, baseline="low"), manifest(512, baseline="1.5"), {}])
def test_a_policy_that_is_wrong_is_not_noted(broken: dict[str, Any]) -> None:
    assert not list(limit_notes(broken))
