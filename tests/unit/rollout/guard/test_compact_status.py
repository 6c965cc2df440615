"""The status of a guarded promotion takes little room, and nothing of it is lost, rounded or shown twice."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.crds import definitions
from earlystop.api.status.compact import SHOWN, compact, is_compact, whole
from earlystop.api.status.dictionary import GUARDS_WORDS, LATER_WORDS, NEWEST_WORDS, WORDS
from earlystop.api.status.packed_text import packed_fields, unpacked_fields
from earlystop.api.whole_numbers import varint
from earlystop.controller.status_layout import StatusLayout
from earlystop.controller.store.status_writer import merge_conditions
from earlystop.rollout.conditions import conditions
from earlystop.rollout.guard.packing import pack_window, unpack_window
from earlystop.rollout.guard.state import KEPT_LOOKS, GuardState
from earlystop.rollout.guard.window import EMPTY, PARTS, Part, Sums, Window
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.observations import Observations
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.stored.status_codec import from_status, to_status
from tests.unit.rollout.guard.recorded_texts import SEVENTH, SEVENTH_DIGEST, SIXTH_DIGESTS
from tests.unit.rollout.guarding import SPEC, alarmed, begun, guard_of, promoted, watched, watching
from tests.unit.rollout.policies import NOW, UID
from tests.unit.rollout.traffic import SAVING, Server

Status = dict[str, Any]

DICTIONARIES = (
    "c2f613c9203813816b5316d84f016d7446aac74dfd4073a588eb84a3477bea70",
    "244daedac140638328db57d072bfb733d374f5e929f8238afdd67b6d3b1b3469",
    "837f75091118adc25cba79755d2c575b2725a1a8731d6c4aba54ebe79fba88c4",
    "b07a9b346453fd19b647d45e3a386d05836d6eb6ed8183b6d57931c681689c65",
)
THIRD = (
    "3:c=^48s~@YzSG&}e6j&IR8z5IGbrFVU;F<wzz6Ul;fofvWvUQzNu>m-j0juz!RA5C@0v(bBjmTRXK`L2jOjaWe{F)"
    "$-XW|^HtVQal#?}G=b;d(kV_*ORK_z3C(6sW7nX7i6x%=)v00"
)
FOURTH = (
    "4:c=>#yw?(VQ+n6jVurMsgY){tWY)inK5-6<(qhjRh*#xC>Ha62SHq|lKF|x2WHnjw?p*>h)ss|uQO*OOBHAyr~Q7|>JFf!JGkYE#_{o87!<uE4"
    "5t2}Tn;HX8Ky^E~{083$4x?^BqV5n!<Hi1D<$=D?{t-NFAs@-SqzWWaV"
)
FIFTH = (
    "5:c=/#yw?(VQ+n6jVurMsgY){tWY)inK5-6](qhjRh*#xC/RyMI#Hc/*]bEs7atZIRX))H4~06}W1nWe5tqG5`Hvau4p5/To}S{Y-4yx;@pT8/(ziM"
    "-fa097zukN^N_SsRacHOkObSw={w8{~HlQp@vm;X3OcS;UmWgHswW]{SpfmuW]/8~|wl$(L{d"
)


@pytest.fixture(scope="module")
def guarded() -> RolloutState:
    server = Server()
    return watched(SPEC, watching(SPEC, server), server, SAVING, 40)


def whole_status(state: RolloutState) -> Status:
    """A status with its conditions, as JSON gives it back."""
    status = to_status("qa", UID, LiveTimes.of(SPEC), state, "a ledger")
    status["conditions"] = merge_conditions((), conditions(state, Observations()), 1, NOW)
    read: Status = json.loads(json.dumps({**status, "observedGeneration": 1}))
    return read


def test_all_of_a_guarded_status_comes_back_and_a_rollout_goes_on_from_it(guarded: RolloutState) -> None:
    status = whole_status(guarded)
    small = json.loads(json.dumps(compact(status)))
    assert whole(small) == status and whole(status) == status
    assert from_status(small) == from_status(status) == (guarded, "a ledger")
    assert len(json.dumps(small, separators=(",", ":"))) <= 4096


def test_only_what_a_guard_watches_over_is_made_small(guarded: RolloutState) -> None:
    rolled_back = alarmed()
    for state in (promoted(), rolled_back, replace(rolled_back, phase=Phase.ROLLED_BACK)):
        status = whole_status(state)
        assert compact(status) is status
    for state in (begun(), guarded):
        assert is_compact(compact(whole_status(state)))


def test_what_people_and_tools_go_by_stays_in_sight(guarded: RolloutState) -> None:
    status = whole_status(guarded)
    small = compact(status)
    shown = {each["type"]: (each["status"], each["reason"]) for each in small["conditions"]}
    assert shown.keys() >= {"Ready", "Accepted", "Promoted", "Completed", "Guarded"}
    assert small["decision"]["digest"] == status["decision"]["digest"]
    assert small["decision"]["message"] == status["decision"]["message"]
    assert small["certified"]["values"] and small["evidence"].keys() == {"effect", "saving"}
    assert small["guard"]["window"]["saving"] == status["guard"]["window"]["saving"]
    assert small["guard"]["detectors"] == status["guard"]["detectors"]


def test_a_condition_that_says_that_something_is_wrong_is_never_packed(guarded: RolloutState) -> None:
    status = whole_status(guarded)
    for kind, wrong in {"MetricsAvailable": "False", "TrafficApplied": "Unknown", "Stalled": "True"}.items():
        altered = [{**each, "status": wrong} if each["type"] == kind else each for each in status["conditions"]]
        assert kind in {each["type"] for each in compact({**status, "conditions": altered})["conditions"]}
        assert whole(compact({**status, "conditions": altered}))["conditions"] == altered


def condition(kind: str, status: str, reason: str, message: str) -> Status:
    found = {"type": kind, "status": status, "reason": reason, "message": message}
    return {**found, "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1}


OF_HOOKS = [
    condition("HooksDelivered", "True", "HooksDelivered", "All that happened so far was told by every hook."),
    condition("JobsSucceeded", "True", "JobSucceeded", "Job x of hook y has succeeded."),
    condition("GatesOpen", "True", "GateOpen", "Gate g is open."),
    condition("LoadFollowed", "True", "Busy", "c serves. From a load queue of 40 on the promoted setting serves."),
]
AND_SO_ON = " And so on." * 60


@pytest.mark.parametrize("more", ["", AND_SO_ON], ids=["small", "too large"])
def test_whoever_waits_for_a_condition_that_holds_finds_it_in_every_status(guarded: RolloutState, more: str) -> None:
    """`kubectl wait --for=condition=JobsSucceeded` would wait for ever for one that is packed, and `kubectl describe`
    would show one without a word."""
    status = whole_status(guarded)
    large = {**status, "conditions": [{**each, "message": each["message"] + more} for each in status["conditions"]]}
    large["conditions"] += OF_HOOKS
    small = compact(large)
    assert whole(small) == large and from_status(small)[0] == guarded
    held = {each["type"] for each in large["conditions"] if each["status"] == "True"}
    shown = {each["type"]: each for each in small["conditions"]}
    assert held - shown.keys() <= {"MetricsAvailable", "TrafficApplied", "SettingEffective", "SampleRatioOK"}
    assert all(each["message"] for each in shown.values())
    assert shown["Ready"]["message"].endswith(more) and shown["Promoted"]["message"].endswith(more)


def test_no_word_of_what_is_wrong_is_shortened_however_large_a_status_is(guarded: RolloutState) -> None:
    """Stalled is wrong while it is True."""
    wrong = [{**each, "status": "False", "message": each["message"] + AND_SO_ON} for each in OF_HOOKS]
    wrong.append(condition("Stalled", "True", "SpecRefused", "Write another name." + AND_SO_ON))
    status = whole_status(guarded)
    kept = [each for each in status["conditions"] if each["type"] != "Stalled"]
    small = compact({**status, "conditions": [*kept, *wrong]})
    shown = {each["type"]: each["message"] for each in small["conditions"]}
    assert {each["type"]: each["message"] for each in wrong}.items() <= shown.items()


@pytest.mark.parametrize("name", ["quiet", "worded"])
def test_more_conditions_than_a_status_has_are_refused(guarded: RolloutState, name: str) -> None:
    """Each was put among all others, which took as long as they were many, squared."""
    small = compact(whole_status(guarded))
    rest = {"quiet": [], name: [[0, {}]] * 100_000}
    with pytest.raises(ValueError, match=r"status\.internal\.rest does not fit its status"):
        whole({**small, "internal": {"rest": packed_fields(rest)}})


@pytest.mark.slow
def test_the_definition_demands_nothing_that_is_packed_and_fills_nothing_in(guarded: RolloutState) -> None:
    definition = definitions()["earlystop.dev_earlystoppolicies.yaml"]
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    small = compact(whole_status(guarded))
    assert missing(schema, small) == []
    assert filled_in(schema, small) == small


def missing(schema: Status, value: Any) -> list[str]:
    """Names of fields that a schema demands and a value does not have, at any depth."""
    if isinstance(value, list):
        return [name for each in value for name in missing(schema["items"], each)]
    if not isinstance(value, dict):
        return []
    names = [name for name in schema.get("required", ()) if name not in value]
    return names + [found for name, part in value.items() for found in missing(schema["properties"][name], part)]


def filled_in(schema: Status, value: Any) -> Any:
    """A value with the defaults of its schema, as the API server stores it."""
    if isinstance(value, list):
        return [filled_in(schema["items"], each) for each in value]
    if not isinstance(value, dict):
        return value
    parts = schema["properties"]
    defaults = {name: part["default"] for name, part in parts.items() if "default" in part and name not in value}
    return {**defaults, **{name: filled_in(parts[name], part) for name, part in value.items()}}


def test_a_default_that_a_server_fills_in_does_not_stand_for_what_is_packed(guarded: RolloutState) -> None:
    status = whole_status(guarded)
    small = compact(status)
    assert whole({**small, "guard": {**small["guard"], "looks": "", "step": 0}, "plan": "{}"}) == status


@pytest.mark.parametrize("text", ["", "2:abc", "1:", "1:é", "1:" + "0" * 40, packed_fields({})])
def test_a_text_that_nobody_here_packed_is_refused_by_its_name(guarded: RolloutState, text: str) -> None:
    small = compact(whole_status(guarded))
    with pytest.raises(ValueError, match=r"status\.internal\.rest"):
        from_status({**small, "internal": {"rest": text}})


def test_a_text_that_was_cut_off_is_refused(guarded: RolloutState) -> None:
    small = compact(whole_status(guarded))
    with pytest.raises(ValueError, match=r"status\.internal\.rest"):
        whole({**small, "internal": {"rest": small["internal"]["rest"][:-10]}})


def test_the_dictionaries_of_stored_texts_are_never_others() -> None:
    for words, digest in zip((WORDS, LATER_WORDS, NEWEST_WORDS, GUARDS_WORDS), DICTIONARIES, strict=True):
        assert hashlib.sha256(words).hexdigest() == digest, "statuses in clusters were packed with it; write a new form"


def test_texts_of_earlier_releases_are_read() -> None:
    bound = {"at": "2026-11-28T17:00:00Z", "images": "00112233445566778899aabbccddeeff"}
    guard: dict[str, Any] = {
        "checkpoint": ":00000",
        "comparedAt": "2026-11-28T18:00:00Z",
        "falseRevertSeconds": 2592000,
    }
    plan = '{"engine":4,"steps":[],"strategy":"Canary"}'
    fields = {"plan": plan, "guard": guard, "certified": {"bound": bound}, "quiet": []}
    assert unpacked_fields(THIRD) == fields
    del guard["falseRevertSeconds"]
    guard |= {"looks": "e*m_S", "mark": "36,35,3,28;359,35,0,0"}
    counted = {"ledger": "1 baseline qa 0000ee69-4a1d 54823,54823,0"}
    assert unpacked_fields(FOURTH) == {**fields, "internal": counted}
    guard |= {"spans": ":0000", "windowParts": ":0000"}
    assert unpacked_fields(FIFTH) == {**fields, "internal": counted}
    assert unpacked_fields(packed_fields({**fields, "internal": counted})) == unpacked_fields(FIFTH)


@pytest.mark.parametrize("text", SIXTH_DIGESTS, ids=["plain", "of classes"])
def test_texts_of_the_release_before_are_read_and_written_again_in_less_room(text: str) -> None:
    fields = unpacked_fields(text)
    assert hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest() == SIXTH_DIGESTS[text]
    again = packed_fields(fields)
    assert unpacked_fields(again) == fields and len(again) < 0.95 * len(text)
    for altered in (text[:-1], text[:40] + "!" + text[41:], text + "!"):
        with pytest.raises(ValueError, match=r"status\.internal\.rest was not written by this operator"):
            unpacked_fields(altered)


def test_a_text_of_this_form_is_read_by_every_build_that_writes_it() -> None:
    """What is expected of a number stands in no text: with another expectation each would read as another number."""
    found = json.dumps(unpacked_fields(SEVENTH), sort_keys=True).encode()
    assert hashlib.sha256(found).hexdigest() == SEVENTH_DIGEST, "statuses in clusters have it; write a new form"


def test_a_server_whose_definition_is_older_keeps_every_field_in_the_layout_that_it_knows(
    guarded: RolloutState,
) -> None:
    status, layout = whole_status(guarded), StatusLayout()
    for _ in range(3):
        sent = layout.of(status)
        kept = {**sent, "internal": {name: text for name, text in sent["internal"].items() if name != "rest"}}
        assert from_status(kept) == (guarded, "a ledger") and whole(kept)["conditions"] == status["conditions"]
        layout = layout.after_writing(sent, kept)
    oldest = {name: value for name, value in layout.of(status).items() if name != "internal"}
    assert StatusLayout().after_writing(layout.of(status), oldest).keeps_internal is False
    written = StatusLayout().of(status)
    assert from_status({name: value for name, value in written.items() if name != "internal"})[0] == guarded


def test_a_server_that_has_kept_the_packed_text_once_is_sent_nothing_else(guarded: RolloutState) -> None:
    status = whole_status(guarded)
    first = StatusLayout().of(status)
    assert from_status(first) == (guarded, "a ledger") and first["plan"] == status["plan"]
    layout = StatusLayout().after_writing(first, first)
    assert layout.of(status) == compact(status)
    assert StatusLayout().after_reading(compact(status)).of(status) == compact(status)


@pytest.mark.slow
def test_fields_that_are_shown_are_fields_of_a_status(guarded: RolloutState) -> None:
    definition = definitions()["earlystop.dev_earlystoppolicies.yaml"]
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    assert SHOWN.keys() <= schema["properties"].keys()
    for name in ("evidence", "decision", "certified", "savings", "guard"):
        assert SHOWN[name].keys() <= schema["properties"][name]["properties"].keys()


def test_a_window_comes_back_and_so_does_one_of_an_earlier_release(guarded: RolloutState) -> None:
    window = guard_of(guarded).window
    parts = tuple(Part(NOW + 300 * n, Sums(n, n // 2, 2 * n, 9**n), Sums(n * n, n, 10**n, n)) for n in range(PARTS))
    for each in (window, Window(3600, parts), Window(3600, parts[:1])):
        assert unpack_window(pack_window(each), each.seconds) == each
    assert pack_window(EMPTY) == "" and unpack_window("", 0) == EMPTY
    rows = [(each.begin, *each.baseline, *each.candidate) for each in window.parts]
    former = base64.b85encode(b"".join(varint(number) for row in rows for number in row)).decode()
    assert unpack_window(former, window.seconds) == window


def test_a_guard_of_an_earlier_release_that_kept_more_looks_goes_on() -> None:
    server = Server()
    guarded = watched(SPEC, watching(SPEC, server), server, SAVING, 40)
    looks = guard_of(guarded).looks
    longer: GuardState = replace(guard_of(guarded), looks=(*looks,) * 8)
    assert len(longer.looks) >= 24
    after = watched(SPEC, replace(guarded, guard=longer), server, SAVING, 3)
    assert after.is_guarded and guard_of(after).taken > longer.taken
    assert len(guard_of(after).looks) <= KEPT_LOOKS
