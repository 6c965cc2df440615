"""`kubectl earlystop savings` adds up what policies have saved, and says what is not in it."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from earlystop.api.counts import Tally
from earlystop.cli.main import app
from earlystop.cli.savings import as_json, savings_of, screen_of, sentences
from earlystop.controller.cluster import Manifest
from earlystop.rollout.plan import StageKind
from earlystop.rollout.savings.ledger import Asked, SavingsLedger, booked, counts_of_step
from tests.unit.cli.api_server import api_with
from tests.unit.controller.tracked_policies import manifest
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.states import REACHED

EUROS = {"price": {"perMillionTokens": "2.00", "currency": "EUR"}}
SOURCE = {"metadata": {"name": "default"}, "spec": {"url": "http://p:9090", "price": {"perMillionTokens": "1.00"}}}


def ledger() -> SavingsLedger:
    """1,000,000 requests of a candidate that took 400 tokens each, where the baseline's took 600."""
    baseline = Tally(completed=1_000_000, tokens=600_000_000)
    candidate = Tally(completed=1_000_000, tokens=400_000_000)
    return booked(None, counts_of_step(1, 0, StageKind.SPLIT, baseline, [candidate]), NOW)


def policy(name: str = "qa", state: str = "observing", savings: dict[str, Any] | None = None) -> Manifest:
    changes = None if savings is None else {"savings": savings}
    return manifest(replace(REACHED[state], savings=ledger()), name=name, changes=changes)


def test_tokens_are_worth_the_policys_price_else_that_of_its_source_else_nothing_is_said() -> None:
    own, of_source = savings_of(policy(savings=EUROS), [SOURCE]), savings_of(policy(), [SOURCE])
    nobody = savings_of(policy(), [])
    assert own is not None and of_source is not None and nobody is not None
    assert (own.net, str(own.worth)) == (200_000_000, "400.00 EUR")
    assert str(of_source.worth) == "200.00 USD"
    assert nobody.worth is None


def test_generated_shadows_are_taken_off_and_judged_ones_are_not() -> None:
    shadowed = booked(None, counts_of_step(1, 0, StageKind.SHADOW, Tally(), [Tally(tokens=70)]), NOW)
    made = manifest(replace(REACHED["observing"], savings=shadowed), changes={"savings": {"shadows": "Generated"}})
    generated, judged = savings_of(made, []), savings_of(manifest(replace(REACHED["observing"], savings=shadowed)), [])
    assert generated is not None and judged is not None
    assert (generated.net, judged.net) == (-70, 0)


def test_what_is_served_after_the_last_look_is_said_not_to_be_in_it() -> None:
    over, counting = savings_of(policy(state="promoted"), []), savings_of(policy(), [])
    assert over is not None and counting is not None
    assert any("llm/qa" in sentence and "no look counts" in sentence for sentence in sentences([over]))
    assert not any("no look counts" in sentence for sentence in sentences([counting]))


@pytest.mark.parametrize("state", ["applying", "settling", "observing", "suspended", "promoting"])
def test_a_campaign_that_goes_on_is_never_said_to_be_over(state: str) -> None:
    found = savings_of(policy(state=state), [])
    assert found is not None and not found.is_over
    assert not any("are over" in sentence for sentence in sentences([found]))


def test_counters_that_contradict_each_other_are_told_with_what_to_look_for() -> None:
    asked = Asked(Tally(completed=150, tokens=90_000))
    counts = counts_of_step(1, 0, StageKind.SPLIT, Tally(completed=100, tokens=60_000), [], asked=asked)
    found = savings_of(manifest(replace(REACHED["observing"], savings=booked(None, counts, NOW))), [])
    assert found is not None
    (told,) = [each for each in sentences([found]) if "contradicted each other" in each]
    assert "llm/qa" in told and "earlystop_ series" in told
    assert as_json([found])["policies"][0]["doubtfulSteps"] == 1
    sound = savings_of(policy(), [])
    assert sound is not None and not any("contradicted" in each for each in sentences([sound]))


def test_no_number_is_cut_at_80_and_at_120_columns() -> None:
    found = [each for name in ("a", "b" * 60) if (each := savings_of(policy(name, savings=EUROS), [])) is not None]
    for width in (80, 120):
        shown = Console(width=width, file=StringIO(), record=True)
        shown.print(screen_of(found))
        text = shown.export_text()
        assert max(map(len, text.splitlines())) <= width and "…" not in text
        assert text.count("200,000,000") == 4 and text.count("400,000,000") == 2
        assert text.count("400.00 EUR") == 2 and text.count("800.00 EUR") == 1


@pytest.mark.slow
def test_the_command_adds_up_all_policies_apart_for_each_currency(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dollars = {"price": {"perMillionTokens": "1.00"}}
    policies = [
        policy("a", savings=EUROS),
        policy("b", savings=EUROS),
        policy("c", savings=dollars),
        manifest(name="d"),
    ]
    for each in policies:
        each["spec"].setdefault("savings", dollars)
    with api_with(policies, tmp_path, monkeypatch):
        told = CliRunner().invoke(app, ["savings", "-n", "llm", "-o", "json"])
        shown = CliRunner().invoke(app, ["savings", "a", "-n", "llm"])
    assert told.exit_code == shown.exit_code == 0, told.output + shown.output
    found = json.loads(told.stdout)
    assert [each["name"] for each in found["policies"]] == ["a", "b", "c"]
    assert found["netTokens"] == 3 * 200_000_000
    assert {name: float(amount) for name, amount in found["worth"].items()} == {"EUR": 800, "USD": 200}
    assert "200,000,000" in shown.stdout and "400.00 EUR" in shown.stdout


def test_a_policy_and_all_namespaces_at_once_is_a_wrong_command_line() -> None:
    assert CliRunner().invoke(app, ["savings", "qa", "-A"]).exit_code == 2


def test_a_ledger_of_another_release_is_told_and_not_guessed_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = policy(savings=EUROS)
    broken["status"]["savings"]["packed"] = "1,2"
    with api_with([broken], tmp_path, monkeypatch):
        result = CliRunner().invoke(app, ["savings", "-n", "llm"])
    assert result.exit_code == 1 and "llm/qa is not of a form" in result.output


@pytest.mark.slow
def test_one_policy_that_cannot_be_read_is_left_out_aloud_and_ends_nothing_for_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = policy("broken", savings=EUROS)
    broken["spec"]["ofALaterRelease"] = 1
    with api_with([broken, policy("good", savings=EUROS)], tmp_path, monkeypatch):
        screen = CliRunner().invoke(app, ["savings", "-A"])
        told = CliRunner().invoke(app, ["savings", "-A", "-o", "json"])
        named = CliRunner().invoke(app, ["savings", "broken", "-n", "llm"])
    assert (screen.exit_code, told.exit_code, named.exit_code) == (0, 0, 1)
    assert "good" in screen.stdout and "Left out: llm/broken is not of a form" in " ".join(screen.output.split())
    assert [each["name"] for each in json.loads(told.stdout)["policies"]] == ["good"]
    assert "Left out: llm/broken" in told.stderr
