"""The script of a page repeats the evidence of a verdict as Python has it, and tells of each digit that was changed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from earlystop.api.look_table import number_of_looks
from earlystop.evidence.engine import replay
from earlystop.evidence.version import CURRENT, SEVENTH
from earlystop.report.embedded import asset
from earlystop.rollout.verdict import canonical_text
from tests.unit.report.drawn_verdicts import (
    cohorts_campaign,
    drawn_campaign,
    drawn_verdict,
    grouped_campaign,
    quiet_campaign,
)
from tests.unit.report.hostile import reported
from tests.unit.report.repeating import ensure_repeated
from tests.unit.report.script_engine import Replayer, replayer
from tests.unit.rollout.in_rows import in_rows

ROLLOUT = Path(__file__).parents[1] / "rollout"
RECORDED = sorted((ROLLOUT / "recorded").glob("*decided.json"))
OF_VERSION_2 = [ROLLOUT / "recorded_by_version_2" / f"{name}.json" for name in ("harmed-in-a-class", "promoted")]
OF_VERSION_6 = ROLLOUT / "recorded_by_version_6" / "harmed-while-groups-last.json"
OF_VERSION_7 = ROLLOUT / "recorded_by_version_7" / "harmed-while-requests-show-groups.json"
PROMOTED = next(path for path in RECORDED if path.stem == "canary-decided")


@pytest.fixture(scope="module", name="scripts")
def _scripts() -> Iterator[Replayer]:
    with replayer() as found:
        found.engine.eval(asset("checks.js"))
        found.engine.eval(
            "const problemsOf = (record, terms) => JSON.stringify("
            "evidenceDifferences(comparisonsOf(parsedRecord(record), JSON.parse(terms))))"
        )
        yield found


@pytest.mark.slow
def test_evidence_and_intervals_are_those_of_python_at_each_look(scripts: Replayer) -> None:
    for seed in (3, 8, 11, 12):
        ensure_repeated(scripts, drawn_campaign(seed), at_each_look=True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [24, 28])
def test_a_declared_session_is_repeated_too(scripts: Replayer, seed: int) -> None:
    campaign = drawn_campaign(seed, session=60)
    (first, *_) = campaign.comparisons
    assert first.evidence.objective.known_looks == 16
    ensure_repeated(scripts, campaign, at_each_look=True)


@pytest.mark.slow
def test_cohorts_that_had_the_same_setting_first_are_repeated_too(scripts: Replayer) -> None:
    ensure_repeated(scripts, cohorts_campaign(5), at_each_look=True)


@pytest.mark.slow
@pytest.mark.parametrize("looks", [127, 140])
def test_groups_of_requests_that_outlast_blocks_are_repeated_too(scripts: Replayer, looks: int) -> None:
    campaign = grouped_campaign(6, looks)
    (only,) = campaign.comparisons
    assert only.evidence.dispersion.groups_outlast == (looks == 140) and not only.evidence.dispersion.is_known
    ensure_repeated(scripts, campaign, at_each_look=False)


@pytest.mark.slow
@pytest.mark.parametrize(("quiet", "times", "is_learned"), [(75, 10, True), (130, 100, False)])
def test_quiet_looks_before_busy_ones_are_repeated_too_while_scatter_is_a_guess_and_once_it_is_learned(
    scripts: Replayer, quiet: int, times: int, is_learned: bool
) -> None:
    campaign = quiet_campaign(7, quiet, times)
    (only,) = campaign.comparisons
    plan = only.evidence.objective
    assert plan.engine == CURRENT and only.evidence.dispersion.is_measured == is_learned
    before = replay(replace(plan, engine=SEVENTH), only.looks)
    assert only.evidence.dispersion.factor != pytest.approx(before.dispersion.factor, rel=0.1)
    ensure_repeated(scripts, campaign, at_each_look=True)


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "passes"), [(900, False), (600, True)])
def test_a_limit_that_caps_say_is_repeated_too_and_where_counts_pass_it(
    scripts: Replayer, limit: int, passes: bool
) -> None:
    campaign = grouped_campaign(6, 40)
    assert campaign.plan is not None
    objective = replace(campaign.plan.objective, longest_answer=limit, limit_is_derived=True)
    (only,) = campaign.comparisons
    only = replace(only, evidence=replay(objective, only.looks))
    assert only.evidence.passes_limit == passes
    capped = replace(campaign, plan=replace(campaign.plan, objective=objective), comparisons=(only,))
    ensure_repeated(scripts, capped, at_each_look=True)


@pytest.mark.parametrize("seed", [0, 1_760_000_000, 2**32 + 7])
def test_random_numbers_are_those_of_python(scripts: Replayer, seed: int) -> None:
    found = scripts.engine.eval(
        f"JSON.stringify((() => {{ const r = pythonRandom({seed}); return [r(), r(), r()]; }})())"
    )
    drawn = random.Random(seed)
    assert json.loads(str(found)) == [drawn.random() for _ in range(3)]


@pytest.mark.parametrize("column", ["match", "mismatch", "tokens", "tokens_squared", "completed"])
@pytest.mark.parametrize("variant", ["baseline", "candidate"])
def test_a_changed_count_of_answers_or_tokens_is_told(scripts: Replayer, variant: str, column: str) -> None:
    spec = json.loads(PROMOTED.read_text())["verdict"]
    report = reported({"metadata": {"name": f"qa-{spec['revision']}", "namespace": "llm"}, "spec": spec})
    assert scripts.engine.call("problemsOf", report.text, report.terms) == "[]"
    row, place = spec["looks"][len(spec["looks"]) // 2], spec["columns"].index(f"{variant}.{column}")
    row[place] += row[place] // 10 + 1
    problems = json.loads(str(scripts.engine.call("problemsOf", canonical_text(spec), report.terms)))
    assert problems and "the record says" in problems[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
def test_looks_as_text_are_repeated_as_their_rows_are_and_a_changed_count_in_a_line_is_told(
    scripts: Replayer, seed: int
) -> None:
    manifest = drawn_verdict(seed)
    report, rows = reported(manifest), in_rows(manifest["spec"])
    assert "lookTable" in report.text
    for text in (report.text, canonical_text(rows)):
        assert scripts.engine.call("problemsOf", text, report.terms) == "[]"
    judged = (manifest["spec"], *manifest["spec"]["others"])
    for part in filter(number_of_looks, judged):
        lines = part["lookTable"].split("\n")
        cells, place = lines[-1].split(" "), rows["columns"].index("candidate.match")
        cells[place] = str(int(cells[place]) // 2)
        part["lookTable"] = "\n".join([*lines[:-1], " ".join(cells)])
        problems = json.loads(str(scripts.engine.call("problemsOf", canonical_text(manifest["spec"]), report.terms)))
        assert problems and "the record says" in problems[0]


@pytest.mark.slow
@pytest.mark.parametrize("path", [*RECORDED, *OF_VERSION_2, OF_VERSION_6, OF_VERSION_7], ids=lambda path: path.stem)
def test_what_earlier_releases_recorded_is_repeated(scripts: Replayer, path: Path) -> None:
    spec = json.loads(path.read_text())["verdict"]
    report = reported({"metadata": {"name": f"qa-{spec['revision']}", "namespace": "llm"}, "spec": spec})
    assert scripts.engine.call("problemsOf", report.text, report.terms) == "[]"


@pytest.mark.slow
@pytest.mark.parametrize(("session", "needed"), [(None, 64), (200, 32)], ids=["not declared", "declared"])
def test_a_declared_session_waits_for_no_longer_blocks_whatever_requests_show(
    scripts: Replayer, session: int | None, needed: int
) -> None:
    campaign = drawn_campaign(251, session)
    first = campaign.comparisons[0].evidence
    assert first.split.groups_outlast_blocks and first.dispersion.needed_looks == needed
    ensure_repeated(scripts, campaign, at_each_look=False)


def test_a_whole_number_that_no_float_holds_is_read_exactly(scripts: Replayer) -> None:
    text = '{"a":[9007199254740993,12],"b":"1234567890123456789"}'
    found = json.loads(str(scripts.engine.eval(f"JSON.stringify(parsedRecord({json.dumps(text)}))")))
    assert found == {"a": ["9007199254740993", 12], "b": "1234567890123456789"}
