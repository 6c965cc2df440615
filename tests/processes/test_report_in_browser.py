"""In a browser a page repeats its evidence, draws it, and turns red when a character that matters was changed."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.look_table import number_of_looks
from earlystop.report.page import page_of
from earlystop.rollout.verdict import verdict_object
from tests.processes.browser import rendered
from tests.unit.report.drawn_verdicts import drawn_verdict, long_verdict
from tests.unit.report.hostile import MARKUP, hostile_verdict, reported, stored
from tests.unit.report.tags import Tags
from tests.unit.report.whole_page import SHOWN_OF_THE_RECORD, whole_report
from tests.unit.rollout.policies import UID
from tests.unit.rollout.states import REACHED

PROMOTED = Path(__file__).parents[1] / "unit" / "rollout" / "recorded" / "canary-every-claim-decided.json"
BESIDE_OTHERS = 3
"""Seed of a record with two candidates."""


def promoted_page() -> str:
    spec = json.loads(PROMOTED.read_text())["verdict"]
    return page_of(reported({"metadata": {"name": f"qa-{spec['revision']}", "namespace": "llm"}, "spec": spec}))


def long_page() -> str:
    page = page_of(reported(long_verdict()))
    assert 'data-packed="gzip"' in page
    return page


def page_beside_others() -> str:
    return page_of(reported(drawn_verdict(BESIDE_OTHERS)))


def judged_in(page: str) -> list[dict[str, Any]]:
    """The candidates of a record that is not compressed; none of one that is."""
    if 'data-packed="gzip"' in page:
        return []
    record = json.loads(Tags(page).texts["record"])
    return [record, *record.get("others", [])]


def opened(page: str, folder: Path) -> tuple[Tags, list[str]]:
    path = folder / "qa.html"
    path.write_text(page, encoding="utf-8")
    text, console = rendered(path, folder)
    return Tags(text), console


def check_of(tags: Tags) -> str | None:
    return next(attrs["class"] for _, attrs in tags.found if attrs.get("id") == "check")


@pytest.mark.parametrize("what", ["promoted", "long", "several"])
def test_a_page_of_a_right_record_turns_green_and_draws_every_plot(tmp_path: Path, what: str) -> None:
    page = {"promoted": promoted_page, "long": long_page, "several": page_beside_others}[what]()
    tags, console = opened(page, tmp_path)
    assert check_of(tags) == "good" and console == [], (tags.texts["check"], console)
    plots = [attrs for _, attrs in tags.found if "data-plot" in attrs]
    assert [tag for tag, _ in tags.found].count("canvas") >= len(plots) - 1 > 0
    assert [tag for tag, _ in tags.found].count("tr") > sum(number_of_looks(each) for each in judged_in(page))


PICTURES = """<script>document.addEventListener("DOMContentLoaded", () => setTimeout(() => {
  const told = uPlots.map((plot) => ({
    seconds: plot.scales.x.max - plot.scales.x.min,
    values: plot.series.slice(1).map((each, at) => [each.label, plot.data[at + 1]]),
    marks: plot.root.closest("[data-plot]").dataset.plot === "evidence"
      ? plot.axes[1].values(plot, plot.axes[1].splits(plot, 1, plot.scales.y.min, plot.scales.y.max)) : [],
  }));
  document.body.append(Object.assign(document.createElement("p"), { id: "told", textContent: JSON.stringify(told) }));
}, 2000));</script>"""


def test_one_look_alone_is_drawn_within_a_minute_beside_its_lines_and_what_is_not_known_is_said(tmp_path: Path) -> None:
    page = page_of(reported(stored(verdict_object("qa", "llm", UID, REACHED["aborted"]))))
    made, kept = "const plot = new uPlot(", "globalThis.uPlots ??= []; const plot = uPlots[uPlots.length] = new uPlot("
    assert page.count(made) == 1
    seen = page.replace(made, kept)
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    tags, console = opened(policy.sub("", seen.replace("</head>", f"{PICTURES}</head>")), tmp_path)
    assert console == [], console
    plots = json.loads(tags.texts["told"])
    assert len(plots) == 3 and all(each["seconds"] == 60 for each in plots), "tokens saved are known at no look"
    lines = {label: values for each in plots for label, values in each["values"] if label.startswith("line of")}
    assert set(lines) == {"line of a promotion and of harm: 1 in 20"}, "one line is drawn where both are the same"
    assert all(len(values) == 3 and None not in values for values in lines.values())
    assert [each["marks"][0] for each in plots if each["marks"]] == ["no sign"]


CHANGES = {
    "a count of a look": (r'("looks":\[\[\d+,\d+,\d+,\d+,\d+,\d+,\d)(\d)', r"\g<1>7"),
    "a number in the message": (r"risk of error 0\.05\.(?=</p>)", "risk of error 0.01."),
    "what had to be proven": (r'(id="terms"[^>]*>.*?margin&#34;:0\.0)5', r"\g<1>6"),
    "an interval in a table": (r'(<td class="number effect">\+)\d', r"\g<1>9"),
    "the setting in force": (r'(data-record="settings.0.after">)10', r"\g<1>99"),
    "the price of error": (r"(with a probability of at most )\d", r"\g<1>9"),
    "a text after the script": (r"</script>\n(?=</body>)", "</script><p>It verifies.</p>"),
    "the digest": (r'(id="digest">sha256:[0-9a-f]{10})([0-9a-f])', r"\g<1>x"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_character_turns_the_page_red(tmp_path: Path, what: str) -> None:
    pattern, other = CHANGES[what]
    page = promoted_page()
    plain = page.replace("&#34;looks&#34;:", '"looks":')
    changed = re.sub(pattern, other, plain if what == "a count of a look" else page, count=1)
    assert changed not in (page, plain)
    tags, _ = opened(changed, tmp_path)
    assert check_of(tags) == "bad"
    assert tags.texts["check"].strip().startswith("This verdict does not verify")


def test_each_text_and_attribute_of_a_page_is_compared_and_what_the_record_holds_with_the_record(
    tmp_path: Path,
) -> None:
    page, script = page_of(whole_report()), Path(__file__).with_name("altering.js").read_text()
    end = 'document.addEventListener("DOMContentLoaded", main);'
    assert page.count(end) == 1
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    tags, console = opened(policy.sub("", page.replace(end, f"setTimeout(() => {{ {script} }});")), tmp_path)
    assert console == [] and "found" in tags.texts, console
    found = json.loads(tags.texts["found"])
    assert found["changes"] > 300 and found["recorded"] > len(SHOWN_OF_THE_RECORD)
    assert (found["isSame"], found["missed"], found["unnamed"], found["differencesAtFirst"]) == (True, [], [], [])


def test_a_changed_character_of_a_compressed_record_turns_the_page_red(tmp_path: Path) -> None:
    page = long_page()
    begin = page.index('data-packed="gzip">') + 4000
    changed = page[:begin] + ("B" if page[begin] == "A" else "A") + page[begin + 1 :]
    tags, _ = opened(changed, tmp_path)
    assert check_of(tags) == "bad" and "cannot be repeated" in tags.texts["problems"]


def test_no_text_of_a_tenant_runs_in_a_browser(tmp_path: Path) -> None:
    manifest = hostile_verdict(message=MARKUP, requestedBy=MARKUP, policy=MARKUP)
    tags, console = opened(page_of(reported(manifest)), tmp_path)
    assert check_of(tags) == "bad"  # its words are not those of its looks
    assert console == [] and [tag for tag, _ in tags.found].count("script") == 1
    assert MARKUP in tags.texts["verdict"]


MEASURED = """<iframe style="width: {width}px; height: 3000px; border: 0" srcdoc="{page}"></iframe><p id="widths"></p>
<script>setTimeout(() => {{
  const inner = document.querySelector("iframe").contentDocument;
  const parts = [inner.documentElement, ...inner.querySelectorAll(".scroll:not(.looks)")];
  document.getElementById("widths").textContent =
    JSON.stringify(parts.map((each) => [each.scrollWidth, each.clientWidth]));
}}, 5000)</script>"""
DESKTOP, PHONE = 1100, 390


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_neither_the_page_nor_a_table_of_it_scrolls_sideways(tmp_path: Path, width: int) -> None:
    report = whole_report()
    missing = f"The verdict before qa-7a4cc282d7-2, with the digest sha256:{64 * 'd'}, is not there."
    page = page_of(replace(report, problems=(*report.problems, missing)))
    tags, _ = opened(MEASURED.format(width=width, page=html.escape(page)), tmp_path)
    widths = json.loads(tags.texts["widths"])
    assert len(widths) == 4, "the page, settings, query classes and the audit trail"
    assert all(needed <= there for needed, there in widths), widths
    assert width - 20 <= widths[0][1] <= width, "measured at the width that is meant"


def test_on_a_phone_each_cell_says_the_words_of_its_column() -> None:
    page = page_of(whole_report())
    for table in ("settings", "decisions"):
        heading = re.search(rf'id="{table}".*?<thead>(.*?)</thead>', page, re.DOTALL)
        assert heading is not None
        columns = re.findall(r'<th scope="col">(.*?)</th>', heading[1])
        said = re.findall(rf'#{table} (?:td:nth-child\(\d\)|tbody th)::before{{content:"(.*?): "}}', page)
        assert said == columns
