"""Verdicts count as memory only where they are whole and about the same thing; what does not count is told."""

from __future__ import annotations

import gc
import json
import weakref
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.look_table import number_of_looks
from earlystop.api.policy import PolicySpec
from earlystop.rollout.manual import ABORTED
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.search import history
from earlystop.rollout.search.history import HistoryReader, Subject, read_history
from earlystop.rollout.search.trial_plan import TrialPlan
from earlystop.rollout.verdict import digest_of
from earlystop.rollout.verify.verdict import object_differences
from tests.unit.rollout.in_rows import object_in_rows
from tests.unit.rollout.search.past_verdicts import WINDOW, altered, past_verdict, two_verdicts, window_policy
from tests.unit.rollout.searching import SAFE_BUT_LAST, World, searched

OWN = Subject.of(window_policy())
RECORDED = sorted((Path(__file__).parents[1] / "recorded").glob("*.json"))


def recorded_verdicts() -> list[dict[str, Any]]:
    """Verdicts of an earlier release, as objects, but for those that follow one which was not recorded."""
    specs = [json.loads(path.read_text())["verdict"] for path in RECORDED]
    return [
        {"metadata": {"namespace": "llm", "name": f"{spec['policy']}-{spec['revision']}"}, "spec": spec}
        for spec in specs
        if spec is not None and not spec.get("previous")
    ]


def test_a_verdict_says_what_its_candidate_lost_and_saved_as_its_looks_have_it() -> None:
    (found,) = read_history(OWN, [past_verdict("10", loss=0.01, saving=0.4)]).comparisons
    assert dict(found.values) == {"window": "10"}
    assert found.loss is not None
    assert found.saving is not None
    assert abs(found.loss.mean - 0.01) < 2 * found.loss.error < 0.1
    assert abs(found.saving.mean - 0.4) < 2 * found.saving.error < 0.2
    assert (found.promoted, found.rolled_back, found.by_person) == (True, False, False)
    assert found.requests > 1000


def test_a_harmful_candidate_is_remembered_as_rolled_back() -> None:
    (found,) = read_history(OWN, [past_verdict("1", loss=0.4)]).comparisons
    assert (found.promoted, found.rolled_back) == (False, True)
    assert found.loss is not None
    assert found.loss.mean == pytest.approx(0.4, abs=2 * found.loss.error)


@pytest.mark.parametrize(
    "change",
    [{"effect": "+9.9 [+9.0, +9.9]"}, {"decision": "Inconclusive"}, {"lookTable": ""}, {"policy": "other"}],
    ids=lambda change: next(iter(change)),
)
def test_an_altered_record_is_refused_with_a_sentence_that_names_it(change: dict[str, Any]) -> None:
    found = read_history(OWN, [altered(past_verdict(), **change)])
    assert found.comparisons == ()
    (sentence,) = found.refused
    assert sentence.startswith("The verdict llm/qa-")
    assert "is refused: " in sentence


def test_an_altered_record_with_a_new_digest_is_refused_by_its_looks() -> None:
    verdict = object_in_rows(past_verdict())
    looks = [[*row[:6], row[6] + 50, *row[7:]] for row in verdict["spec"]["looks"]]
    changed = altered(verdict, looks=looks)
    changed["spec"]["digest"] = digest_of(changed["spec"])
    assert "is refused: " in read_history(OWN, [changed]).refused[0]


@pytest.mark.parametrize("dispersion", ["1e400", "inf", "nan", "1e300", "0", "-1", "1e-400"])
def test_a_scatter_by_which_nothing_can_be_divided_is_refused_with_a_sentence_and_hides_no_other(
    dispersion: str,
) -> None:
    forged, sound = past_verdict(name="forged"), past_verdict("20")
    forged["spec"]["dispersion"] = dispersion
    forged["spec"]["digest"] = digest_of(forged["spec"])
    history = read_history(None, [forged, sound])
    assert [each.policy for each in history.comparisons] == ["qa"]
    assert len(history.refused) == 1 and "llm/" in history.refused[0]


def test_a_chain_that_is_whole_counts_and_one_with_a_gap_does_not() -> None:
    first, second = two_verdicts()
    whole = read_history(OWN, [second, first])
    assert whole.refused == ()
    assert [dict(each.values)["window"] for each in whole.comparisons] == ["5", "10"]
    (refused,) = read_history(OWN, [second]).refused
    assert "is refused: The verdict before chain-" in refused
    assert "is not there" in refused


def decided_twice(namesake: str = "aborted") -> list[dict[str, Any]]:
    """A promotion, and the verdict of the person who took it back: both have the campaign's looks."""
    first = past_verdict(name="twice")
    second = altered(first, decision="RollBack", reason=ABORTED, previous=first["spec"]["digest"], requestedBy="eve")
    second["metadata"]["name"] = f"{first['metadata']['name']}-{namesake}"
    second["spec"]["digest"] = digest_of(second["spec"])
    return [first, second]


def test_a_campaign_that_is_aborted_after_its_promotion_counts_once_and_as_the_evidence_decided() -> None:
    first, second = decided_twice()
    found = read_history(OWN, [second, first])
    assert found.refused == ()
    assert found.comparisons == read_history(OWN, [first]).comparisons
    assert found.passed_over == (
        "1 verdict passed over, about a campaign that was decided twice: another verdict holds its looks.",
    )


def test_a_later_verdict_is_refused_where_an_earlier_one_of_its_chain_was_changed() -> None:
    first, second = two_verdicts()
    found = read_history(OWN, [altered(first, message="Better than it was."), second])
    assert found.comparisons == ()
    assert len(found.refused) == 2


def test_two_verdicts_that_follow_the_same_one_are_both_refused() -> None:
    first, second = two_verdicts()
    twin = altered(second, message="Another one.")
    twin["spec"]["digest"] = digest_of(twin["spec"])
    twin["metadata"]["name"] += "-2"
    found = read_history(OWN, [first, second, twin])
    assert found.comparisons == ()
    assert len(found.refused) == 3


def other(changes: dict[str, Any]) -> PolicySpec:
    return window_policy("10", changes)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (
            other(
                {
                    "parameters": [{**WINDOW, "name": "budget"}],
                    "baseline": {"values": [{"name": "budget", "value": "40"}]},
                    "candidates": [{"name": "b10", "values": [{"name": "budget", "value": "10"}]}],
                }
            ),
            "the parameters are budget, not window",
        ),
        (other({"parameters": [{**WINDOW, "type": "Decimal"}]}), "window is another parameter there"),
        (other({"parameters": [{**WINDOW, "stopsSooner": "WhenHigher"}]}), "stops sooner WhenHigher, not type Integer"),
        (
            other({"baseline": {"values": [{"name": "window", "value": "20"}]}}),
            "the baseline is window 20, not window 40",
        ),
    ],
    ids=["name", "type", "direction", "baseline"],
)
def test_a_verdict_about_something_else_is_passed_over_with_a_sentence(spec: PolicySpec, why: str) -> None:
    found = read_history(OWN, [past_verdict("10", spec=spec, name="elsewhere")])
    assert not found.comparisons
    assert not found.refused
    (sentence,) = found.passed_over
    assert sentence.startswith("1 verdict passed over, of llm/elsewhere: ")
    assert why in sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"parameters": [{**WINDOW, "minimum": "5", "maximum": "80"}]},
        {"targetRef": {"name": "qa-server-with-a-new-model"}},
        {"objective": {"exactMatch": {"margin": "0.03"}}},
    ],
    ids=["bounds", "target", "margin"],
)
def test_other_bounds_another_workload_and_another_margin_are_the_same_subject(changes: dict[str, Any]) -> None:
    found = read_history(OWN, [past_verdict("10", spec=other(changes))])
    assert len(found.comparisons) == 1


def test_without_leave_no_verdict_of_another_namespace_counts() -> None:
    mine, theirs = past_verdict(), past_verdict(namespace="team-b")
    found = read_history(OWN, [mine, theirs], {"llm"})
    assert [each.namespace for each in found.comparisons] == ["llm"]
    assert found.passed_over == (
        "1 verdict passed over, of namespace team-b: it lacks the label earlystop.dev/shares-history of the "
        "policy's own namespace, set by an admin.",
    )
    assert len(read_history(OWN, [mine, theirs], {"llm", "team-b"}).comparisons) == 2


@pytest.mark.slow
def test_verdicts_of_earlier_releases_count_in_every_mode_and_strategy() -> None:
    verdicts = recorded_verdicts()
    read = [read_history(None, [each]) for each in verdicts]
    assert len(verdicts) > 20
    assert [each.refused for each in read] == [()] * len(verdicts)
    errors = [each.loss.error for found in read for each in found.comparisons if each.loss and each.saving]
    assert len(errors) >= 0.9 * len(verdicts)  # some were ended before they had any answer
    assert max(errors) < 0.2


@pytest.mark.parametrize(
    "rubbish",
    [
        {},
        {"metadata": None, "spec": None},
        {"metadata": {"name": "x", "namespace": "llm"}, "spec": {"at": 3}},
        {"metadata": 3},
        {"spec": []},
    ],
)
def test_what_is_no_verdict_is_refused_in_plain_words_and_hides_no_other(rubbish: dict[str, Any]) -> None:
    found = read_history(OWN, [rubbish, past_verdict()])
    assert len(found.comparisons) == 1
    assert "no verdict that this release can read (its spec " in found.refused[0]


def test_only_the_latest_verdicts_are_read_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_VERDICTS", 1)
    found = read_history(OWN, [past_verdict("10", later=0), past_verdict("5", name="new", later=50_000)])
    assert [each.policy for each in found.comparisons] == ["new"]
    assert found.passed_over == ("1 verdict passed over, older than the latest 1.",)


def looks_in(verdict: dict[str, Any]) -> int:
    return number_of_looks(verdict["spec"])


def test_verdicts_are_replayed_the_latest_first_while_their_looks_are_few_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = past_verdict("10", name="old"), past_verdict("5", loss=0.4, name="new", later=50_000)
    assert looks_in(new) < looks_in(old)
    monkeypatch.setattr(history, "MOST_LOOKS", looks_in(old) + looks_in(new))
    assert [each.policy for each in read_history(OWN, [old, new]).comparisons] == ["new", "old"]
    monkeypatch.setattr(history, "MOST_LOOKS", looks_in(old) + looks_in(new) - 1)
    found = read_history(OWN, [old, new])
    assert [each.policy for each in found.comparisons] == ["new"]
    (told,) = found.passed_over
    assert told.startswith("1 verdict passed over, with more looks than the ")


def test_one_verdict_with_too_many_looks_hides_no_older_one(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = past_verdict("5", loss=0.4, name="small"), past_verdict("10", name="large", later=50_000)
    monkeypatch.setattr(history, "MOST_LOOKS", looks_in(large) - 1)
    assert [each.policy for each in read_history(OWN, [small, large]).comparisons] == ["small"]


def test_looks_of_every_candidate_and_class_count_as_what_they_take_to_replay() -> None:
    classes = {"exactMatch": {"margin": "0.02"}, "queryClasses": [{"name": "math", "margin": "0.05"}]}
    record = {"looks": [[]] * 3, "others": [{"looks": [[]] * 5}, {"looks": []}]}
    plans = [parse_plan(plan_text(window_policy("10", changes), "")) for changes in ({}, {"objective": classes})]
    assert [history._looks_of(record, plan) for plan in plans] == [8, 16]


class Watched(dict[str, Any]):
    """A manifest that can be asked whether anybody holds it still."""


@pytest.mark.slow
def test_the_reader_holds_no_verdict_that_it_has_read() -> None:
    reader = HistoryReader(OWN)
    made = [Watched(past_verdict(name=f"qa{number}")) for number in range(3)]
    held = [weakref.ref(each) for each in made]
    specs = [Watched(each["spec"]) for each in made]
    held += [weakref.ref(each) for each in specs]
    for each, spec in zip(made, specs, strict=True):
        each["spec"] = spec
        reader.add(each)
    for name in reader.chosen():
        reader.replay(name, next(each for each in made if each["metadata"]["name"] == name[1]))
    assert len(reader.history().comparisons) == 3
    del made, specs, each, spec
    gc.collect()
    assert [each() for each in held] == [None] * 6


@pytest.mark.parametrize(
    "again", [None, {"message": "Better."}, {"digest": "0" * 64}], ids=["gone", "message", "digest"]
)
def test_a_verdict_that_is_another_one_when_it_is_read_again_is_refused(again: dict[str, Any] | None) -> None:
    verdict = past_verdict()
    reader = HistoryReader(OWN)
    reader.add(verdict)
    (name,) = reader.chosen()
    reader.replay(name, None if again is None else altered(verdict, **again))
    found = reader.history()
    assert found.comparisons == ()
    assert "changed or deleted while it was read" in found.refused[0]


def test_a_plan_that_is_nested_without_end_is_refused_and_hides_no_other() -> None:
    forged = past_verdict(name="forged")
    forged["spec"]["plan"] = "[" * 200_000
    forged["spec"]["digest"] = digest_of(forged["spec"])
    history = read_history(None, [forged, past_verdict("20")])
    assert [each.policy for each in history.comparisons] == ["qa"]
    assert "nested without end" in history.refused[0]


@cache
def _trial() -> str:
    """The verdict of a trial that followed another one."""
    world = World(searched({"strategy": "Ladder"}), SAFE_BUT_LAST)
    world.run()
    return json.dumps(next(each for each in world.verdicts.values() if each["spec"]["search"]["trial"] == 2))


@pytest.mark.parametrize(
    ("field", "number"),
    [
        *((field, number) for field in ("loss", "saving") for number in ("1e300", "-1e300", "1e400", "nan")),
        *(
            (field, number)
            for field in ("lossError", "savingError")
            for number in ("1e300", "1e-300", "0", "-0", "-1", "1e400", "nan")
        ),
    ],
)
def test_an_earlier_trial_by_whose_numbers_nothing_can_be_reckoned_is_a_difference(field: str, number: str) -> None:
    forged = json.loads(_trial())
    assert object_differences(forged) == []
    forged["spec"]["search"]["earlier"][0][field] = number
    forged["spec"]["digest"] = digest_of(forged["spec"])
    assert object_differences(forged), "never an exception, nor a proposal from it"


@pytest.mark.parametrize("requests", [10**400, 10**16])
def test_an_earlier_trial_of_more_requests_than_there_can_be_is_a_difference(requests: int) -> None:
    forged = json.loads(_trial())
    forged["spec"]["search"]["earlier"][0]["requests"] = requests
    forged["spec"]["digest"] = digest_of(forged["spec"])
    assert "more requests than there can be" in object_differences(forged)[0]


@pytest.mark.parametrize("saving", [10**400, -(10**400), 1e999, 1.5, True, "0.2"])
def test_a_trial_s_incumbent_saves_a_number_below_one(saving: object) -> None:
    written = parse_plan(json.loads(_trial())["spec"]["plan"]).trial
    assert written is not None and written.incumbent is not None
    plan = written.wire()
    plan["incumbent"]["leastSaving"] = saving
    with pytest.raises(ValueError, match="the plan's incumbent saves"):
        TrialPlan.of(plan)
