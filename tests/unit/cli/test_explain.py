"""`explain` says of every policy what it tries, what it waits for, what would take it back, and what ends it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earlystop.api.reasons.every import REASONS
from earlystop.cli.explain import explanation
from earlystop.cli.main import app
from earlystop.cli.screen.times import duration
from earlystop.controller.cluster import Manifest
from earlystop.rollout.formatting import from_rfc3339
from earlystop.simulation.remaining_time import Remaining
from tests.unit.cli.api_server import api_with
from tests.unit.cli.shown_policies import RECORDED, moment_of, policy_in, recorded, screen
from tests.unit.every_row import every_row
from tests.unit.rollout.states import REACHED

FORECAST = Remaining(low=60.0, high=300.0, promoted=0.8, rolled_back=0.1)


def explained(policy: Manifest, remaining: Remaining | None = None) -> str:
    """All of it as one text."""
    paragraphs = explanation(policy, moment_of(policy), remaining)
    return "\n".join(line for sentence, items in paragraphs for line in (sentence, *items))


@pytest.mark.slow
@every_row("name", sorted(REACHED))
def test_every_state_is_explained_in_whole_sentences_with_what_it_tries(name: str) -> None:
    policy = policy_in(name)
    text = explained(policy)
    assert "llm/qa tries settings of Deployment qa-server" in text and "window=40" in text
    assert "None" not in text and all(line.strip() for line in text.splitlines())
    assert "not known yet points" not in text and "seen not known yet" not in text
    waited_for = [item for _, items in explanation(policy, moment_of(policy), None) for item in items]
    assert not [each for each in waited_for if "log e-value" in each]


@pytest.mark.slow
@every_row("name", sorted(path.stem for path in RECORDED.glob("*.json")))
def test_statuses_of_earlier_releases_are_explained_too(name: str) -> None:
    assert explained(recorded(name))


def test_a_rollout_under_way_says_what_promotes_it_what_takes_it_back_and_what_its_end_is() -> None:
    text = explained(policy_in("observing claims"), FORECAST)
    assert "is promoted when there is:" in text and "proof that at least 10 % of the tokens are saved" in text
    harm = r"more than 5 points of EM are lost \(no sign yet; 1 in \d+ is needed\)"
    assert re.search(rf"go back .* when it is proven that:\n{harm}", text)
    assert "the guardrail" in text and "in easy" in text
    assert "all requests go back to the baseline. As it looks: verdict in 1 to 5 min (promoted 80 %" in text
    assert "kubectl earlystop pause, abort or promote qa -n llm" in text


@pytest.mark.parametrize("name", ["observing a broken split", "suspended", "held", "observing an unmoved setting"])
def test_what_holds_a_policy_is_named_with_its_meaning_and_what_to_do(name: str) -> None:
    policy = policy_in(name)
    found = re.search(r"It is held \((\w+)\)\. ", explained(policy))
    assert found is not None
    assert REASONS[found[1]].sentence in explained(policy)


@pytest.mark.parametrize("name", ["promoted", "rolled back", "held", "a search is over"])
def test_what_is_over_says_that_nothing_more_happens_and_how_to_go_on(name: str) -> None:
    text = explained(policy_in(name))
    assert "Nothing more happens by itself." in text and "kubectl earlystop retry qa -n llm" in text
    assert "is promoted when there is" not in text


def test_a_trial_ends_with_the_time_of_its_search_and_leaves_what_serves() -> None:
    policy = policy_in("searching beside an incumbent")
    assert "which is proven" in explained(policy) and "back to the baseline. As" not in explained(policy)
    began = from_rfc3339(policy["status"]["search"]["startedAt"])
    policy["spec"]["search"]["budget"] = {"seconds": 1800}
    plan = json.loads(policy["status"]["plan"])
    plan["search"]["budget"] = {"seconds": 1800}
    policy["status"]["plan"] = json.dumps(plan)
    end = re.search(r"Without a verdict by (\S+) \(in .*\), this trial ends undecided, and", explained(policy))
    assert end is not None and from_rfc3339(end[1]) == began + 1800
    began_here = from_rfc3339(policy["status"]["campaignStartedAt"])
    assert f" of at most {duration(began + 1800 - began_here)}" in "\n".join(screen(policy, 80))


def test_a_trial_says_with_how_many_requests_it_ends_and_the_loss_that_is_refuted_is_rounded() -> None:
    text = explained(policy_in("searching beside an incumbent"))
    assert re.search(r" or within \d[\d,]* requests, more where it has come far \(\d[\d,]* so far\), this trial", text)
    assert not re.search(r"\d\.\d{3,} points? of EM", text)


def test_in_shadow_nothing_is_promoted_and_no_request_goes_back() -> None:
    text = explained(policy_in("in shadow"))
    assert "w10 is recommended when there is:" in text and "promoted when" not in text
    assert "w10, which no user sees, is out when it is proven that:" in text and "back to the baseline" not in text
    assert "the campaign ends and recommends nothing" in text


def test_what_holds_a_policy_before_its_first_campaign_is_said_once() -> None:
    policy = policy_in("pending")
    taken = {"status": "False", "reason": "TargetTaken", "message": "Policy a has the traffic of this target."}
    for each in policy["status"]["conditions"]:
        each.update(taken if each["type"] in ("Accepted", "Ready") else {})
    assert explained(policy).count("Policy a has the traffic") == 1


def test_each_of_several_candidates_is_explained_and_a_dropped_one_no_more() -> None:
    text = explained(policy_in("several, one dropped"))
    assert "w10 is promoted when there is:" in text and "w5 is promoted when there is:" in text
    assert "w1 is promoted when" not in text


def test_a_policy_that_the_operator_has_not_seen_is_explained_by_its_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = json.loads(json.dumps(policy_in("pending")))
    del policy["status"]
    with api_with([policy], tmp_path, monkeypatch):
        result = CliRunner().invoke(app, ["explain", "qa"])
    assert result.exit_code == 0 and "tries settings of Deployment qa-server" in result.stdout
    assert "has not looked at it yet" in result.stdout
