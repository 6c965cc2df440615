"""In the morning the screen says what was tried, in which units, why the search ended, and what to commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from earlystop.cli.screen.fitting import ends_within
from earlystop.cli.screen.search import search_facts, trial_facts
from earlystop.rollout.state import TRYING
from earlystop.rollout.transitions import carried_out
from tests.unit.cli.shown_policies import screen, shown
from tests.unit.rollout.policies import started
from tests.unit.rollout.searching import SAFE_BUT_LAST, Truth, World, searched
from tests.unit.rollout.several import BAD, Answering, observe
from tests.unit.rollout.strategies.searches import CURVE, search

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


def test_a_risk_of_many_digits_leaves_room_for_the_other_columns() -> None:
    spent = {**STATUS["search"], "trials": [{**TRIAL, "risk": "0.0016666666666666668"}], "riskSpent": "0.0416667"}
    ((_, facts),) = trial_facts({**STATUS, "search": spent})
    assert facts["risk"] == "0.00167"
    assert dict(search_facts({**STATUS, "search": spent}))["risk"] == "0.0417 of 0.05 of the search spent"


@pytest.mark.slow
def test_every_trial_of_a_search_that_is_over_stands_on_the_screen_with_why_it_ended_and_what_may_be_done() -> None:
    values = [str(window) for window in range(38, 18, -2)]
    parameters = [{"name": "window", "values": values}]
    world = World(
        searched({"parameters": parameters, "horizonRequests": 500_000_000, "failureBudget": 10}),
        {f"window-{each}": Truth(0.8 - 0.004 * (40 - int(each)), 600 - 12 * (40 - int(each))) for each in values},
    )
    over = world.run()
    lines = screen(shown(over), 80, 24)
    text = " ".join(" ".join(lines).split())
    assert len(lines) <= 24
    assert sum(line[:2] in {f"{number}:" for number in range(1, 10)} for line in lines) == len(world.verdicts) > 4
    assert "no other setting is worth a trial. Commit status.certified." in text


def test_the_end_of_a_search_is_told_what_to_do_by_its_own_words_and_not_by_those_of_its_last_trial() -> None:
    over = World(searched(), dict.fromkeys(SAFE_BUT_LAST, Truth(exact_match=0.5, mean_tokens=300))).run()
    lines = screen(shown(over), 80, 24)
    (following,) = [line for line in lines if line.startswith("next")]
    assert following.split(maxsplit=1)[1] == "`kubectl earlystop retry qa -n llm` tries the same again."
    assert "write more careful ones" in " ".join(" ".join(lines).split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strategy", "truth", "told"),
    [
        ("Grid", CURVE, "Grid judged 4 settings together: proven window-10, window-5; harmful window-3; without"),
        (
            "Bandit",
            CURVE,
            "Bandit judged 4 settings together: proven window-5; saves less window-20, window-10; harmful",
        ),
        ("Grid", [BAD] * 4, "Grid judged 4 settings together: harmful window-20, window-10, window-5, window-3"),
    ],
)
def test_settings_that_were_judged_together_are_told_by_their_ends_with_what_to_commit(
    strategy: str, truth: Sequence[Answering], told: str
) -> None:
    spec = search(strategy, {"steps": [{"weight": 80, "minimumSeconds": 60}]})
    state = started(spec)
    while state.phase in TRYING:
        assert "judged" not in " ".join(screen(shown(state), 80))
        state = observe(spec, state, truth, requests=1200)
    lines = screen(shown(carried_out(state)), 80)
    assert told in " ".join(" ".join(lines).split())
    assert any(line.startswith("commit") for line in lines) is (truth is CURVE)


def test_the_ends_of_a_text_are_its_first_sentence_and_its_last_ones() -> None:
    text = "It ended. One was proven. Commit it. Then go on."
    assert ends_within(text, 38) == "It ended. Commit it. Then go on."
    assert ends_within(text, 1) == "It ended." and ends_within("", 9) == ""
    assert ends_within(text, 999) == text
