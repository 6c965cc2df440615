"""What pages show of policies and of their cost is what this release makes of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from earlystop.cli.files.offline_check import problems_of
from earlystop.cli.files.yaml_values import SAFE_LOADER
from earlystop.cli.main import app
from tests.readme_commands import blocks, policy_text
from tests.unit.docs.pages import DOCS

POLICIES = [
    (page.name, manifest)
    for page in sorted(DOCS.glob("*.md"))
    for text in blocks(page, "yaml")
    if "kind: EarlyStopPolicy" in text
    for manifest in yaml.load_all(text, Loader=SAFE_LOADER)
    if manifest.get("kind") == "EarlyStopPolicy"
]
NEEDED = re.compile(r"^\| (\d) points? \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", re.MULTILINE)
QUESTIONS = {
    (points, differing): int(number.replace(",", ""))
    for points, *numbers in NEEDED.findall((DOCS / "questions.md").read_text())
    for differing, number in zip(("0.03", "0.06", "0.12"), numbers, strict=True)
}
"""How many golden questions are needed, by the margin in points and the share of pairs that differ."""
PLANNED = re.compile(r"^\| (.+?) \| ([\d,]+) \| ([\d,]+) \| ([\d.]+) \|$", re.MULTILINE)
ROWS = {
    words.partition(":")[0]: (mean, ninety)
    for words, mean, ninety, _ in PLANNED.findall((DOCS / "plan.md").read_text())
}
UNKNOWN_SCATTER = {"assumeIndependent": False}
PLANNED_ROWS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "as it is": ({}, ()),
    "margin of 1 point": ({"exactMatch": {"margin": "0.01"}}, ()),
    "margin of 3 points": ({"exactMatch": {"margin": "0.03"}}, ()),
    "margin of 5 points": ({"exactMatch": {"margin": "0.05"}}, ()),
    "the candidate loses 1 of the 2 points": ({}, ("--em-loss", "0.01")),
    "the candidate loses 4 points": ({}, ("--em-loss", "0.04")),
    "risks of 1 %": ({"risk": {"promote": "0.01", "harm": "0.01"}}, ()),
    "risks of 10 %": ({"risk": {"promote": "0.1", "harm": "0.1"}}, ()),
    "baseline of 95 % EM": ({}, ("--baseline-em", "0.95")),
    "baseline of 50 % EM": ({}, ("--baseline-em", "0.5")),
    "one step of 50 %": ({"rollout": {"steps": [{"weight": 50}]}}, ()),
    "one step of 5 %": ({"rollout": {"steps": [{"weight": 5}]}}, ()),
    "a design effect of 2 by sessions (`dispersion": (
        {"exactMatch": {**UNKNOWN_SCATTER, "dispersion": "2"}},
        ("--dispersion", "2"),
    ),
    "neither `assumeIndependent` nor `dispersion`": ({"exactMatch": UNKNOWN_SCATTER}, ()),
    "sessions of a minute at most (`longestSessionSeconds": (
        {"exactMatch": {**UNKNOWN_SCATTER, "longestSessionSeconds": 60}},
        (),
    ),
    "2 requests a second": ({}, ("--rate", "2")),
    "0.2 requests a second": ({}, ("--rate", "0.2")),
    "golden questions asked of both variants, of which 6 % are answered differently (`evidence": (
        {"exactMatch": {"evidence": "Pairs"}},
        ("--rate", "2"),
    ),
}
"""Each row of the page on planning, by its words up to a colon: what its policy has beside that of the README, and the
options of its command."""
ROUNDED = 0.01
"""A figure of the page is rounded to a hundred requests, of at least some thousand."""


@pytest.mark.parametrize(("page", "manifest"), POLICIES, ids=[page for page, _ in POLICIES])
def test_every_whole_policy_on_a_page_is_accepted(page: str, manifest: dict[str, Any]) -> None:
    assert problems_of(manifest) == []


def planned(policy: dict[str, Any], folder: Path, *options: str) -> dict[str, Any]:
    """What `plan --json` says of a policy."""
    file = folder / "policy.json"
    file.write_text(json.dumps(policy))
    said: dict[str, Any] = json.loads(CliRunner().invoke(app, ["plan", str(file), "--json", *options]).stdout)
    return said


@pytest.mark.slow
@pytest.mark.parametrize("row", PLANNED_ROWS)
def test_figures_of_the_page_on_planning_are_those_of_plan(row: str, tmp_path: Path) -> None:
    of_the_rest, options = PLANNED_ROWS[row]
    policy = yaml.load(policy_text(), Loader=SAFE_LOADER)
    objective = policy["spec"]["objective"]
    policy["spec"]["rollout"] |= of_the_rest.get("rollout", {})
    objective["exactMatch"] |= {"assumeIndependent": True, **of_the_rest.get("exactMatch", {})}
    objective |= {"risk": of_the_rest.get("risk", {})}
    said = planned(policy, tmp_path, "--rate", "20", *options)
    shown = [float(number.replace(",", "")) for number in ROWS[row]]
    assert shown == pytest.approx([said["requests_mean"], said["requests_ninety"]], rel=ROUNDED)


@pytest.mark.slow
def test_figures_of_the_page_on_questions_are_those_of_plan(tmp_path: Path) -> None:
    policy = yaml.load(policy_text(), Loader=SAFE_LOADER)
    policy["spec"]["rollout"]["steps"] = [{"weight": 50}]
    assert len(QUESTIONS) == 12
    for (points, differing), shown in QUESTIONS.items():
        of_questions = {"evidence": "Pairs", "questions": {"about": "Population", "number": 3000}}
        policy["spec"]["objective"]["exactMatch"] = {"margin": f"0.0{points}", **of_questions}
        said = planned(policy, tmp_path, "--rate", "2", "--discordance", differing)
        assert shown == pytest.approx(said["distinct_questions"], rel=ROUNDED), (points, differing)


def test_every_row_of_the_page_on_planning_is_compared() -> None:
    assert set(ROWS) == set(PLANNED_ROWS)


def test_figures_of_the_readme_are_those_of_the_page_on_planning() -> None:
    asked = re.search(
        r"takes some ([\d,]+) scored ones at 20 a second, ([\d,]+) where", (DOCS.parents[1] / "README.md").read_text()
    )
    unassumed = "neither `assumeIndependent` nor `dispersion`"
    assert asked is not None and asked.groups() == (ROWS[unassumed][0], ROWS["as it is"][0])
