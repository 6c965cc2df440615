"""What a guard's record says of the time before its looks is checked, as far as the record allows."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from earlystop.evidence import guard_detectors
from earlystop.evidence.guard_detectors import Detectors
from earlystop.rollout.formatting import from_rfc3339, rfc3339
from earlystop.rollout.guard.detector_packing import pack_detectors
from earlystop.rollout.verdict import digest_of, verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.unit.rollout.guarding import alarmed, guard_of
from tests.unit.rollout.policies import UID

SHORT, LONG = "whole", "with a checkpoint"
"""A guard all of whose looks are in its record, and one of which the record has the latest."""


@pytest.fixture(scope="module", name="specs")
def _specs() -> dict[str, dict[str, Any]]:
    states = {SHORT: alarmed(healthy=2), LONG: alarmed(healthy=30)}
    assert guard_of(states[SHORT]).taken == len(guard_of(states[SHORT]).looks)
    assert guard_of(states[LONG]).taken > len(guard_of(states[LONG]).looks)
    return {name: json.loads(json.dumps(verdict_spec("qa", UID, each))) for name, each in states.items()}


def told(spec: dict[str, Any], guard: dict[str, Any]) -> list[str]:
    """What is told of a record whose guard says something else and whose digest was made anew."""
    changed = {**spec, "guard": {**spec["guard"], **guard}}
    return differences({**changed, "digest": digest_of(changed)})


@pytest.mark.parametrize("name", [SHORT, LONG])
def test_a_guards_record_as_the_operator_writes_it_has_no_differences(specs: dict[str, Any], name: str) -> None:
    assert differences(specs[name]) == []


def later(moment: str, seconds: int) -> str:
    return rfc3339(from_rfc3339(moment) + seconds)


GUARDS: tuple[tuple[str, Callable[[dict[str, Any]], dict[str, Any]], str], ...] = (
    (SHORT, lambda guard: {"looksTaken": guard["looksTaken"] - 1}, "but it has"),
    (SHORT, lambda guard: {"looksTaken": guard["looksTaken"] + 100_000}, "cannot have taken 100,000 looks"),
    (LONG, lambda guard: {"looksTaken": 1}, "but it has"),
    (LONG, lambda guard: {"looksTaken": guard["looksTaken"] + 10**7}, "cannot have taken"),
    (SHORT, lambda guard: {"since": "1970-01-01T00:00:00Z"}, "did not begin after its trial"),
    (LONG, lambda guard: {"since": later(guard["since"], -86_400)}, "did not begin after its trial"),
    (LONG, lambda guard: {"since": later(guard["checkpointAt"], 1)}, "did not begin after its trial"),
    (LONG, lambda guard: {"checkpointAt": later(guard["since"], -1)}, "did not begin after its trial"),
    (LONG, lambda guard: {"checkpointAt": later(guard["checkpointAt"], 86_400)}, "did not begin after its trial"),
    (LONG, lambda guard: {"falseRevertSeconds": 1}, "No guard promises"),
)


@pytest.mark.parametrize(("name", "change", "sentence"), GUARDS)
def test_moments_and_numbers_of_looks_that_cannot_be_are_told(
    specs: dict[str, Any], name: str, change: Callable[[dict[str, Any]], dict[str, Any]], sentence: str
) -> None:
    found = told(specs[name], change(specs[name]["guard"]))
    assert any(sentence in each for each in found), found


def with_harm(detectors: Detectors, log_r: float) -> Detectors:
    """The detectors after such harm that each bet of the one of unanswered requests has this log R."""
    unanswered = detectors.unanswered
    return replace(detectors, unanswered=replace(unanswered, log_r=(log_r,) * len(unanswered.log_r)))


@pytest.mark.parametrize(
    ("name", "log_r", "sentence"),
    [
        (SHORT, 5.0, "not that before any look"),
        (LONG, 60.0, "would have alarmed before"),
        (LONG, float("nan"), "numbers that no looks give"),
    ],
)
def test_a_checkpoint_that_no_looks_lead_to_is_told(
    specs: dict[str, Any], name: str, log_r: float, sentence: str
) -> None:
    guard = guard_of(alarmed(healthy=2 if name == SHORT else 30))
    forged = pack_detectors(with_harm(guard.checkpoint, log_r), guard.objective)
    assert any(sentence in each for each in told(specs[name], {"checkpoint": forged}))


def test_a_checkpoint_in_another_form_is_told(specs: dict[str, Any]) -> None:
    """A number that is none has many forms in a packed list; the operator writes one."""
    guard = guard_of(alarmed(healthy=2))
    content = base64.b85decode(pack_detectors(guard_detectors.start(guard.objective), guard.objective))
    none = b"\x00\x00\xc0\x7f"
    assert none in content
    other = base64.b85encode(content.replace(none, b"\x01\x00\xc0\x7f")).decode()
    assert any("spec.guard.checkpoint" in each for each in told(specs[SHORT], {"checkpoint": other}))


CULPRITS: tuple[tuple[str, dict[str, Any]], ...] = (
    (SHORT, {"before": [10, 9, 10, 9]}),
    (SHORT, {"factsKnown": False, "questionsKnown": True}),
    (LONG, {"factsKnown": False, "questionsKnown": True}),
)


@pytest.mark.parametrize(("name", "change"), CULPRITS)
def test_what_contradicts_itself_or_the_looks_of_what_has_moved_is_told(
    specs: dict[str, Any], name: str, change: dict[str, Any]
) -> None:
    spec = specs[name]
    assert any("moved" in each for each in told(spec, {"culprit": {**spec["guard"]["culprit"], **change}}))


def test_the_moments_of_harm_are_those_that_all_looks_of_a_guard_show(specs: dict[str, Any]) -> None:
    culprit = specs[SHORT]["guard"]["culprit"]
    for name in ("onset", "latest"):
        assert any(
            "moved" in each for each in told(specs[SHORT], {"culprit": {**culprit, name: later(culprit[name], -1)}})
        )
    for name in (SHORT, LONG):
        before = {**specs[name]["guard"]["culprit"], "earliest": later(specs[name]["guard"]["since"], -1)}
        assert any("moved" in each for each in told(specs[name], {"culprit": before}))
