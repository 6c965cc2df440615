"""A status keeps the outline of what waits to be told; its words and its verdict are the same after a restart."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from earlystop.api.hooks import OccurrenceKind
from earlystop.api.status.hook import HooksStatus
from earlystop.rollout.hooks.happened import occurrences
from earlystop.rollout.hooks.occurrence import Occurrence, occurrence_id
from earlystop.rollout.hooks.outbox import (
    LONGEST_PROBLEM,
    MOST_WAITING,
    HookCursor,
    Outbox,
    following_hooks,
    put,
)
from earlystop.rollout.hooks.outbox_codec import hooks_status, restore_outbox
from earlystop.rollout.hooks.words import LONGEST_SENTENCE, name_of_record, worded, worded_by_record
from earlystop.rollout.state import RolloutState
from earlystop.rollout.verdict import verdict_name, verdict_spec
from earlystop.rollout.waiting.gates import GateAnswer, GatesAsked, GateState
from tests.unit.every_row import every_row
from tests.unit.rollout.asking import Campaign
from tests.unit.rollout.hooks.occurred import POLICY, hook, occurred
from tests.unit.rollout.policies import NOW, UID
from tests.unit.rollout.states import REACHED


def stored(occurrence: Occurrence) -> Occurrence:
    """The occurrence as an operator that was restarted reads it."""
    (restored,) = _again(Outbox(last=1, waiting=(replace(occurrence, number=1),))).waiting
    assert restored == replace(occurrence, number=1)
    assert (restored.sentence, restored.verdict) == ("", None)
    return restored


def _again(outbox: Outbox) -> Outbox:
    status = hooks_status(outbox)
    assert status is not None
    found = restore_outbox(HooksStatus.model_validate(json.loads(json.dumps(status.wire()))))
    assert found is not None
    return found


def told(occurrence: Occurrence) -> tuple[str, dict[str, str] | None]:
    return occurrence.sentence, None if occurrence.verdict is None else asdict(occurrence.verdict)


@every_row("name", [name for name, state in REACHED.items() if state.decision or state.awaiting])
def test_what_is_told_after_a_restart_is_what_was_to_be_told_before_it(name: str) -> None:
    state = REACHED[name]
    for each in occurrences(POLICY, RolloutState(), state):
        again = worded(POLICY, state, stored(each))
        assert again is not None and told(again) == told(each)
        assert occurrence_id(UID, again) == occurrence_id(UID, replace(each, number=1))


@every_row("name", [name for name, state in REACHED.items() if state.decision])
def test_what_was_decided_in_an_earlier_campaign_is_told_by_its_record(name: str) -> None:
    state = REACHED[name]
    decided = next(each for each in occurrences(POLICY, RolloutState(), state) if each.decision)
    kept = stored(decided)
    assert worded(POLICY, replace(state, revision="another"), kept) is None
    assert name_of_record(POLICY, kept) == verdict_name("qa", state)
    record = verdict_spec("qa", UID, state)
    assert told(worded_by_record(name_of_record(POLICY, kept), record, kept)) == told(decided)


def test_a_record_that_is_gone_is_told_of_by_its_name_and_reason() -> None:
    kept = stored(replace(occurred(), decision=2))
    found = worded_by_record(name_of_record(POLICY, kept), None, kept)
    assert found.sentence == "Decided: ExactMatchHarm. The record qa-r1-2 is not there any more."
    assert found.verdict is None


def test_what_waited_for_people_and_waits_no_more_is_told_by_its_moment() -> None:
    campaign = Campaign()
    before = campaign.state
    after = campaign.until_it_waits()
    (waits,) = occurrences(POLICY, before, after)
    found = worded(POLICY, replace(after, awaiting=None), stored(waits))
    assert found is not None and found.sentence.startswith("A decision began to wait for an approval at 2")


@pytest.mark.parametrize(("later", "words"), [(0, "Gate ci is closed: 3 failed."), (5, "Gate ci at 2")])
def test_a_gate_is_told_by_its_answer_while_that_is_the_latest(later: int, words: str) -> None:
    state = Campaign().state
    answer = GateAnswer("ci", GateState.CLOSED, NOW + later, "3 failed")
    kept = Occurrence(
        kind=OccurrenceKind.GATE, at=NOW, campaign=1, revision=state.revision, reason="GateClosed", gate="ci"
    )
    found = worded(POLICY, replace(state, gates=GatesAsked(NOW, False, (answer,))), stored(kept))
    assert found is not None and found.sentence.startswith(words)


def test_with_all_receivers_down_what_waits_takes_less_than_two_kib() -> None:
    hooks = tuple(hook(f"hook-number-{number}") for number in range(8))
    outbox = following_hooks(None, hooks)
    for number in range(3 * MOST_WAITING):
        sentence = "x" * LONGEST_SENTENCE
        made = replace(occurred(OccurrenceKind.REPEATED_FAILURE, sentence=sentence), revision="3c90aca675-abcdefgh")
        made = replace(made, reason="NonInferiorAndSaving", decision=1, campaign=number)
        outbox = put(outbox or Outbox(), hooks, made)
    assert outbox is not None
    problem = "y" * LONGEST_PROBLEM
    crowded = tuple(replace(each, given_up=16) for each in outbox.cursors)
    assert all(each.problem for each in crowded)
    size = len(json.dumps((hooks_status(replace(outbox, cursors=crowded)) or HooksStatus(last=0)).wire()))
    assert size < 2_048
    worst = tuple(HookCursor(each.hook, each.told_to, 16, problem) for each in crowded)
    assert len(json.dumps((hooks_status(replace(outbox, cursors=worst)) or HooksStatus(last=0)).wire())) < 2_500


def test_what_an_earlier_release_kept_is_told_in_its_words_and_stored_by_its_outline() -> None:
    former = {
        "last": 2,
        "waiting": [
            {
                "number": 2,
                "kind": "RolledBack",
                "at": "2026-01-01T00:00:00Z",
                "campaign": 1,
                "revision": "r1",
                "reason": "Aborted",
                "sentence": "It was aborted.",
                "verdict": {
                    "name": "qa-r1-2",
                    "digest": "sha256:0f",
                    "decision": "RollBack",
                    "candidate": "w10",
                    "effect": "-3.1",
                    "saving": "31 %",
                },
            }
        ],
    }
    outbox = restore_outbox(HooksStatus.model_validate(former))
    assert outbox is not None
    (waits,) = outbox.waiting
    assert waits.sentence == "It was aborted." and waits.verdict is not None and waits.verdict.name == "qa-r1-2"
    (again,) = _again(outbox).waiting
    assert again == waits and name_of_record(POLICY, again) == "qa-r1-2"


@pytest.mark.parametrize("line", ["", "1 Promoted", "1 Else 2026-01-01T00:00:00Z 1 r1 Aborted 1", "a " * 12])
def test_a_queue_that_nobody_here_wrote_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"queue|Else"):
        restore_outbox(HooksStatus(last=1, queue=(line,)))
