"""Campaigns of earlier versions of the engine go on as they did, to the byte: looks, evidence, statuses, verdicts.

`recorded_by_version_2/` to `_10/` were made by the releases that had no later version, from seeded campaigns with query
classes and answers that could not be scored, with a floor around which the level of both variants moves, with harm that
is shown at half of the risk, with a floor that acts on a guess, on golden questions of which the baseline's answers are
missing, with harm that is shown while groups of requests last beyond blocks, with harm that is shown before answers
show what requests do, with huge answers of both variants, with one burst of failures, and with a few bursts of one
size: what was served, the status after three looks, the last one, the verdict.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.counts import ClassAnswers, Tally
from earlystop.api.policy import PolicySpec
from earlystop.evidence.version import EIGHTH, FIFTH, FOURTH, NINTH, SECOND, SEVENTH, SIXTH, TENTH, THIRD
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.state import Phase, RolloutState, Totals
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.unit.rollout import guarding
from tests.unit.rollout.policies import UID, started
from tests.unit.rollout.traffic import Server, observe, snapshot

RECORDED = [
    (engine, path)
    for engine in (SECOND, THIRD, FOURTH, FIFTH, SIXTH, SEVENTH, EIGHTH, NINTH, TENTH)
    for path in sorted((Path(__file__).parent / f"recorded_by_version_{engine}").glob("*.json"))
]
MIDWAY = 3
"""Looks before the first of the two statuses."""

Recorded = dict[str, Any]


def totals_of(rows: list[Any]) -> Totals:
    baseline, candidate, classes = rows
    return Totals(Tally(*baseline), Tally(*candidate), tuple(ClassAnswers(*each) for each in classes))


def status_of(spec: PolicySpec, state: RolloutState) -> Recorded:
    status: Recorded = json.loads(json.dumps(to_status("qa", UID, LiveTimes.of(spec), state, "")))
    return status


def begun(spec: PolicySpec, engine: int) -> tuple[RolloutState, Server]:
    server = Server(len(spec.objective.query_classes or ()))
    plan = parse_plan(plan_text(spec, engine=engine))
    # Read back from its status, the state has all evidence begun as its plan says.
    state, _ = from_status(status_of(spec, replace(started(spec), plan=plan)))
    return snapshot(spec, state, server), server


def observed(spec: PolicySpec, state: RolloutState, server: Server, served: list[Any]) -> RolloutState:
    for each in served:
        if state.phase == Phase.OBSERVING:
            state = observe(spec, state, server, totals_of(each))
    return state


def guarded(spec: PolicySpec, state: RolloutState, served: list[Any]) -> RolloutState:
    server = Server(len(spec.objective.query_classes or ()))
    state = guarding.watching(spec, server, state)
    for each in served:
        server.serve(state, totals_of(each))
        state = guarding.look(spec, state, server)
    return state


@pytest.mark.parametrize(("engine", "path"), RECORDED, ids=[f"{engine}-{path.stem}" for engine, path in RECORDED])
def test_a_campaign_of_an_earlier_version_is_judged_and_written_as_it_was(engine: int, path: Path) -> None:
    recorded: Recorded = json.loads(path.read_text())
    spec = PolicySpec.model_validate(recorded["spec"])
    state, server = begun(spec, engine)
    state = observed(spec, state, server, recorded["served"][:MIDWAY])
    assert status_of(spec, state) == recorded["midway"]
    if state.phase == Phase.OBSERVING:
        state, _ = from_status(recorded["midway"])
    state = observed(spec, state, server, recorded["served"][MIDWAY:])
    if recorded["verdict"] is None:
        assert state.decision is None
    else:
        assert json.loads(json.dumps(verdict_spec("qa", UID, state))) == recorded["verdict"]
        assert differences(recorded["verdict"]) == []
        state = carried_out(state)
    if recorded["guardServed"]:
        state = guarded(spec, state, recorded["guardServed"])
        ensure_alike(recorded["statusOfAnEarlierRelease"], recorded["status"])
    assert status_of(spec, state) == recorded["status"]


def ensure_alike(earlier: Recorded, status: Recorded) -> None:
    """A status whose window had more parts, and whose spans were packed otherwise, reads as the same state."""
    (found, _), (state, _) = from_status(earlier), from_status(status)
    before, after = guarding.guard_of(found), guarding.guard_of(state)
    assert (before.window.baseline, before.window.candidate) == (after.window.baseline, after.window.candidate)
    assert replace(found, guard=replace(before, window=after.window)) == state


def test_campaigns_under_way_decided_and_guarded_were_recorded() -> None:
    of_second = ["answers-wait", "excluded", "guarded", "harmed-in-a-class", "promoted"]
    of_later = ["below-the-floor", "harmed-at-a-share-of-the-risk"]
    of_fifth = ["below-the-floor-while-scatter-is-a-guess", "pairs-without-answers"]
    last = ["harmed-while-groups-last", "harmed-while-requests-show-groups", "harmed-after-huge-answers"]
    last += ["harmed-in-one-burst", "harmed-in-bursts-of-one-size"]
    assert [path.stem for _, path in RECORDED] == [*of_second, *of_later, *of_fifth, *last]
