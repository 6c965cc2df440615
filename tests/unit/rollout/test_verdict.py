"""The record of a decision."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from earlystop.api.counts import Look
from earlystop.api.look_table import as_text
from earlystop.api.verdict import VerdictSpec
from earlystop.api.wire import DIGEST_ANNOTATION, POLICY_LABEL, POLICY_UID_LABEL
from earlystop.rollout.revision import revision_of
from earlystop.rollout.state import Certified, RolloutState
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.verdict import digest_of, later_verdict_name, verdict_name, verdict_object, verdict_spec
from earlystop.rollout.verdict_columns import COLUMNS
from earlystop.rollout.verify.verdict import MOST_DECISIONS, chain_differences, differences, object_differences
from tests.unit.every_row import every_row
from tests.unit.rollout.classes import EASY_AND_HARD, IN_SHADOW, decided
from tests.unit.rollout.policies import UID, started
from tests.unit.rollout.realistic import realistic_looks
from tests.unit.rollout.states import REACHED

DECIDED = sorted(name for name, state in REACHED.items() if state.decision is not None)


def spec_of(state: RolloutState) -> dict[str, Any]:
    return verdict_spec("qa", UID, state)


@pytest.mark.slow
@every_row("name", DECIDED)
def test_every_verdict_is_one_that_the_crd_describes_and_can_be_recomputed(name: str) -> None:
    stored = json.loads(json.dumps(spec_of(REACHED[name])))
    assert as_text(VerdictSpec.model_validate(stored).wire()) == stored
    assert differences(stored) == []


@pytest.mark.parametrize(("name", "now", "before"), [("rolled back", "is proven to", "is shown to")])
def test_a_verdict_in_the_words_of_an_earlier_release_can_be_recomputed(name: str, now: str, before: str) -> None:
    spec = spec_of(REACHED[name])
    assert now in spec["message"]
    earlier = {**spec, "message": spec["message"].replace(now, before)}
    earlier["digest"] = digest_of(earlier)
    assert differences(earlier) == []
    other = {**earlier, "message": earlier["message"].replace(before, "is said to")}
    other["digest"] = digest_of(other)
    assert differences(other) != []


def test_a_verdict_is_the_same_before_and_after_it_is_carried_out() -> None:
    for name in ("promoting", "rolling back", "holding"):
        assert spec_of(carried_out(REACHED[name])) == spec_of(REACHED[name])


def test_the_digest_does_not_depend_on_the_order_of_fields() -> None:
    spec = spec_of(REACHED["promoted"])
    turned = dict(reversed(list(spec.items())))
    assert digest_of(turned) == digest_of(spec) == spec["digest"]


NOT_THERE = {"digest", "requested_by", "margin", "looks", "columns"}


@every_row("field", sorted(set(VerdictSpec.model_fields) - NOT_THERE))
def test_the_digest_changes_with_every_field(field: str) -> None:
    by_class = field in ("classes", "class_map")
    of_people = "rejected" if field in ("rejected_by", "proposal_digest") else "promoted with a remainder"
    name = {"search": "a search is over", "guard": "rolled back by its guard"}.get(field, of_people)
    state = decided(IN_SHADOW, started(IN_SHADOW), EASY_AND_HARD) if by_class else REACHED[name]
    spec = spec_of(replace(state, entropy="random"))
    assert to_camel(field) in spec
    assert digest_of({**spec, to_camel(field): "something else"}) != spec["digest"]


def test_the_digest_changes_with_every_count_of_every_look() -> None:
    spec = spec_of(REACHED["rolled back"])
    for column in range(31):
        lines = spec["lookTable"].split("\n")
        cells = lines[-1].split(" ")
        cells[column] = f"{cells[column]}1"
        changed = "\n".join([*lines[:-1], " ".join(cells)])
        assert digest_of({**spec, "lookTable": changed}) != spec["digest"]


def test_settings_before_and_after_say_what_the_decision_leaves_in_force() -> None:
    window = {"name": "window", "before": "40", "after": "10"}
    patience = {"name": "patience", "before": "2.5", "after": "2.5"}
    assert spec_of(REACHED["promoted"])["settings"] == [window, patience]
    for name in ("rolled back", "held"):
        assert spec_of(REACHED[name])["settings"] == [{**window, "after": "40"}, patience]


def test_a_verdict_names_the_one_before_it() -> None:
    second = REACHED["second verdict"]
    assert spec_of(second)["previous"] == second.previous_digest != ""


@pytest.mark.parametrize("policy", ["q", "q" * 253, "q" * 239 + "." + "q" * 13, ("a-" * 126) + "b"])
def test_the_name_of_a_verdict_is_a_name_for_kubernetes_whatever_the_policy_is_called(policy: str) -> None:
    for revision in (REACHED["promoted"].revision, revision_of(UID, 1, "random", "k5q2" * 5)):
        names = {number: later_verdict_name(policy, revision, number) for number in range(1, MOST_DECISIONS + 1)}
        assert names[1] == verdict_name(policy, replace(REACHED["promoted"], revision=revision))
        assert names[1].endswith(f"-{revision}") and names[2] == f"{names[1]}-2"
        assert len(set(names.values())) == MOST_DECISIONS and max(map(len, names.values())) <= 253
        parts = [part for name in names.values() for part in name.split(".")]
        assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", part) for part in parts)


def test_the_verdict_of_a_late_decision_verifies_by_its_name_however_long_that_of_its_policy_is() -> None:
    policy, third = "q" * 253, REACHED["aborted as the third decision"]
    assert third.decision is not None
    late = replace(third, decision=replace(third.decision, number=12))
    verdict = json.loads(json.dumps(verdict_object(policy, "llm", UID, late)))
    assert verdict["metadata"]["name"].endswith("-12") and object_differences(verdict) == []


def test_every_campaign_has_a_verdict_of_its_own() -> None:
    assert verdict_name("qa", REACHED["promoted"]) != verdict_name("qa", REACHED["second verdict"])


def test_a_verdict_belongs_to_nobody_so_that_it_outlives_its_policy() -> None:
    verdict = verdict_object("qa", "llm", UID, REACHED["promoted"])
    assert "ownerReferences" not in verdict["metadata"]
    assert verdict["metadata"]["labels"]["earlystop.dev/policy-uid"] == UID
    assert verdict["metadata"]["namespace"] == "llm"


def test_looks_in_a_verdict_are_the_looks_that_were_evidence() -> None:
    (only,) = REACHED["promoted"].comparisons
    state = replace(REACHED["promoted"], comparisons=(replace(only, looks=realistic_looks(30, 2.0)),))
    assert tuple(Look.from_row(list(row)) for row in VerdictSpec.model_validate(spec_of(state)).looks) == state.looks


def test_what_happens_after_the_decision_does_not_touch_the_verdict() -> None:
    promoted = REACHED["promoted"]
    later = replace(promoted, certified=Certified({"window": "1"}, 1), metrics_lost_at=5, last_look_at=9)
    assert spec_of(later) == spec_of(promoted)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"decision": "Promote", "reason": "NonInferiorAndSaving"}, "do not prove what a promotion needs"),
        ({"lookTable": " ".join(COLUMNS)}, "The looks do not show what the record rolls back for"),
        ({"logE": {"promote": "9.0", "harm": "0", "tokens": "0", "sampleRatio": "0"}}, "log e-value"),
        ({"message": "all is well"}, "digest"),
    ],
)
def test_a_verdict_that_was_changed_is_found_out(change: dict[str, Any], told: str) -> None:
    spec = {**spec_of(REACHED["rolled back"]), **change}
    assert any(told in sentence for sentence in differences(spec))


TAMPERED: dict[str, Any] = {
    "effect": "+9.9 [+9.0, +9.9]",
    "saving": "99 % [98, 99]",
    "message": "All is proven.",
    "settings": [
        {"name": "window", "before": "40", "after": "1"},
        {"name": "patience", "before": "2.5", "after": "2.5"},
    ],
    "policyUid": "00000000-0000-4000-8000-000000000000",
    "campaign": 7,
    "revision": "0123456789",
    "at": "2020-01-01T00:00:00Z",
    "reason": "MostProvenWhatever",
    "uncertain": {"baseline": {"match": 1000}, "candidate": {}},
    "requestedBy": "user mallory",
    "approvedBy": ["user mallory"],
    "entropy": "other",
}


@pytest.mark.slow
@every_row("name", ["promoted", "rolled back", "several, one promoted"])
@every_row("field", TAMPERED)
def test_a_word_that_was_changed_together_with_the_digest_is_found(name: str, field: str) -> None:
    spec = {**spec_of(REACHED[name]), field: TAMPERED[field]}
    assert differences({**spec, "digest": digest_of(spec)})


@pytest.mark.parametrize("name", ["promoted", "rolled back"])
def test_a_decision_by_the_evidence_of_a_look_is_of_that_looks_moment(name: str) -> None:
    spec = {**spec_of(REACHED[name]), "at": "2030-01-01T00:00:00Z"}
    assert differences({**spec, "digest": digest_of(spec)}) == ["The time of the decision does not fit its last look."]


LOOK_ALIKES: dict[str, tuple[str, str]] = {
    "a digit of full width": ("1 h", "\uff11 h"),
    "an Arabic digit": ("1 h", "\u0661 h"),
    "a Cyrillic letter": ("proven", "pr\u043even"),
    "a blank that does not break": ("proven ", "proven\u00a0"),
    "a mark without a width": ("proven", "pro\u200bven"),
    "a mark that turns the direction of writing": ("proven", "\u202eproven"),
    "two blanks": ("proven ", "proven  "),
}


@every_row("what", LOOK_ALIKES)
def test_a_word_or_number_that_only_looks_like_the_operators_is_found(what: str) -> None:
    spec = spec_of(REACHED["held"])
    written, alike = LOOK_ALIKES[what]
    assert differences(spec) == [] and written in spec["message"]
    changed = {**spec, "message": spec["message"].replace(written, alike)}
    assert differences({**changed, "digest": digest_of(changed)})


SPELLINGS: dict[str, tuple[str, str]] = {
    "a fraction": ('"minimumSeconds":60', '"minimumSeconds":60.0'),
    "text": ('"minimumSeconds":60', '"minimumSeconds":"60"'),
    "a weight as text": ('"weight":5}', '"weight":"5"}'),
    "a truth as a number": ('"assumeIndependent":true', '"assumeIndependent":1'),
    "a truth as a word": ('"assumeIndependent":true', '"assumeIndependent":"yes"'),
    "an attempt that is a truth": ('{"baseline"', '{"attempt":true,"baseline"'),
}


@every_row("what", SPELLINGS)
def test_a_number_of_the_plan_in_another_spelling_is_found(what: str) -> None:
    spec = spec_of(REACHED["rolled back"])
    written, respelled = SPELLINGS[what]
    changed = {**spec, "plan": spec["plan"].replace(written, respelled, 1)}
    assert written in spec["plan"] and differences(spec) == []
    assert differences({**changed, "digest": digest_of(changed)})


@every_row("mark", [" ", "\u200b", "\n", "\u00a0"])
def test_no_name_in_a_record_ends_in_what_nobody_sees(mark: str) -> None:
    spec = spec_of(REACHED["a search is over"])
    trials = [{**each, "revision": f"{each['revision']}{mark}"} for each in spec["search"]["earlier"]]
    changed = {**spec, "search": {**spec["search"], "earlier": trials}}
    (sentence,) = differences({**changed, "digest": digest_of(changed)})
    assert "spec.search.earlier[0].revision" in sentence


def test_the_kind_the_labels_and_the_annotation_of_a_verdict_are_those_of_its_record() -> None:
    manifest = verdict_object("qa", "llm", UID, REACHED["promoted"])
    metadata = manifest["metadata"]
    for changed in (
        {**manifest, "kind": "EarlyStopPolicy"},
        {**manifest, "apiVersion": "earlystop.dev.example/v1"},
        {**manifest, "metadata": {**metadata, "labels": {**metadata["labels"], POLICY_LABEL: "other"}}},
        {**manifest, "metadata": {**metadata, "labels": {**metadata["labels"], POLICY_UID_LABEL: "other"}}},
        {**manifest, "metadata": {**metadata, "annotations": {DIGEST_ANNOTATION: "sha256:" + "0" * 64}}},
    ):
        assert len(object_differences(changed)) == 1, changed


def test_another_name_for_a_verdict_or_another_policy_in_it_is_found() -> None:
    manifest = verdict_object("qa", "llm", UID, REACHED["promoted"])
    assert object_differences(manifest) == []
    elsewhere = {**manifest, "metadata": {**manifest["metadata"], "name": "other"}}
    changed = {**manifest["spec"], "policy": "other"}
    for each in (elsewhere, {**manifest, "spec": {**changed, "digest": digest_of(changed)}}):
        (sentence,) = object_differences(each)
        assert "name" in sentence


def test_the_chain_of_verdicts_has_neither_gaps_nor_forks() -> None:
    first = verdict_object("qa", "llm", UID, REACHED["promoted"])
    state = replace(REACHED["second verdict"], previous_digest=first["spec"]["digest"])
    second = verdict_object("qa", "llm", UID, state)
    assert chain_differences(second, [first, second]) == [] == chain_differences(first, [first, second])
    (gap,) = chain_differences(second, [second])
    assert "before this one" in gap
    forged = {**first, "spec": {**first["spec"], "effect": "+9.9"}}
    (broken,) = chain_differences(second, [forged, second])
    assert "was changed" in broken
    spec = {**second["spec"], "entropy": "of-another-hand"}
    rival = {"metadata": {"name": "qa-rival"}, "spec": {**spec, "digest": digest_of(spec)}}
    (fork,) = chain_differences(second, [first, second, rival])
    assert "qa-rival" in fork and second["metadata"]["name"] in fork
    spec = {**spec, "previous": ""}
    begun_anew = {"metadata": {"name": "qa-anew"}, "spec": {**spec, "digest": digest_of(spec)}}
    (beginnings,) = chain_differences(second, [first, second, begun_anew])
    assert "each said to be the first" in beginnings
