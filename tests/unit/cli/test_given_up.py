"""Whoever asks for a new campaign hears first what that ends, and is asked; where nothing ends, nobody is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earlystop.cli.given_up import given_up
from earlystop.cli.main import app
from earlystop.controller.cluster import Manifest
from earlystop.rollout.exposure import weights
from earlystop.rollout.state import Phase, RolloutState
from tests.unit.cli.api_server import answering
from tests.unit.cli.shown_policies import policy_in
from tests.unit.every_row import every_row
from tests.unit.metrics.source import faulty_server
from tests.unit.rollout.classes import EASY_AND_HARD, LIVE, decided
from tests.unit.rollout.policies import started
from tests.unit.rollout.states import REACHED

DECIDED_FOR_NOTHING = {Phase.HOLDING, Phase.HELD, Phase.REPORTING, Phase.REPORTED, Phase.PENDING}
"""Phases in which candidates may have requests, but no decision has given them any."""
UNDER_WAY = {Phase.APPLYING, Phase.SETTLING, Phase.OBSERVING, Phase.SUSPENDED}


def gives_away(state: RolloutState) -> bool:
    """Whether the baseline has not all requests, by a decision that was made for somebody else."""
    found = weights(state)
    return found is not None and state.phase not in UNDER_WAY | DECIDED_FOR_NOTHING and found[0] < 100


@every_row("name", sorted(REACHED))
def test_what_a_retry_ends_is_told_in_every_situation_and_nothing_where_all_is_over(name: str) -> None:
    state, told = REACHED[name], " ".join(given_up(REACHED[name]))
    assert (f"Campaign {state.revision} ends without a verdict" in told) is (state.phase in UNDER_WAY)
    assert ("What was promoted gives its requests back" in told) is (gives_away(state) or "incumbent" in name)
    assert ("Its search ends" in told) is (state.search is not None and state.search.ended is None)
    assert ("is not carried out" in told) is (state.awaiting is not None)


def test_settings_of_query_classes_are_something_that_was_promoted() -> None:
    state = decided(LIVE, started(LIVE), EASY_AND_HARD)
    assert state.phase is Phase.PROMOTING and weights(state) == (100, 0, 0, 0)
    assert given_up(state) == (
        "What was promoted gives its requests back to the baseline, and serves no more until it is proven again.",
    )


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The merge patches that reach the API server."""
    found: list[str] = []

    def patched(handler: faulty_server.Handler) -> None:
        found.append(handler.rfile.read(int(handler.headers["Content-Length"])).decode())
        handler.reply(200, b"{}")

    monkeypatch.setattr(faulty_server.Handler, "do_PATCH", patched, raising=False)
    return found


def retry(
    policy: Manifest, folder: Path, monkeypatch: pytest.MonkeyPatch, typed: str, *options: str
) -> tuple[int, str]:
    """Exit code and words of the command, with what a person types."""

    def answer(handler: faulty_server.Handler) -> None:
        reviewed = {"status": {"userInfo": {"username": "alice"}}}
        handler.reply(200, json.dumps(reviewed if "selfsubjectreviews" in handler.path else policy).encode())

    with answering(answer, folder, monkeypatch):
        ended = CliRunner().invoke(app, ["retry", "qa", *options], input=typed)
    return ended.exit_code, " ".join(ended.output.split())


@pytest.mark.parametrize("typed", ["n\n", "\n", "", "retry\n"])
@pytest.mark.parametrize("name", ["observing claims", "promoted and guarded"])
def test_a_retry_that_nobody_agrees_to_changes_nothing(
    name: str, typed: str, written: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = retry(policy_in(name), tmp_path, monkeypatch, typed)
    assert code == 1 and "Start a new campaign of qa now?" in said and "Nothing was changed." in said
    assert written == []


@pytest.mark.parametrize(
    ("name", "typed", "options"),
    [
        ("observing claims", "y\n", ()),
        ("observing claims", "", ("--yes",)),
        ("promoted", "yes\n", ()),
        ("rolled back", "", ()),
        ("aborted", "", ()),
    ],
)
def test_a_retry_is_written_once_when_somebody_agrees_says_yes_or_nothing_is_lost(
    name: str, typed: str, options: tuple[str, ...], written: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = retry(policy_in(name), tmp_path, monkeypatch, typed, *options)
    assert code == 0 and "Signed by alice." in said, said
    assert ("Start a new campaign" in said) is bool(typed)
    (patch,) = map(json.loads, written)
    assert set(patch["metadata"]["annotations"]) == {"earlystop.dev/retry", "earlystop.dev/retry-by"}


@pytest.mark.parametrize("condition", ["suspended", "refused"])
def test_the_question_says_when_a_campaign_that_cannot_begin_now_would(
    condition: str, written: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = policy_in("suspended" if condition == "suspended" else "observing claims")
    policy["spec"]["suspend"] = condition == "suspended"
    for each in policy["status"]["conditions"]:
        if condition == "refused" and each["type"] == "Accepted":
            each.update(status="False", reason="TargetTaken", message="Delete one.")
    code, said = retry(policy, tmp_path, monkeypatch, "n\n")
    assert code == 1 and written == [] and "ends without a verdict" in said
    assert f"Start a new campaign of qa once it is {'resumed' if condition == 'suspended' else 'accepted'}?" in said
