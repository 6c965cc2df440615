"""`kubectl earlystop plan` knows the part of a margin that a campaign has, and how many golden questions it needs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from earlystop.api.policy import PolicySpec
from earlystop.cli.main import app
from earlystop.cli.plan_remarks import floor_remarks, rows_of, single_look_remark, supposed_remark, why_few
from earlystop.rollout.margin_use import digest_of_setting
from tests.cluster.objects import changed, policy
from tests.unit.api.body_policies import body_spec

PINNED = {"values": [{"name": "window", "value": "40"}], "promotions": 2}
LIVE = PolicySpec.model_validate(policy()["spec"])
PAIRS = {"margin": "0.02", "evidence": "Pairs"}


def told(tmp_path: Path, manifest: dict[str, Any], *options: str) -> str:
    """What the command says about a policy in a file, without line breaks."""
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(manifest))
    done = CliRunner().invoke(app, ["plan", str(file), *options])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def forecast(tmp_path: Path, manifest: dict[str, Any]) -> dict[str, float]:
    found: dict[str, float] = json.loads(told(tmp_path, manifest, "--json"))
    return found


def test_a_plan_says_which_traffic_it_supposes_with_the_options_that_change_it() -> None:
    assert supposed_remark(LIVE, 10, 0.999, 0.06) == (
        "Supposed: 10 scored requests a second (--rate), a baseline with 99.9 % of answers right (--baseline-em)."
    )
    paired = changed(policy(), "spec.objective.exactMatch", PAIRS)["spec"]
    on_pairs = supposed_remark(PolicySpec.model_validate(paired), 1, 0.8, 0.06)
    assert "1 pair a second" in on_pairs and "6 % of pairs that just one variant has right (--discordance)" in on_pairs


@pytest.mark.slow
@pytest.mark.parametrize("evidence", ["Answers", "Pairs"])
def test_no_sentence_stands_twice(tmp_path: Path, evidence: str) -> None:
    plan = told(tmp_path, changed(policy(), "spec.objective.exactMatch", {"margin": "0.02", "evidence": evidence}))
    sentences = plan.split(". ")
    assert len(sentences) > 2 and [each for each in sentences if sentences.count(each) > 1] == []


@pytest.mark.slow
def test_half_of_a_margin_takes_more_than_four_times_the_requests(tmp_path: Path) -> None:
    whole, half = forecast(tmp_path, policy()), forecast(tmp_path, changed(policy(), "spec.baseline.pinned", PINNED))
    assert half["margin"] == 0.01 and half["risk"] == 0.025
    assert 4 < half["requests_mean"] / whole["requests_mean"] < 6
    text = told(tmp_path, changed(policy(), "spec.baseline.pinned", PINNED))
    assert "0 are spent; promotion 1 of 2 may lose 1." in text


@pytest.mark.slow
def test_what_a_status_says_of_losses_is_counted_and_where_none_is_told_that_is_said(tmp_path: Path) -> None:
    manifest = changed(policy(), "spec.baseline.pinned", PINNED)
    manifest["spec"]["baseline"]["values"] = [{"name": "window", "value": "20"}]
    assert "which this file has not" in told(tmp_path, manifest)
    loss = {"values": [{"name": "window", "value": "20"}], "lost": "0.008", "risk": "0.025", "promotions": 1}
    manifest["status"] = {"losses": [{"pinned": DIGEST, **loss}]}
    text = told(tmp_path, manifest)
    assert "0.8 are spent; promotion 2 of 2 may lose 1.2." in text and "which this file has not" not in text


DIGEST = digest_of_setting({"window": "40"})


@pytest.mark.parametrize(
    ("questions", "said"),
    [
        (None, "The verdict is about the file of golden questions; one about the population of golden questions needs"),
        ({"about": "Population", "number": 200}, "200 are too few, so most rollouts end as QuestionsExhausted"),
        ({"about": "Population", "number": 5000}, "5,000 are enough"),
    ],
)
def test_it_says_how_many_different_questions_a_verdict_needs(tmp_path: Path, questions: Any, said: str) -> None:
    wanted = {**PAIRS, **({"questions": questions} if questions else {})}
    text = told(tmp_path, changed(policy(), "spec.objective.exactMatch", wanted))
    # In 400 rollouts 2,455 sufficed nine times in ten.
    assert said in text and re.search(r"needs 2,[345]\d\d ", text)


def test_a_margin_that_is_spent_and_losses_that_cannot_be_are_told_in_a_sentence(tmp_path: Path) -> None:
    manifest = changed(policy(), "spec.baseline.pinned", PINNED)
    manifest["spec"]["baseline"]["values"] = [{"name": "window", "value": "20"}]
    loss = {"pinned": DIGEST, "values": [{"name": "window", "value": "20"}], "lost": "0.02", "risk": "0.05"}
    for changes, said in (({"promotions": 2}, "No margin is left"), ({"promotions": 1, "lost": "2"}, "status.losses")):
        manifest["status"] = {"losses": [{**loss, **changes}]}
        file = tmp_path / "spent.json"
        file.write_text(json.dumps(manifest))
        done = CliRunner().invoke(app, ["plan", str(file)])
        assert done.exit_code != 0 and said in " ".join(done.output.split())


def test_nobody_is_told_to_wait_for_more_requests_than_the_deadline_allows() -> None:
    figures = {"sensible_maximum": 10.0, "fixed_sample": 5.0, "power": 0.5}
    assert "hardly ever gets one" not in single_look_remark(LIVE, {**figures, "requests_to_deadline": 9.0})
    assert "no verdict after 10 requests" in single_look_remark(LIVE, {**figures, "requests_to_deadline": 11.0})


def test_where_pairs_are_the_evidence_no_sentence_counts_requests() -> None:
    spec = PolicySpec.model_validate(body_spec())
    figures = {"sensible_maximum": 10.0, "fixed_sample": 5.0, "power": 0.5, "requests_to_deadline": 11.0}
    for sentence in (single_look_remark(spec, figures), why_few(spec, 5.0, 1.0)):
        assert "pair" in sentence and "request" not in sentence


@pytest.mark.slow
def test_too_little_traffic_is_told_as_such_and_not_as_a_loss_near_the_margin(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy()))
    done = CliRunner().invoke(app, ["plan", str(file), "--rate", "0.0001"])
    said = " ".join(done.output.split())
    assert done.exit_code == 1 and "9 requests by the deadline are few" in said and "Write a larger --rate" in said
    assert "too near to the margin" in why_few(LIVE, fixed_sample=10.0, to_deadline=10.0)


def test_pairs_have_one_row_since_each_is_about_both_variants() -> None:
    spec = PolicySpec.model_validate(body_spec())
    assert [row for row, *_ in rows_of(spec)] == ["pairs that are evidence, over all steps", "hours over all steps"]


FLOORED = PolicySpec.model_validate(changed(policy(), "spec.objective.exactMatch.floor", "0.79")["spec"])


@pytest.mark.parametrize(
    ("baseline_em", "em_loss", "told"),
    [
        (0.78, 0.0, "The baseline itself is below objective.exactMatch.floor: 78 by --baseline-em, "),
        (0.80, 0.015, "A candidate that loses so much is below objective.exactMatch.floor, 79,"),
        (0.80, 0.01, ""),
        (0.79, 0.0, ""),
    ],
)
def test_a_floor_that_is_above_what_is_supposed_of_the_variants_is_told(
    baseline_em: float, em_loss: float, told: str
) -> None:
    said = " ".join(floor_remarks(FLOORED, baseline_em, em_loss, source="--baseline-em"))
    assert said.startswith(told) and bool(said) == bool(told)
    assert floor_remarks(LIVE, baseline_em, em_loss, source="--baseline-em") == []


@pytest.mark.slow
@pytest.mark.parametrize("command", ["plan", "simulate"])
def test_plan_and_simulate_say_first_that_the_supposed_baseline_is_below_the_floor(
    tmp_path: Path, command: str
) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(changed(policy(), "spec.objective.exactMatch.floor", "0.95")))
    done = CliRunner().invoke(app, [command, str(file), *(["--runs", "2"] if command == "simulate" else [])])
    assert done.exit_code == 0 and "The baseline itself is below objective.exactMatch.floor: 80 by" in done.output
