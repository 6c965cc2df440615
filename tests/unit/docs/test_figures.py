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
PLANNED = re.compile(r"^\| (.+?) \| ([\d,]+) \| ([\d,]+) \| ([\d.]+) \|$", re.MULTILINE)
ROWS = {
    words.partition(":")[0]: (mean, ninety)
    for words, mean, ninety, _ in PLANNED.findall((DOCS / "plan.md").read_text())
}
ROUNDED = 0.01
"""A figure of the page is rounded to a hundred requests, of at least some thousand."""


@pytest.mark.parametrize(("page", "manifest"), POLICIES, ids=[page for page, _ in POLICIES])
def test_every_whole_policy_on_a_page_is_accepted(page: str, manifest: dict[str, Any]) -> None:
    assert problems_of(manifest) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "of_the_objective", "steps", "options"),
    [
        ("as it is", {}, None, ()),
        ("margin of 3 points", {"margin": "0.03"}, None, ()),
        ("one step of 50 %", {}, [{"weight": 50}], ()),
        ("baseline of 95 % EM", {}, None, ("--baseline-em", "0.95")),
    ],
)
def test_figures_of_the_page_on_planning_are_those_of_plan(
    row: str,
    of_the_objective: dict[str, str],
    steps: list[dict[str, int]] | None,
    options: tuple[str, ...],
    tmp_path: Path,
) -> None:
    policy = yaml.load(policy_text(), Loader=SAFE_LOADER)
    policy["spec"]["objective"]["exactMatch"] |= {"assumeIndependent": True, **of_the_objective}
    policy["spec"]["rollout"]["steps"] = steps or policy["spec"]["rollout"]["steps"]
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy))
    ended = CliRunner().invoke(app, ["plan", str(file), "--rate", "20", "--json", *options])
    planned = json.loads(ended.stdout)
    shown = [float(number.replace(",", "")) for number in ROWS[row]]
    assert shown == pytest.approx([planned["requests_mean"], planned["requests_ninety"]], rel=ROUNDED)


def test_figures_of_the_readme_are_those_of_the_page_on_planning() -> None:
    asked = re.search(
        r"takes some ([\d,]+) scored ones at 20 a second, ([\d,]+) where", (DOCS.parents[1] / "README.md").read_text()
    )
    unassumed = "neither `assumeIndependent` nor `dispersion`"
    assert asked is not None and asked.groups() == (ROWS[unassumed][0], ROWS["as it is"][0])
