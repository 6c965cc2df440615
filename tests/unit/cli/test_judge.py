"""`judge` replays written-down counts through the engine that runs in the cluster, and names what it cannot read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from numpy.random import default_rng
from typer.testing import CliRunner

from earlystop.api.counts import Look, Tally
from earlystop.cli.main import app
from earlystop.evidence.engine import Objective, assess, replay
from tests.cluster.objects import changed, policy

HEADER = "variant,look,completed,failed,match,mismatch,tokens,tokens_squared"
OBJECTIVE = Objective(margin=0.02, minimum_saving=0.0, risk_promote=0.05, risk_harm=0.05)


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(policy()))
    return path


def looks(rates: tuple[float, float], count: int, seed: int) -> list[Look]:
    random = default_rng(seed)

    def arm(rate: float, mean: float) -> Tally:
        match, lengths = int(random.binomial(200, rate)), random.poisson(mean, 200)
        return Tally(
            completed=200,
            match=match,
            mismatch=200 - match,
            tokens=int(lengths.sum()),
            tokens_squared=int((lengths**2).sum()),
        )

    return [Look(number, 0, 50, arm(rates[0], 600), arm(rates[1], 300)) for number in range(1, count + 1)]


def text(rows: list[Look]) -> str:
    lines = [HEADER]
    for look in rows:
        for variant in ("baseline", "candidate"):
            tally = getattr(look, variant)
            counts = (tally.completed, tally.failed, tally.match, tally.mismatch, tally.tokens, tally.tokens_squared)
            lines.append(",".join(map(str, (variant, look.at, *counts))))
    return "\n".join(lines) + "\n"


def judged(tmp_path: Path, policy_file: Path, content: str) -> list[dict[str, object]]:
    path = tmp_path / "looks.csv"
    path.write_text(content)
    result = CliRunner().invoke(app, ["judge", str(path), "--policy", str(policy_file)])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.slow
def test_every_look_gives_the_e_values_of_the_engine_to_the_last_digit(tmp_path: Path, policy_file: Path) -> None:
    rows = looks((0.85, 0.85), 30, seed=1)
    told = judged(tmp_path, policy_file, text(rows))
    assert [each["look"] for each in told] == list(range(1, 31))
    for number, each in enumerate(told, start=1):
        found = assess(replay(OBJECTIVE, rows[:number]))
        log_e = found.log_e
        assert each["log_e"] == {
            "promote": log_e.promote,
            "harm": log_e.harm,
            "tokens": log_e.tokens,
            "sample_ratio": log_e.sample_ratio,
        }
        assert each["effect"] == found.effect.estimate
        assert each["interval"] == [found.effect.low, found.effect.high]


def test_a_harmful_candidate_is_rolled_back_and_the_verdict_stays(tmp_path: Path, policy_file: Path) -> None:
    told = judged(tmp_path, policy_file, text(looks((0.85, 0.60), 20, seed=2)))
    verdicts = [each["verdict"] for each in told]
    first = verdicts.index("RollBack")
    assert set(verdicts[first:]) == {"RollBack"}
    assert set(verdicts[:first]) <= {"Continue"}


@pytest.mark.slow
def test_a_candidate_that_is_as_good_and_cheaper_is_promoted(tmp_path: Path, policy_file: Path) -> None:
    assert judged(tmp_path, policy_file, text(looks((0.85, 0.87), 200, seed=3)))[-1]["verdict"] == "Promote"


def test_the_order_of_lines_in_the_file_does_not_matter(tmp_path: Path, policy_file: Path) -> None:
    lines = text(looks((0.85, 0.84), 10, seed=4)).splitlines()
    shuffled = [lines[0], *reversed(lines[1:])]
    assert judged(tmp_path, policy_file, "\n".join(lines)) == judged(tmp_path, policy_file, "\n".join(shuffled))


def test_query_classes_of_a_look_are_added_up(tmp_path: Path, policy_file: Path) -> None:
    whole = f"{HEADER},query_class\nbaseline,1,30,0,20,10,900,30000,\ncandidate,1,30,0,21,9,500,9000,\n"
    parts = (
        f"{HEADER},query_class\nbaseline,1,10,0,10,0,300,10000,easy\nbaseline,1,20,0,10,10,600,20000,hard\n"
        "candidate,1,10,0,10,0,200,4000,easy\ncandidate,1,20,0,11,9,300,5000,hard\n"
    )
    assert judged(tmp_path, policy_file, whole) == judged(tmp_path, policy_file, parts)


GOOD = "baseline,1,10,0,8,2,100,1000"
WRONG = {
    "a header without a column": ("variant,look\n", "line 1: the header lacks completed"),
    "a column that nobody knows": (f"{HEADER},colour\n", "line 1: colour is no column"),
    "an unknown variant": (
        f"{HEADER}\ncontrol,1,10,0,8,2,100,1000\n",
        "line 2, column variant: 'control'; write baseline",
    ),
    "a negative count": (f"{HEADER}\nbaseline,1,10,-1,8,2,100,1000\n", "line 2, column failed: '-1' is not a count"),
    "a fraction": (f"{HEADER}\n{GOOD}\ncandidate,1,10,0,8.5,1,100,1\n", "line 3, column match: '8.5' is not a count"),
    "more scored than completed": (
        f"{HEADER}\nbaseline,1,10,0,8,3,100,1000\n",
        "11 together, more than the 10 completed",
    ),
    "a line too short": (f"{HEADER}\nbaseline,1,10\n", "line 2: the line has more or fewer fields"),
    "a line twice": (f"{HEADER}\n{GOOD}\n{GOOD}\n", "line 3, column look: look 1 of the baseline stands in line 2"),
    "a weight out of bounds": (
        f"{HEADER},weight\n{GOOD},100\n",
        "line 2, column weight: 100; write the candidate's percent",
    ),
}


@pytest.mark.parametrize(("content", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_a_file_that_cannot_be_used_is_named_by_line_and_column(
    tmp_path: Path, policy_file: Path, content: str, sentence: str
) -> None:
    path = tmp_path / "looks.csv"
    path.write_text(content)
    result = CliRunner().invoke(app, ["judge", str(path), "--policy", str(policy_file)], env={"COLUMNS": "400"})
    assert result.exit_code == 1
    assert sentence in result.output


def test_counts_of_one_candidate_are_not_judged_by_a_policy_of_several(tmp_path: Path) -> None:
    several = [{"name": f"w{window}", "values": [{"name": "window", "value": str(window)}]} for window in (10, 5)]
    path, counts = tmp_path / "policy.yaml", tmp_path / "looks.csv"
    shadow = changed(policy(), "spec.delivery", {"mode": "Shadow", "shadow": {"routeRef": {"name": "qa"}}})
    shadow = changed(shadow, "spec.rollout", {"steps": []})
    path.write_text(yaml.safe_dump(changed(shadow, "spec.candidates", several)))
    counts.write_text(text(looks((0.8, 0.8), 2, seed=1)))
    result = CliRunner().invoke(app, ["judge", str(counts), "--policy", str(path)], env={"COLUMNS": "400"})
    assert result.exit_code == 1
    assert "holds 2 candidates (w10, w5)" in result.output and "write a policy with just the one" in result.output


def test_a_policy_in_shadow_is_judged_on_pairs_as_one_that_asks_for_them(tmp_path: Path) -> None:
    shadow = changed(policy(), "spec.delivery", {"mode": "Shadow", "shadow": {"routeRef": {"name": "qa"}}})
    paired = changed(policy(), "spec.objective.exactMatch.evidence", "Pairs")
    lines = text(looks((0.8, 0.7), 3, seed=2)).splitlines()
    with_pairs = [f"{lines[0]},pairs_both,pairs_baseline_only,pairs_candidate_only,pairs_neither"]
    with_pairs += [f"{line},{'0,0,0,0' if line.startswith('baseline') else '150,10,2,38'}" for line in lines[1:]]
    told = []
    for manifest in (changed(shadow, "spec.rollout", {"steps": []}), paired):
        path = tmp_path / "policy.yaml"
        path.write_text(yaml.safe_dump(manifest))
        told.append([judged(tmp_path, path, "\n".join(rows) + "\n") for rows in (with_pairs, lines)])
    assert told[0] == told[1]
    assert told[0][0][-1]["effect"] == pytest.approx(-8 / 200)
    assert told[0][1][-1]["effect"] is None  # without pairs there is nothing to go by


def test_judge_status_and_verdict_agree_on_e_values_also_over_several_steps(tmp_path: Path, policy_file: Path) -> None:
    """In the file the step is written as people count it; in a record as the counters' label says it, from 0."""
    places = [(look, (look.at - 1) // 4) for look in looks((0.8, 0.8), 8, 5)]
    rows = [replace(look, step=step, weight=(25, 50)[step]) for look, step in places]
    written = ["step,weight," + HEADER]
    for line, look in zip(text(rows).splitlines()[1:], [each for each in rows for _ in range(2)], strict=True):
        written.append(f"{look.step + 1},{look.weight},{line}")
    last = judged(tmp_path, policy_file, "\n".join(written) + "\n")[-1]
    replayed = assess(replay(OBJECTIVE, rows))
    for name, values in (("log_e", replayed.log_e), ("largest_log_e", replayed.log_e_max)):
        found = last[name]
        assert isinstance(found, dict)
        assert found["promote"] == pytest.approx(values.promote) and found["harm"] == pytest.approx(values.harm)
        assert found["tokens"] == pytest.approx(values.tokens)


def test_a_look_of_two_steps_is_refused_by_its_line(tmp_path: Path, policy_file: Path) -> None:
    written = text(looks((0.8, 0.8), 1, 5)).splitlines()
    path = tmp_path / "looks.csv"
    path.write_text("\n".join([f"step,{written[0]}", f"1,{written[1]}", f"2,{written[2]}"]) + "\n")
    result = CliRunner().invoke(app, ["judge", str(path), "--policy", str(policy_file)])
    assert result.exit_code != 0 and "look 1 is of step 1 already" in " ".join(result.output.split())
