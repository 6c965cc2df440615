"""In the morning the screen says what was tried, in which units, why the search ended, and what to commit."""

from __future__ import annotations

from typing import Any

from earlystop.cli.screen.search import search_facts, trial_facts

TRIAL = {
    "setting": "budget-2048",
    "end": "Certified",
    "risk": "0.025",
    "loss": "0.001",
    "lossError": "0.004",
    "saving": "0.4",
    "savingError": "0.01",
    "requests": 12_000,
}
STATUS: dict[str, Any] = {
    "search": {
        "number": 1,
        "trials": [TRIAL],
        "why": "it may save most",
        "risk": "0.05",
        "riskSpent": "0.025",
        "incumbent": {"name": "budget-2048", "weight": 100, "leastSaving": "0.38"},
    },
    "certified": {"values": [{"name": "budget", "value": "2048"}]},
}


def ended() -> dict[str, Any]:
    end = {"reason": "NothingLeftToTry", "message": "The search ended after 1 trial.", "at": "2026-01-01T00:00:00Z"}
    return {**STATUS, "search": {**STATUS["search"], "ended": end}}


def test_losses_and_savings_stand_with_their_units() -> None:
    ((_, facts),) = trial_facts(STATUS)
    assert facts["EM lost"] == "0.1 ± 0.4 points" and facts["saving"] == "40.0 ± 1.0 %"


def test_a_loss_that_is_rounded_to_zero_has_no_sign() -> None:
    none = {**STATUS, "search": {**STATUS["search"], "trials": [{**TRIAL, "loss": "-0.0001"}]}}
    ((_, facts),) = trial_facts(none)
    assert facts["EM lost"] == "0.0 ± 0.4 points"


def test_a_search_that_is_over_says_why_and_what_to_commit() -> None:
    facts = dict(search_facts(ended()))
    assert facts["ended"] == "NothingLeftToTry"
    assert facts["commit"] == "budget 2048" and "why" not in facts


def test_a_search_that_goes_on_says_why_it_tries_and_asks_for_no_commit() -> None:
    facts = dict(search_facts(STATUS))
    assert facts["why"] == "it may save most"
    assert "ended" not in facts and "commit" not in facts
