"""A record that says the same in another form was not written by the operator, and is reported as changed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from earlystop.rollout.verdict import digest_of, verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.unit.rollout.policies import UID
from tests.unit.rollout.states import REACHED

NAMES = ("promoted", "several, one promoted", "rolled back by its guard", "a search is over")


def record(name: str) -> dict[str, Any]:
    return copy.deepcopy(verdict_spec("qa", UID, REACHED[name]))


def is_noticed(spec: dict[str, Any]) -> bool:
    """Whether a record is reported as changed, or as no record at all, although its digest was made anew."""
    spec["digest"] = digest_of(spec)
    try:
        return bool(differences(spec))
    except ValueError:
        return True


def whole_numbers(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all integers."""
    pairs = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list | tuple) else ()
    for key, value in pairs:
        if type(value) is int:
            yield (*path, key)
        yield from whole_numbers(value, (*path, key))


def changed(spec: dict[str, Any], path: tuple[Any, ...], change: Callable[[Any], Any]) -> dict[str, Any]:
    spec = copy.deepcopy(spec)
    part = spec
    for key in path[:-1]:
        part[key] = list(part[key]) if isinstance(part[key], tuple) else part[key]
        part = part[key]
    part[path[-1]] = change(part[path[-1]])
    return spec


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_number_in_another_form_is_noticed(name: str) -> None:
    spec = record(name)
    assert differences(spec) == []
    for path in whole_numbers(spec):
        for change in (str, float):
            assert is_noticed(changed(spec, path, change)), f"{change.__name__} at {path}"


def dropped(spec: dict[str, Any]) -> dict[str, Any]:
    """The one candidate that was dropped."""
    (found,) = [other for other in spec["others"] if other.get("reason")]
    assert isinstance(found, dict)
    return found


CHANGES: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "a time in small letters": ("promoted", lambda spec: spec.update(at=spec["at"].lower())),
    "a time without zeros": ("promoted", lambda spec: spec.update(at=spec["at"].replace("-09T", "-9T"))),
    "a space after the plan": ("promoted", lambda spec: spec.update(plan=f"{spec['plan']} ")),
    "a plan of other line breaks": ("promoted", lambda spec: spec.update(plan=spec["plan"].replace(",", ",\n", 1))),
    "zeros before a count": (
        "promoted",
        lambda spec: spec.update(lookTable=spec["lookTable"].replace(" 1200 ", " 01200 ", 1)),
    ),
    "a nought below nought": (
        "promoted",
        lambda spec: spec.update(lookTable=spec["lookTable"].replace(" 0 ", " -0 ", 1)),
    ),
    "the others in another order": ("several, one promoted", lambda spec: spec["others"].reverse()),
    "a candidate twice": ("several, one promoted", lambda spec: spec["others"].append(spec["others"][-1])),
    "a drop without its reason": ("several, one promoted", lambda spec: dropped(spec).pop("reason")),
    "a drop in another step": (
        "several, one promoted",
        lambda spec: dropped(spec).update(droppedAtStep=dropped(spec)["droppedAtStep"] + 1),
    ),
    "zeros after a trial's risk": (
        "a search is over",
        lambda spec: spec["search"]["earlier"][0].update(risk=spec["search"]["earlier"][0]["risk"] + "0"),
    ),
    "a space before a trial's saving": (
        "a search is over",
        lambda spec: spec["search"]["earlier"][0].update(saving=" " + spec["search"]["earlier"][0]["saving"]),
    ),
    "zeros after a guard's factor": (
        "rolled back by its guard",
        lambda spec: spec["guard"].update(factors=spec["guard"]["factors"] + "0"),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_written_otherwise_is_noticed(change: str) -> None:
    name, write = CHANGES[change]
    spec = record(name)
    assert differences(spec) == []
    before = copy.deepcopy(spec)
    write(spec)
    assert spec != before, "nothing was changed"
    assert is_noticed(spec)


def test_a_change_from_before_the_trial_is_no_reason_though_harm_be_said_to_have_begun_at_the_epoch() -> None:
    spec = record("rolled back by its guard")
    culprit = spec["guard"]["culprit"]
    culprit["earliest"] = "1970-01-01T00:00:00Z"
    culprit["changed"] = [{"culprit": "Engine", "at": "2025-01-01T00:00:00Z"}]
    culprit["named"] = ["Engine"]
    culprit["factsKnown"] = True
    culprit.pop("possible", None)
    spec["digest"] = digest_of(spec)
    assert "The guard's record does not show that what it names has moved." in differences(spec)
