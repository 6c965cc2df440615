"""Each query class gets the candidate that is proven in it, from one campaign, and anyone can recompute which."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from earlystop.api.policy import PolicySpec
from earlystop.rollout.class_settings import class_settings
from earlystop.rollout.exposure import weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import ClassSetting, Phase, RolloutState, Verdict
from earlystop.rollout.stored.class_codec import parts_of
from earlystop.rollout.stored.class_packing import pack_beside, unpack_beside
from earlystop.rollout.stored.packing import pack_looks
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import carried_out, expire
from earlystop.rollout.verdict import digest_of, verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.turns import Turns
from tests.unit.rollout import several
from tests.unit.rollout.classes import BY_SEARCH, EASY_AND_HARD, IN_SHADOW, LIVE, decided, observe
from tests.unit.rollout.policies import UID, started
from tests.unit.rollout.several import BAD, GOOD

BASELINE = {"window": "40", "patience": "2.5"}


@cache
def _decided(spec: PolicySpec) -> RolloutState:
    return decided(spec, started(spec), EASY_AND_HARD)


def _map(state: RolloutState) -> dict[str, str]:
    assert state.certified is not None
    return {each.query_class: each.candidate for each in state.certified.classes}


def test_one_stream_in_shadow_gives_each_class_its_own_best_candidate_and_moves_no_traffic() -> None:
    state = _decided(IN_SHADOW)
    assert state.decision is not None
    assert (state.decision.verdict, state.decision.reason) == (Verdict.RECOMMEND, "ProvenByClass")
    reported = carried_out(state)
    assert _map(reported) == {"lookup": "w1", "proof": "w10"} and weights(reported) == (100, 0, 0, 0)
    assert reported.certified is not None and reported.certified.values == BASELINE
    assert reported.certified.classes[0] == ClassSetting("lookup", "w1", {**BASELINE, "window": "1"})
    assert differences(verdict_spec("qa", UID, reported)) == []


@pytest.mark.slow
def test_a_search_of_all_settings_in_shadow_gives_each_class_the_one_that_is_proven_in_it() -> None:
    state = started(BY_SEARCH)
    given = dict(zip(("window-10", "window-5", "window-1"), zip(*EASY_AND_HARD.values(), strict=True), strict=True))
    names = state.pinned_plan.names
    truth = {name: [given[each][place] for each in names] for place, name in enumerate(EASY_AND_HARD)}
    reported = carried_out(decided(BY_SEARCH, state, truth))
    assert _map(reported) == {"lookup": "window-1", "proof": "window-10"}
    assert reported.certified is not None and reported.certified.values == BASELINE
    assert differences(verdict_spec("qa", UID, reported)) == []
    status = to_status("qa", UID, LiveTimes.of(BY_SEARCH), reported, "")
    assert from_status(json.loads(json.dumps(status)))[0] == reported


@pytest.mark.slow
def test_on_live_answers_harm_comes_first_and_a_class_keeps_what_was_proven_in_it_before() -> None:
    state = _decided(LIVE)
    assert {each.name for each in state.comparisons if each.dropped} >= {"w5", "w1"}
    assert state.decision is not None and state.decision.verdict is Verdict.PROMOTE
    promoted = carried_out(state)
    assert promoted.phase is Phase.PROMOTED and weights(promoted) == (100, 0, 0, 0)
    assert _map(promoted)["proof"] == "w10"
    assert differences(verdict_spec("qa", UID, promoted)) == []


def test_a_class_in_which_nothing_is_proven_keeps_the_baseline() -> None:
    truth = {"lookup": (GOOD, GOOD, GOOD), "proof": (BAD, BAD, BAD)}
    reported = carried_out(decided(IN_SHADOW, started(IN_SHADOW), truth))
    assert set(_map(reported)) == {"lookup"}
    assert reported.decision is not None and "proof and all requests of no class keep" in reported.decision.message


def test_where_every_candidate_harms_every_class_the_campaign_is_rolled_back_and_certifies_nothing() -> None:
    state = decided(IN_SHADOW, started(IN_SHADOW), dict.fromkeys(("lookup", "proof"), (BAD, BAD, BAD)))
    assert state.decision is not None
    assert (state.decision.verdict, state.decision.reason) == (Verdict.ROLL_BACK, "HarmfulInEveryClass")
    assert carried_out(state).certified is None and differences(verdict_spec("qa", UID, state)) == []


def test_at_the_deadline_each_class_gets_what_is_proven_by_then() -> None:
    spec, truth = IN_SHADOW, EASY_AND_HARD
    state = started(spec)
    turns = Turns()
    while (
        not any(each.certified_at for each in (part for one in state.comparisons for part in one.by_class))
        and turns.another()
    ):
        state = observe(spec, state, truth, requests=100)
    ended = expire(LiveTimes.of(spec), state, state.campaign_started_at + 3600)
    assert ended.decision is not None and ended.decision.verdict is Verdict.RECOMMEND
    assert differences(verdict_spec("qa", UID, ended)) == []


@pytest.mark.slow
@pytest.mark.parametrize("spec", [IN_SHADOW, LIVE], ids=["Shadow", "ABTest"])
def test_a_restart_at_any_look_goes_on_as_if_there_had_been_none(spec: PolicySpec) -> None:
    state = started(spec)
    turns = Turns()
    while state.decision is None and turns.another():
        state = observe(spec, state, EASY_AND_HARD, requests=4000 if spec is LIVE else 1500)
        status = to_status("qa", UID, LiveTimes.of(spec), state, "")
        assert from_status(status)[0] == state
    final = carried_out(state)
    again, _ = from_status(to_status("qa", UID, LiveTimes.of(spec), final, ""))
    assert again == final and _map(again) == _map(final)


def _swapped(spec: dict[str, Any]) -> None:
    spec["classMap"][0]["candidate"], spec["classMap"][1]["candidate"] = "w10", "w1"


def _without_looks(spec: dict[str, Any]) -> None:
    spec["classes"] = spec["classes"][:-1]


def _better_looks(spec: dict[str, Any]) -> None:
    found = next(each for each in spec["classes"] if (each["candidate"], each["queryClass"]) == ("w1", "proof"))
    found["lookTable"] = next(each["lookTable"] for each in spec["classes"] if each["queryClass"] == "lookup")


def _without_map(spec: dict[str, Any]) -> None:
    del spec["classMap"]


def _more_classes(spec: dict[str, Any]) -> None:
    spec["classMap"].append({"queryClass": "other", "candidate": "w1"})


@pytest.mark.parametrize("forge", [_swapped, _without_looks, _better_looks, _without_map, _more_classes])
def test_a_map_that_the_looks_do_not_prove_is_found_out(forge: Callable[[dict[str, Any]], None]) -> None:
    record = verdict_spec("qa", UID, _decided(IN_SHADOW))
    forge(record)
    record["digest"] = digest_of(record)
    assert differences(record)


def test_a_verdict_without_classes_says_nothing_of_any() -> None:
    plain = several.decided(several.IN_SHADOW, started(several.IN_SHADOW), several.USUAL, requests=400)
    record = verdict_spec("qa", UID, plain)
    assert "classes" not in record and "classMap" not in record
    forged = {**record, "classMap": [{"queryClass": "lookup", "candidate": "w1"}]}
    assert differences({**forged, "digest": digest_of(forged)})


def test_no_class_gets_anything_where_requests_did_not_arrive_as_they_were_split() -> None:
    state = _decided(LIVE)
    first = state.comparisons[0]
    broken = replace(first.evidence.sample_ratio, log_e_max=50.0)
    skewed = replace(first, evidence=replace(first.evidence, sample_ratio=broken))
    assert class_settings(state.pinned_plan, (skewed, *state.comparisons[1:])) == ()


def test_looks_of_all_candidates_in_a_class_are_packed_together_and_come_back_as_they_were() -> None:
    state = _decided(LIVE)
    records = [tuple(part.looks) for part in parts_of(state.comparisons)]
    records[1] = ()
    packed = pack_beside(records)
    assert unpack_beside(packed, len(records)) == records and unpack_beside(pack_beside([(), ()]), 2) == [(), ()]
    assert len(packed) < sum(len(pack_looks(each, beside=True)) for each in records)


@pytest.mark.parametrize("change", [lambda text: text[:-5], lambda text: f"3.0,{text}", lambda text: "nonsense"])
def test_packed_looks_of_classes_that_were_changed_are_refused(change: Callable[[str], str]) -> None:
    records = [tuple(part.looks) for part in parts_of(_decided(IN_SHADOW).comparisons)]
    with pytest.raises(ValueError, match=r"status\.internal\.classLooks"):
        unpack_beside(change(pack_beside(records)), len(records))
