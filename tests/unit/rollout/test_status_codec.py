"""The state in a policy's status, and back."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.status.packed import PACKED_FIELDS, in_both_layouts
from earlystop.api.status.policy import PolicyStatus
from earlystop.api.wire import PACKED_LIMIT
from earlystop.rollout.exposure import incumbent_weight, weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.stored.status_codec import TooLarge, from_status, to_status
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.unit.every_row import every_row
from tests.unit.rollout.in_rows import in_rows
from tests.unit.rollout.policies import UID
from tests.unit.rollout.states import REACHED, SPEC, stored


def test_all_phases_are_among_the_states_that_are_tried_here() -> None:
    assert {state.phase for state in REACHED.values()} == set(Phase)


LEDGER = "0 baseline qa p1 1,1,0,1,0,0,9,81"


@pytest.mark.slow
@every_row("name", REACHED)
def test_a_status_gives_back_the_state_itself_with_every_float(name: str) -> None:
    ledger = "" if name == "pending" else LEDGER
    assert from_status(stored(REACHED[name], ledger)) == (REACHED[name], ledger)


@every_row("name", REACHED)
def test_every_status_is_one_that_the_crd_describes(name: str) -> None:
    status = stored(REACHED[name])
    assert PolicyStatus.model_validate(status).wire() == status
    assert status["phase"] == REACHED[name].phase


@every_row("name", sorted(REACHED.keys() - {"pending"}))
def test_a_status_says_in_numbers_what_people_ask_for(name: str) -> None:
    state, status = REACHED[name], stored(REACHED[name])
    weight = status["weight"]
    shares = weights(state)
    assert shares is not None and weight == 100 - shares[0]
    names, serves = ["baseline", *state.pinned_plan.names], incumbent_weight(state)
    incumbent = state.pinned_plan.incumbent
    if incumbent is not None:
        names, shares = [*names, incumbent.name], (*shares, serves)
    assert shares[names.index(status["variant"])] == max(shares) and sum(shares) == 100
    assert status["counts"]["baseline"]["scored"] == sum(look.baseline.scored for look in state.looks)
    assert status["evidence"]["looks"] == len(state.looks)
    assert "None" not in json.dumps(status) and "nan" not in json.dumps(status["evidence"])


@every_row("name", sorted(name for name, state in REACHED.items() if state.decision is not None))
def test_the_largest_e_values_of_a_status_are_those_of_its_verdict(name: str) -> None:
    status, record = stored(REACHED[name]), verdict_spec("qa", UID, REACHED[name])
    largest, recorded = status["evidence"]["largestLogE"], record["logE"]
    for claim in ("promote", "harm", "tokens", "sampleRatio"):
        assert largest[claim] == f"{float(recorded[claim]):.3f}"
        assert float(status["evidence"]["logE"][claim]) <= float(largest[claim])


@every_row("name", sorted(REACHED.keys() - {"pending"}))
def test_a_step_is_counted_from_1_as_in_every_sentence(name: str) -> None:
    state, status = REACHED[name], stored(REACHED[name])
    number, _, steps = status["progress"].partition("/")
    assert int(number) == state.step + 1 and (not steps or int(number) <= int(steps))
    sentence = strategy_of(state.pinned_plan).describe_step(state.pinned_plan, state)
    said = re.search(r"step (\d+)(?: of (\d+))?", sentence)
    assert said is None or (said[1], said[2] or "") == (number, steps)


@pytest.mark.parametrize("status", [{}, {"conditions": []}, {"phase": "Pending", "campaign": 0}])
def test_a_policy_without_a_campaign_begins_with_nothing(status: dict[str, Any]) -> None:
    assert from_status(status) == (RolloutState(), "")


def test_ledger_and_looks_that_outgrow_the_status_are_said_to_by_name() -> None:
    with pytest.raises(TooLarge, match=f"more than {PACKED_LIMIT}"):
        to_status("qa", UID, LiveTimes.of(SPEC), REACHED["observing"], "x" * PACKED_LIMIT)


def test_totals_of_any_size_find_room_in_the_status() -> None:
    state = REACHED["observing"]
    (only,) = state.comparisons
    huge = only.mark.baseline + type(only.mark.baseline)(*[2**63 - 1] * 8)
    state = replace(state, comparisons=(replace(only, mark=type(only.mark)(huge, huge)),))
    assert from_status(stored(state))[0].comparisons[0].mark == state.comparisons[0].mark


def test_a_policy_with_the_longest_name_can_be_decided() -> None:
    status = to_status("q" * 253, UID, LiveTimes.of(SPEC), REACHED["rolled back"], "")
    assert len(status["decision"]["name"]) <= 253


@pytest.mark.parametrize(
    ("field", "value", "names"),
    [
        ("looks", "not packed", "status.internal.looks"),
        ("looks", "YmFzZTY0", "status.internal.looks"),
        ("looks", "é", "status.internal.looks"),
        ("mark", "1,2;3", "status.internal.mark"),
        ("mark", "1,2,3,4,5,6,7,8,9;1,2,3,4,5,6,7,8,9", "status.internal.mark"),
        ("mark", "a,b,c,d,e,f,g,h;1,2,3,4,5,6,7,8", "status.internal.mark"),
        ("mark", "-1,2,3,4,5,6,7,8;1,2,3,4,5,6,7,8", "status.internal.mark"),
        ("plan", "[]", "a plan is"),
        ("plan", "{}", "a plan is"),
        ("plan", "{", "Expecting"),
        ("plan", '{"strategy":"Canary","steps":[]}', "targetRef"),
        ("campaignStartedAt", "yesterday", "'yesterday' is no time"),
        ("lastLookAt", "2026-01-01", "'2026-01-01' is no time"),
        ("phase", "Sleeping", "'Sleeping' is not a valid Phase"),
        ("phase", "Promoted", "status.phase Promoted does not fit a status without decision"),
        ("step", 3, "status.step is 3, but status.plan has 3 steps"),
        ("unheardOf", 1, "unheardOf"),
    ],
)
def test_a_status_that_nobody_here_wrote_is_refused_by_the_name_of_its_field(
    field: str, value: object, names: str
) -> None:
    with pytest.raises(ValueError, match=names.replace("[", r"\[")):
        from_status(with_field(stored(REACHED["observing"]), field, value))


def with_field(status: dict[str, Any], field: str, value: object) -> dict[str, Any]:
    """The status with another value of a field, wherever it stands."""
    if field not in PACKED_FIELDS:
        return {**status, field: value}
    return {**status, "internal": {**status["internal"], field: value}}


def former_layout(status: dict[str, Any]) -> dict[str, Any]:
    """The status as it was written before packed fields stood apart."""
    return {name: value for name, value in in_both_layouts(status).items() if name != "internal"}


@pytest.mark.slow
@every_row("name", sorted(REACHED.keys() - {"pending"}))
def test_a_status_of_the_former_layout_is_read_and_its_packed_fields_move_at_the_next_write(name: str) -> None:
    status = stored(REACHED[name], LEDGER)
    state, ledger = from_status(former_layout(status))
    assert (state, ledger) == (REACHED[name], LEDGER)
    assert stored(state, ledger) == status and not set(PACKED_FIELDS) & status.keys()


@pytest.mark.slow
@every_row("name", sorted(name for name, state in REACHED.items() if state.decision is not None))
def test_a_decision_of_an_earlier_release_keeps_its_verdict_with_rows_to_the_character(name: str) -> None:
    status = stored(REACHED[name])
    del status["decision"]["looksAsText"]
    state, _ = from_status(status)
    written = json.loads(json.dumps(verdict_spec("qa", UID, state)))
    assert written == in_rows(verdict_spec("qa", UID, REACHED[name])) and "lookTable" not in written
    assert differences(written) == [] and from_status(stored(state))[0] == state
    assert stored(state)["decision"]["digest"] == written["digest"] != status["decision"]["digest"]


def test_a_decision_in_a_phase_that_has_none_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit a status with decision"):
        from_status({**stored(REACHED["promoted"]), "phase": "Observing"})
