"""The record of a decision about every claim: whole, named column by column, and recomputed by anyone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from earlystop.api.counts import FIRST_COUNTS, TALLY_FIELDS, Look, Variant
from earlystop.api.verdict import VerdictSpec
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import RolloutState, Totals
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import expire
from earlystop.rollout.verdict import digest_of, verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.unit.every_row import every_row
from tests.unit.rollout.claims import CLAIMED, CLASSES, arms, in_classes, judging, observed, with_events
from tests.unit.rollout.in_rows import in_rows
from tests.unit.rollout.policies import NOW, UID
from tests.unit.rollout.states import REACHED, SPEC

PROMOTED, ROLLED_BACK = REACHED["promoted with every claim"], REACHED["rolled back for every claim"]
PAIRS = REACHED["rolled back for pairs"]


def _undecided() -> RolloutState:
    """At its deadline with some evidence for every claim, and enough for none."""
    spec = judging({**CLAIMED, "exactMatch": {"margin": "0.05", "floor": "0.76"}, "requireEach": True})
    some = in_classes(arms(150, 0.68), arms(150, 0.63), arms(500, 0.75))
    doubtful = with_events(some, {"failed": 20, "feedback_down": 20}, {"failed": 50, "feedback_down": 65})
    good = in_classes(arms(300), arms(300), arms(10))
    return expire(LiveTimes.of(spec), observed(spec, doubtful, good), NOW + 10**7)


UNDECIDED = _undecided()
CLAIM_NAMES = ["floor", "guardrail/failures", "guardrail/unhappy", "class/easy", "class/hard"]
CERTIFICATES = ["certificate/easy", "certificate/hard"]


def stored(state: RolloutState) -> dict[str, Any]:
    """The verdict as it comes back from the API server, its looks as rows."""
    return in_rows(verdict_spec("qa", UID, state))


def found_out(spec: dict[str, Any]) -> list[str]:
    """What is told about a record, also when its counts cannot be."""
    try:
        return differences(spec)
    except ValueError as refusal:
        return [str(refusal)]


def forged(state: RolloutState, change: Callable[[dict[str, Any]], None]) -> list[str]:
    """What is found out about a verdict that was changed and given a digest that fits."""
    spec = stored(state)
    change(spec)
    spec["digest"] = digest_of(spec)
    return differences(spec)


@pytest.mark.parametrize("state", [PROMOTED, ROLLED_BACK, PAIRS], ids=["promoted", "rolled back", "pairs"])
def test_a_verdict_about_every_claim_is_one_that_the_crd_describes_and_can_be_recomputed(state: RolloutState) -> None:
    spec = stored(state)
    assert VerdictSpec.model_validate(spec).wire() == spec
    assert differences(spec) == []


def test_some_evidence_for_every_claim_is_what_forgeries_are_tried_on() -> None:
    others = {each["name"]: float(each["value"]) for each in stored(UNDECIDED)["logE"]["others"]}
    assert stored(UNDECIDED)["decision"] == "Inconclusive"
    assert all(value > 0 for value in others.values()), others


def test_a_verdict_holds_the_evidence_of_every_claim_by_its_name() -> None:
    for state in (PROMOTED, ROLLED_BACK):
        others = {each["name"]: float(each["value"]) for each in stored(state)["logE"]["others"]}
        assert list(others) == [*CLAIM_NAMES, *CERTIFICATES]
        assert all(value >= 0 for value in others.values())
    assert stored(PAIRS)["logE"].get("others", []) == []


def test_the_columns_name_every_integer_of_every_row() -> None:
    for state in (PROMOTED, PAIRS):
        spec = stored(state)
        assert len(set(spec["columns"])) == len(spec["columns"])
        for row, look in zip(spec["looks"], state.looks, strict=True):
            named = dict(zip(spec["columns"], row, strict=True))
            assert {name: named.pop(name) for name in ("at", "step", "weight")} == {
                "at": look.at,
                "step": look.step,
                "weight": look.weight,
            }
            for variant in Variant:
                for field in TALLY_FIELDS[:FIRST_COUNTS]:
                    assert named.pop(f"{variant}.{field}") == getattr(getattr(look, variant), field)
            for name, counts in zip(CLASSES, look.classes, strict=bool(look.classes)):
                for variant in Variant:
                    for result in ("match", "mismatch"):
                        assert named.pop(f"{variant}.{result}/{name}") == getattr(counts, f"{variant}_{result}")
            assert named == {}


@pytest.mark.slow
@every_row("column", range(39))
def test_a_change_of_any_count_of_any_column_is_found_out(column: int) -> None:
    spec = stored(PROMOTED)
    spec["looks"][-1][column] += 1
    assert digest_of(spec) != spec["digest"]
    assert any("digest" in sentence or "query class" in sentence for sentence in found_out(spec))


@pytest.mark.parametrize("field", ["columns", "logE"])
def test_a_change_of_names_or_evidence_is_found_out(field: str) -> None:
    spec = stored(ROLLED_BACK)
    if field == "columns":
        spec["columns"][-1] = "candidate.mismatch/easy"
    else:
        spec["logE"]["others"][0]["value"] = "0.0"
    assert any("digest" in sentence for sentence in differences(spec))


def moved(first: int, second: int, count: int = 9) -> Callable[[dict[str, Any]], None]:
    """Some counts of the first look taken from one column to another."""

    def change(spec: dict[str, Any]) -> None:
        spec["looks"][0][first] -= count
        spec["looks"][0][second] += count

    return change


def column(name: str) -> int:
    return int(stored(ROLLED_BACK)["columns"].index(name))


@pytest.mark.parametrize(
    ("first", "second", "claim"),
    [
        ("candidate.match/easy", "candidate.match/hard", "class/easy"),
        ("baseline.match/hard", "baseline.mismatch/hard", "class/hard"),
        ("candidate.match/hard", "candidate.mismatch/hard", "certificate/hard"),
        ("candidate.match", "candidate.mismatch", "floor"),
        ("candidate.failed", "candidate.completed", "guardrail/failures"),
        ("candidate.started", "candidate.feedback_down", "guardrail/unhappy"),
    ],
)
def test_counts_changed_together_with_the_digest_are_found_out_by_the_claim_that_they_belong_to(
    first: str, second: str, claim: str
) -> None:
    told = forged(UNDECIDED, moved(column(first), column(second)))
    assert any(f"for {claim}, which the record does not say" in sentence for sentence in told), told


def test_pairs_changed_together_with_the_digest_are_found_out() -> None:
    told = forged(PAIRS, moved(column("candidate.pairs_baseline_only"), column("candidate.pairs_both")))
    assert any("for harm, the record says" in sentence for sentence in told)


@pytest.mark.parametrize("claim", range(7))
def test_evidence_of_a_claim_that_was_changed_or_left_out_is_found_out_by_its_name(claim: int) -> None:
    name = [*CLAIM_NAMES, *CERTIFICATES][claim]

    def change(spec: dict[str, Any]) -> None:
        spec["logE"]["others"][claim]["value"] = "99.5"

    def leave_out(spec: dict[str, Any]) -> None:
        del spec["logE"]["others"][claim]

    for forgery in (change, leave_out):
        (told,) = forged(ROLLED_BACK, forgery)
        assert f"for {name}, which the record does not say" in told


def test_evidence_of_a_claim_that_nobody_asked_for_is_found_out() -> None:
    def add(spec: dict[str, Any]) -> None:
        spec["logE"]["others"].append({"name": "guardrail/latency", "value": "0.0"})

    (told,) = forged(ROLLED_BACK, add)
    assert "guardrail/latency, which its plan does not ask for" in told


@pytest.mark.parametrize("reason", ["BelowFloor", "GuardrailBroken", "QueryClassHarmed"])
def test_a_rollback_for_another_harm_than_the_first_that_is_shown_is_found_out(reason: str) -> None:
    (told,) = forged(ROLLED_BACK, lambda spec: spec.update(reason=reason))
    assert f"do not show what the record rolls back for ({reason})" in told


def test_a_promotion_without_the_proof_of_each_class_is_found_out() -> None:
    served = [in_classes(arms(1992), arms(8))] * 4
    each, overall = (judging({**CLAIMED, "requireEach": wanted}) for wanted in (True, False))
    spec = stored(observed(overall, *served))
    assert differences(spec) == []
    spec["plan"] = observed(each, *served).pinned_plan.text
    assert "The looks do not prove what a promotion needs." in differences(spec)


def test_a_promotion_over_a_broken_guardrail_is_found_out() -> None:
    good = Totals(*arms(2000))
    displeasing = with_events(good, {"feedback_down": 20}, {"feedback_down": 400})
    railed = judging({"guardrails": CLAIMED["guardrails"]})
    spec = stored(observed(judging({}), *[displeasing] * 4))
    assert spec["decision"] == "Promote" and differences(spec) == []
    spec["plan"] = observed(railed, good).pinned_plan.text
    assert "The looks show harm, yet the record promotes the candidate." in differences(spec)


@pytest.mark.parametrize("cut", [1, 4, 8])
def test_a_row_without_some_of_its_class_columns_is_refused(cut: int) -> None:
    spec = stored(ROLLED_BACK)
    spec["looks"] = [row[:-cut] for row in spec["looks"]]
    assert any("The looks cannot be counts" in sentence and "query class" in sentence for sentence in differences(spec))


@pytest.mark.parametrize("state", [PROMOTED, ROLLED_BACK, PAIRS], ids=["promoted", "rolled back", "pairs"])
def test_a_decided_state_comes_back_from_its_status_with_its_verdict(state: RolloutState) -> None:
    status = json.loads(json.dumps(to_status("qa", UID, LiveTimes.of(SPEC), state, "")))
    again, _ = from_status(status)
    assert again == state and verdict_spec("qa", UID, again) == verdict_spec("qa", UID, state)
    assert status["decision"]["digest"] == verdict_spec("qa", UID, state)["digest"]


def test_a_status_names_the_evidence_of_every_claim_as_the_verdict_does() -> None:
    status = to_status("qa", UID, LiveTimes.of(SPEC), ROLLED_BACK, "")
    assert [each["name"] for each in status["evidence"]["logE"]["others"]] == [*CLAIM_NAMES, *CERTIFICATES]


def test_the_looks_of_a_status_are_read_with_the_query_classes_of_its_own_plan() -> None:
    status = to_status("qa", UID, LiveTimes.of(SPEC), ROLLED_BACK, "")
    plan = json.loads(status["plan"])
    del plan["objective"]["queryClasses"], plan["objective"]["requireEach"]
    with pytest.raises(ValueError, match=r"status\.internal\.looks holds 39 numbers, which are no rows of 31"):
        from_status({**status, "plan": json.dumps(plan)})


def test_rows_come_back_as_looks() -> None:
    for state in (PROMOTED, PAIRS):
        assert tuple(Look.from_row(list(row)) for row in stored(state)["looks"]) == state.looks
