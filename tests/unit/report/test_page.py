"""A page is one file that fetches nothing, takes no text for markup, and says first thing when its verdict is wrong."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from earlystop.api.look_table import as_text
from earlystop.report.embedded import COMMENTED, PAGE, REPLAY, asset, page_script
from earlystop.report.page import page_of
from earlystop.rollout.verdict import canonical_text, digest_of, verdict_object
from tests.cluster.objects import verdict
from tests.unit.report.drawn_verdicts import drawn_verdict
from tests.unit.report.hostile import MARKUP, hostile_verdict, reported, stored
from tests.unit.report.tags import Tags
from tests.unit.rollout import classes
from tests.unit.rollout.in_rows import in_rows, object_in_rows
from tests.unit.rollout.policies import UID, started
from tests.unit.rollout.states import REACHED

LARGEST = 300_000
RECORDED = Path(__file__).parents[1] / "rollout" / "recorded"


def test_a_page_holds_the_record_that_its_digest_is_of() -> None:
    manifest = stored(verdict("llm"))
    tags = Tags(page_of(reported(manifest)))
    assert not tags.open
    record = json.loads(tags.texts["record"])
    assert digest_of(record) == manifest["spec"]["digest"] == tags.texts["digest"]


def test_no_text_of_a_tenant_becomes_markup() -> None:
    plain, hostile = (
        hostile_verdict(),
        hostile_verdict(
            message=MARKUP, requestedBy=MARKUP, effect=MARKUP, saving=MARKUP, reason="</title><b>", policy=MARKUP
        ),
    )
    hostile["metadata"] |= {"name": MARKUP, "namespace": MARKUP}
    pages = [page_of(reported(each, each)) for each in (plain, hostile)]
    expected, found = (Tags(page).found for page in pages)
    elements = [[tag for tag, _ in each] for each in (expected, found)]
    assert elements[1].count("script") == 1 and "img" not in elements[1] and "b" not in elements[1]
    attributes = {name for _, attrs in found for name in attrs}
    assert not [name for name in attributes if name.startswith("on")]
    assert Tags(pages[1]).texts["record"] == json.dumps(
        {key: value for key, value in hostile["spec"].items() if key != "digest"},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )


def test_a_page_of_a_guards_alarm_says_its_own_promise_and_that_its_plots_are_of_the_trial() -> None:
    spec = verdict_object("qa", "llm", UID, REACHED["rolled back by its guard"])
    page = page_of(reported(stored(spec)))
    assert "A setting that does no harm is taken back once in 30 d at most, on average." in page
    assert "points, in the trial</dt>" in page and "draws the trial that led to the promotion" in page
    assert "Nothing was claimed" not in page
    assert "</span> against the baseline, in the trial before the promotion</h2>" in page
    usual = page_of(reported(stored(verdict("llm"))))
    assert "in the trial</dt>" not in usual and "against the baseline</h2>" in usual


def test_a_setting_of_each_class_is_not_called_in_force_for_requests_of_none() -> None:
    by_class = classes.decided(classes.LIVE, started(classes.LIVE), classes.EASY_AND_HARD)
    said = "<dt>Setting in force, of requests of no class</dt>"
    page = page_of(reported(stored(verdict_object("qa", "llm", UID, by_class))))
    assert said in page and "Promote</span> by query class; foremost is candidate" in page
    rows = re.findall(r'<dt>Query class <span [^>]*>(\w+)</span></dt><dd><span data-record="([^"]*)">(\w+)<', page)
    assert rows == [("lookup", "classMap.0.candidate", "w10"), ("proof", "classMap.1.candidate", "w10")]
    assert said not in page_of(reported(stored(verdict("llm"))))


@pytest.mark.parametrize(("state", "has_weights"), [("promoted", True), ("in shadow, reported", False)])
def test_weights_are_drawn_where_requests_of_users_went_to_candidates(state: str, has_weights: bool) -> None:
    page = page_of(reported(stored(verdict_object("qa", "llm", UID, REACHED[state]))))
    drawn = {attrs["data-plot"] for _, attrs in Tags(page).found if "data-plot" in attrs}
    assert ("weight" in drawn) is has_weights and "effect" in drawn


def test_a_page_says_who_asked_approved_and_rejected() -> None:
    approved = hostile_verdict(requestedBy="anna", approvedBy=["ben", "carl"])
    assert '<dd data-record="approvedBy">ben, carl</dd>' in (page := page_of(reported(approved)))
    assert "<td>anna</td><td>ben, carl</td>" in page
    rejected = page_of(reported(hostile_verdict(rejectedBy="dora")))
    assert "rejected by dora" in rejected and 'data-record="rejectedBy">dora<' in rejected


def test_a_page_fetches_nothing_and_runs_its_own_script_alone() -> None:
    page = page_of(reported(stored(verdict("llm"))))
    tags = Tags(page)
    assert not [attrs for _, attrs in tags.found if {"src", "srcset", "action", "data", "poster"} & attrs.keys()]
    assert all(str(attrs["href"]).startswith("#") for _, attrs in tags.found if "href" in attrs)
    (policy,) = [attrs["content"] for _, attrs in tags.found if attrs.get("http-equiv")]
    assert policy and policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy
    assert "url(" not in page.split("</style>")[0] and "@import" not in page
    assert page.index("Content-Security-Policy") < page.index("<style>") < page.index("<script>")


def test_a_page_carries_the_licence_of_the_library_that_it_embeds() -> None:
    assert asset("uplot/LICENSE").strip() in Tags(page_of(reported(stored(verdict("llm"))))).scripts


@pytest.mark.parametrize("name", ["uplot/uPlot.iife.min.js", "uplot/uPlot.min.css", "page.css"])
def test_no_embedded_file_can_end_the_element_that_it_stands_in(name: str) -> None:
    assert not re.search(r"</(script|style)|<!--", asset(name), re.IGNORECASE)


def test_a_verdict_that_does_not_verify_says_so_in_red_before_anything_else() -> None:
    manifest = object_in_rows(verdict("llm"))
    manifest["spec"]["looks"][0][6] -= 1
    report = reported(manifest)
    assert report.problems
    tags = Tags(page_of(report))
    main = next(index for index, (tag, _) in enumerate(tags.found) if tag == "main")
    tag, attributes = tags.found[main + 1]
    assert (tag, attributes["class"], attributes["role"]) == ("section", "bad", "alert")
    assert tags.texts["check"].strip().startswith("This verdict does not verify")
    assert "changed after it was made" in tags.texts["problems"]


def test_a_verdict_whose_looks_cannot_be_counts_has_a_page_that_says_so() -> None:
    manifest = object_in_rows(verdict("llm"))
    manifest["spec"]["looks"][0][6] = -5
    assert any("cannot be counts" in each for each in reported(manifest).problems)


def test_every_plot_has_a_name_and_a_table_and_every_table_a_caption() -> None:
    tags = Tags(page_of(reported(drawn_verdict(8))))
    plots = [attrs for _, attrs in tags.found if "data-plot" in attrs]
    assert len(plots) >= 5
    assert all(attrs["role"] == "img" and "table below" in str(attrs["aria-label"]) for attrs in plots)
    elements = [tag for tag, _ in tags.found]
    assert elements.count("table") == elements.count("caption") >= 3
    assert all(attrs.get("scope") for tag, attrs in tags.found if tag == "th")
    regions = [attrs for _, attrs in tags.found if str(attrs.get("class")).startswith("scroll")]
    assert all(attrs["tabindex"] == "0" and attrs["aria-label"] for attrs in regions)
    assert dict(tags.found)["html"]["lang"] == "en"


def test_no_text_of_a_script_goes_over_a_lines_end_where_its_indentation_would_be_lost() -> None:
    for name in (*REPLAY, *PAGE):
        assert all(line.count("`") % 2 == 0 for line in asset(name).splitlines()), name


def test_only_comments_of_scripts_are_left_out_of_a_page_which_says_where_they_stand() -> None:
    whole, shown = "\n".join(map(asset, (*REPLAY, *PAGE))), page_script()
    code = re.sub(r"^ *(//[^\n]*|/\*\*.*?\*/)\n", "", whole, flags=re.MULTILINE | re.DOTALL)
    assert all(line.lstrip() in shown for line in code.splitlines())
    assert "/** Marks of an axis" in whole and "/** Marks of an axis" not in shown
    assert COMMENTED in shown


@pytest.mark.slow
def test_a_page_of_a_campaign_of_1400_looks_stays_below_300_kilobytes() -> None:
    manifest = drawn_verdict(1)
    rows = in_rows(manifest["spec"])["looks"]
    looks = [_varied(rows[index % len(rows)], index) for index in range(1400)]
    longer = as_text({**in_rows(manifest["spec"]), "looks": looks, "others": []})
    report = replace(reported(manifest), text=canonical_text(longer))
    assert len(report.text) > 150_000
    assert len(page_of(report).encode()) < LARGEST


def _varied(row: list[int], index: int) -> list[int]:
    """A row of large counts that is unlike the others, so nothing is saved by their likeness."""
    return [row[0] + 15 * index, *row[1:3], *((each + 1) * (977 + 131 * index % 8999) for each in row[3:])]


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(RECORDED.glob("*decided.json")), ids=lambda path: path.stem)
def test_what_earlier_releases_recorded_has_a_page(path: Path) -> None:
    spec = json.loads(path.read_text())["verdict"]
    name = f"qa-{spec['revision']}"
    report = reported({"metadata": {"name": name, "namespace": "llm"}, "spec": spec})
    assert not report.problems
    assert len(page_of(report).encode()) < LARGEST
