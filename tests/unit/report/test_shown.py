"""A page's digest is of all that it shows, and what its record holds says where it stands in the record."""

from __future__ import annotations

import re

import pytest

from earlystop.api.counts import Look, Tally
from earlystop.report.content import Report, missing_answers
from earlystop.report.page import page_of
from earlystop.report.shown import shown_digest
from tests.unit.report.drawn_verdicts import drawn_verdict
from tests.unit.report.hostile import reported, stored
from tests.unit.report.tags import Tags
from tests.unit.report.whole_page import SHOWN_OF_THE_RECORD, whole_report

MARKUP = '<p id="a" hidden>one &amp; <b>two</b><br>\n three</p>\n<noscript><p>no scripts</p></noscript>'


def test_every_changed_text_attribute_and_element_changes_the_digest_of_a_page() -> None:
    others = [
        MARKUP.replace(before, after)
        for before, after in (
            ("one", "One"),
            ("&amp;", "&lt;"),
            ("three", "3"),
            ('"a"', '"b"'),
            (" hidden", ""),
            ("<b>two</b>", "two"),
            ("<b>two</b>", "&lt;b&gt;two&lt;/b&gt;"),
            ("<br>", ""),
            (" three</p>", "</p> three"),
        )
    ]
    digests = [
        shown_digest("title", MARKUP),
        shown_digest("Title", MARKUP),
        *(shown_digest("title", each) for each in others),
    ]
    assert len(set(digests)) == len(digests) == 11


def test_blanks_that_are_shown_alike_and_what_only_a_browser_without_scripts_shows_leave_the_digest_as_it_is() -> None:
    digest = shown_digest("title", MARKUP)
    assert shown_digest(" title\n", MARKUP.replace("\n three", "\r\n\t three") + "\n\n") == digest
    assert shown_digest("title", MARKUP.replace("no scripts", "none")) == digest


@pytest.mark.slow
def test_a_page_says_of_each_text_where_it_stands_in_the_record() -> None:
    tags = Tags(page_of(whole_report()))
    named = {attrs["data-record"] for _, attrs in tags.found if "data-record" in attrs}
    assert named == set(SHOWN_OF_THE_RECORD)


@pytest.mark.slow
def test_the_rows_of_the_verdict_itself_are_told_from_those_of_others() -> None:
    page = page_of(whole_report())
    settings, decisions = (
        page.split(f'<table id="{name}">')[1].split("</table>")[0] for name in ("settings", "decisions")
    )
    assert (settings.count('<tr class="own">'), len(re.findall("<tr[ >]", settings))) == (2, 1 + 3)
    assert (decisions.count('<tr class="own">'), len(re.findall("<tr[ >]", decisions))) == (1, 1 + 2)


def test_a_page_says_whose_answers_to_golden_questions_are_missing_and_of_how_many_nobody_knows() -> None:
    told = {"pairs_both": 60, "pairs_candidate_only": 40, "pairs_whole": 70, "pairs_without_baseline_right": 30}
    rows = [Look(15 * at, 0, 50, Tally(), Tally(**told)).row() for at in range(40)]
    said = "Of 4,000 pairs 1,200 lack an answer of the baseline that could be scored, and 0 one of the candidate."
    assert missing_answers(rows) == said
    untold = Look(0, 0, 50, Tally(), Tally(pairs_both=1)).row()
    assert missing_answers([untold]) == "Of 1 pair nobody counted whether an answer is missing."
    assert missing_answers([*rows, untold]) == f"{said} Of 1 pair nobody counted whether an answer is missing."
    assert missing_answers([Look(0, 0, 50, Tally(), Tally(pairs_both=9, pairs_whole=9)).row()]) == ""


@pytest.mark.slow
def test_a_page_shows_exact_match_by_query_class_where_the_policy_names_classes() -> None:
    with_classes = next(found for seed in range(40) if (found := in_classes(seed)) is not None)
    page = page_of(with_classes)
    rows = page.count('<table class="classes">')
    assert rows == sum(bool(each.classes) for each in with_classes.comparisons) > 0
    for each in with_classes.comparisons[0].classes:
        assert all(told in page for told in (each.name, each.baseline, each.candidate, each.difference))


def in_classes(seed: int) -> Report | None:
    """The report of a drawn verdict, if it tells of query classes."""
    found = reported(stored(drawn_verdict(seed)))
    return found if any(each.classes for each in found.comparisons) else None


@pytest.mark.slow
def test_drawn_verdicts_of_every_kind_tell_of_all_their_classes_or_of_none() -> None:
    found = [reported(stored(drawn_verdict(seed))) for seed in range(30)]
    told = [{each.name for each in comparison.classes} for report in found for comparison in report.comparisons]
    assert all(each in (set(), {"easy", "hard"}) for each in told) and any(told)
