"""The digest of a decision is its verdict's, and is worked out again only when the record may be another one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.rollout import decision_digest as module
from earlystop.rollout.decision_digest import decision_digest
from earlystop.rollout.hooks.outbox import Outbox
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import RolloutState
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.verdict import verdict_spec
from tests.unit.rollout.guarding import SPEC, alarmed, promoted, watched, watching
from tests.unit.rollout.policies import UID
from tests.unit.rollout.traffic import SAVING, Server


@pytest.fixture(scope="module")
def states() -> dict[str, RolloutState]:
    server = Server()
    first = watching(SPEC, server)
    return {
        "promoted": promoted(),
        "guarded": first,
        "guarded for longer": watched(SPEC, first, server, SAVING, 5),
        "alarmed": alarmed(),
    }


def recorded(state: RolloutState, name: str = "qa") -> str:
    return str(verdict_spec(name, UID, state)["digest"])


def test_it_is_the_digest_of_the_verdict_in_whatever_order_states_and_policies_are_asked_for(
    states: dict[str, RolloutState],
) -> None:
    for _ in range(2):
        for state in states.values():
            for name in ("qa", "other"):
                assert decision_digest(name, UID, state) == recorded(state, name)


def test_a_change_of_anything_that_is_recorded_is_followed(states: dict[str, RolloutState]) -> None:
    for state in states.values():
        known = decision_digest("qa", UID, state)
        comparison = state.comparisons[0]
        for changed in (
            replace(state, previous_digest="sha256:" + "0" * 64),
            replace(state, dispersion=9.5),
            replace(state, campaign=state.campaign + 1),
            replace(state, comparisons=(replace(comparison, looks=comparison.looks[:-1]),)),
        ):
            assert decision_digest("qa", UID, changed) == recorded(changed) != known
    after = states["alarmed"]
    assert after.guard is not None
    fewer = replace(after, guard=replace(after.guard, taken=1))
    assert decision_digest("qa", UID, fewer) == recorded(fewer) != decision_digest("qa", UID, after)


def test_the_looks_of_a_guard_and_what_is_told_and_saved_cost_no_second_verdict(
    states: dict[str, RolloutState], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, later = states["guarded"], states["guarded for longer"]
    digest = decision_digest("qa", UID, first)
    others = (later, replace(later, savings=None), replace(later, outbox=Outbox()), replace(later, handled=()))
    assert {recorded(each) for each in others} == {digest}
    monkeypatch.setattr(module, "verdict_spec", None)  # to call it would fail
    assert {decision_digest("qa", UID, each) for each in others} == {digest}


def test_the_trials_looks_are_packed_as_ever_when_they_are_packed_again(states: dict[str, RolloutState]) -> None:
    state = states["guarded"]
    once, twice = (to_status("qa", UID, LiveTimes.of(SPEC), state, "") for _ in range(2))
    assert once == twice and from_status(once)[0] == state
