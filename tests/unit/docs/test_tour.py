"""The tour shows what a demo printed, in the form in which this release prints it."""

from __future__ import annotations

import re

import pytest

from earlystop.api.reasons.every import REASONS
from earlystop.cli.overview import line
from tests.readme_commands import blocks
from tests.unit.cli.expected_screens import IN_PAGES, MARKED, drawn, pages, with_screens
from tests.unit.cli.shown_policies import policy_in, screen
from tests.unit.docs.pages import DOCS

TOUR = DOCS / "tour.md"
WIDTH = 140
LABEL = re.compile(r"^(\w+) {2,}")
NUMBER = re.compile(r"[+-]?\d+(?:,\d{3})*(?:\.\d+)?")


def labels(lines: list[str]) -> list[str]:
    """What stands before the rows of a screen."""
    return [found[1] for each in lines[1:] if (found := LABEL.match(each))]


def screens() -> list[list[str]]:
    """The screens of the demo that the tour shows: its namespace begins with qa-."""
    return [text.splitlines() for text in blocks(TOUR, "") if re.match(r"qa-\w+/\w+  campaign 1, GatewayHeader", text)]


def form(text: str) -> str:
    """A line of progress without its name, phase and numbers, with what may be unknown as known, and without what
    evidence was before where it was larger."""
    text = re.sub(r" \(was 1 in [^)]*\)", "", text.partition(", ")[2])
    known = re.sub(r"not known yet|# \[#, #\]|# % \[#, #\]", "~", NUMBER.sub("#", text))
    return re.sub(r"no sign|# in #", "~", known)


def test_screens_have_the_rows_that_this_release_draws() -> None:
    assert len(screens()) == 2
    for shown, state in zip(screens(), ("promoted", "rolled back"), strict=True):
        drawn = labels(screen(policy_in(state), WIDTH))
        assert [each for each in labels(shown) if each in drawn] == [each for each in drawn if each in labels(shown)]
        assert set(drawn) - set(labels(shown)) <= {"last"}, "run `make demo` and show what it prints now"


@pytest.mark.parametrize("state", ["observing", "promoted"])
def test_lines_of_progress_have_the_form_of_this_release(state: str) -> None:
    shown = [each for text in blocks(TOUR, "") for each in text.splitlines() if re.match(r"\w+: \w+, step", each)]
    assert len(shown) > 10
    assert {form(each) for each in shown} == {form(line(policy_in(state)))}, "run `make demo` and show what it prints"


def test_events_of_the_tour_are_reasons_of_this_release() -> None:
    told = re.findall(r"^\| `(\w+)` \|", TOUR.read_text(), re.MULTILINE)
    assert {"CampaignStarted", "Promoted", "RolledBack"} <= set(told) <= set(REASONS)


@pytest.mark.slow
def test_screens_of_other_states_are_those_that_this_release_draws_and_each_stands_in_a_page() -> None:
    screens, shown = drawn(), set[str]()
    for page in pages():
        text = page.read_text()
        assert with_screens(text, screens) == text, f"{page.name}: python -m tests.unit.cli.expected_screens"
        shown |= {found[1] for found in MARKED.finditer(text)}
    assert shown == {each.replace(", ", "-").replace(" ", "-") for each in IN_PAGES}
