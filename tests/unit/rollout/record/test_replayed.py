"""A replay comes to the decision of the record at the same look, for every campaign that was ever recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earlystop.api.verdict import VerdictSpec
from earlystop.rollout.record.replayed import replay_campaign
from earlystop.rollout.verdict import verdict_spec
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import UID
from tests.unit.rollout.states import REACHED

RECORDED = sorted((Path(__file__).parents[1] / "recorded").glob("*-decided.json"))
DECIDED = sorted(name for name, state in REACHED.items() if state.decision is not None)


def recorded(path: Path) -> VerdictSpec:
    return VerdictSpec.model_validate(json.loads(path.read_text())["verdict"])


def reached(name: str) -> VerdictSpec:
    return VerdictSpec.model_validate(json.loads(json.dumps(verdict_spec("qa", UID, REACHED[name]))))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_campaign_of_an_earlier_release_comes_to_its_decision_again(path: Path) -> None:
    record = recorded(path)
    replay = replay_campaign(record)
    assert replay.agrees, replay.sentence
    assert len(replay.looks) == len(record.looks) + sum(len(each.looks) for each in record.others)
    own = [each for each in replay.looks if each.candidate == record.candidate]
    assert [each.at for each in own] == [row[0] for row in record.looks]


@pytest.mark.slow
@every_row("name", DECIDED)
def test_every_decision_of_this_release_is_come_to_again(name: str) -> None:
    record = reached(name)
    replay = replay_campaign(record)
    assert replay.agrees, replay.sentence
    assert record.decision in replay.sentence and record.reason in replay.sentence


def test_harm_that_was_shown_before_the_record_says_so_is_no_agreement() -> None:
    record = recorded(next(path for path in RECORDED if path.stem == "canary-harmful-decided"))
    later = record.model_copy(update={"looks": (*record.looks, record.looks[-1])})
    assert replay_campaign(record).agrees and not replay_campaign(later).agrees


def test_a_promotion_that_its_looks_do_not_prove_is_no_agreement() -> None:
    record = reached("promoted")
    half = record.model_copy(update={"looks": record.looks[: len(record.looks) // 4]})
    replay = replay_campaign(half)
    assert not replay.agrees and "none of" in replay.sentence


@pytest.mark.parametrize("name", ["rejected", "approved by nobody"])
def test_what_people_kept_from_acting_is_told_with_the_look_that_had_proven_it(name: str) -> None:
    assert (
        ", as people answered; all that a promotion needs is proven at look " in replay_campaign(reached(name)).sentence
    )


@pytest.mark.parametrize(
    ("reason", "words"),
    [("GateClosed", ", as a gate answered; "), ("GateTimedOut", ", as a gate did not open in time; ")],
)
def test_what_a_gate_kept_from_acting_is_told_with_the_look_that_had_proven_it(reason: str, words: str) -> None:
    replay = replay_campaign(reached("approved by nobody").model_copy(update={"reason": reason}))
    assert replay.agrees and f"{words}all that a promotion needs is proven at look " in replay.sentence


def test_harm_in_every_class_is_left_to_verify_and_no_disagreement() -> None:
    harmed = recorded(next(path for path in RECORDED if path.stem == "canary-harmful-decided"))
    later = harmed.model_copy(update={"reason": "HarmfulInEveryClass", "looks": (*harmed.looks, harmed.looks[-1])})
    assert replay_campaign(later).agrees
