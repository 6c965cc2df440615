"""What is said of weights in force names the requests that come past them, and takes it back when they end."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from earlystop.api.conditions import ConditionStatus
from earlystop.api.counts import Tally
from earlystop.api.wire import commitment_of
from earlystop.controller.reconcile.timing import MESSAGE_SECONDS, message_is_due
from earlystop.controller.traffic.unseen_requests import (
    LEAST_SECONDS,
    SECONDS_BETWEEN,
    UNKNOWN,
    look_for_unseen,
    with_unseen,
)
from earlystop.metrics.convention.forged import ForgedQuestion
from earlystop.metrics.convention.ledger import Ledger, SeriesKey
from earlystop.metrics.convention.unseen import Unseen, UnseenQuestion
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.observations import Observation
from earlystop.rollout.plan import parse_plan, plan_text
from tests.unit.controller.embedded_world import SOURCE
from tests.unit.controller.named_answers import NamedAnswers
from tests.unit.controller.traffic.moves import Moves
from tests.unit.rollout.policies import NOW, policy

IN_FORCE = Observation(ConditionStatus.TRUE, "InForce", "Weights are in force, proven by 20 probes.")


class Reader(NamedAnswers):
    """Answers with these counts, and keeps the questions."""

    def __init__(self, found: Unseen | MetricsFailure) -> None:
        super().__init__()
        self.sources["default"] = SOURCE
        self.found, self.questions = found, list[UnseenQuestion]()

    async def read_unseen(self, source: str, question: UnseenQuestion, at: int) -> Unseen | MetricsFailure:
        self.questions.append(question)
        return self.found


def observing(moves: Moves) -> Moves:
    """The policy with weights in force since NOW, and a process that counts its requests."""
    key = SeriesKey(2, "baseline", "default", "p1")
    moves.tracked.state = replace(moves.tracked.state, step_started_at=NOW)
    moves.tracked.ledger = Ledger({key: Tally(started=1)})
    return moves


async def test_many_requests_that_come_past_the_overlay_are_told_until_they_end() -> None:
    moves = observing(Moves())
    await look_for_unseen(Reader(Unseen(0.0, 80.0)), moves.tracked, NOW + LEAST_SECONDS)
    told = with_unseen(moves.tracked, IN_FORCE)
    assert (told.status, told.reason) == (ConditionStatus.TRUE, "OverlayMisses")
    assert told.message.startswith(IN_FORCE.message) and "none came by the overlay" in told.message
    assert with_unseen(moves.tracked, told) == told
    await look_for_unseen(Reader(Unseen(80.0, 0.0)), moves.tracked, int(NOW + LEAST_SECONDS + SECONDS_BETWEEN))
    assert with_unseen(moves.tracked, told) == IN_FORCE


async def test_requests_are_looked_for_once_they_are_enough_and_at_a_stated_spacing() -> None:
    moves, reader = observing(Moves()), Reader(Unseen(50.0, 0.0))
    for seconds in (0, LEAST_SECONDS - 1, LEAST_SECONDS, LEAST_SECONDS + 1, LEAST_SECONDS + SECONDS_BETWEEN):
        await look_for_unseen(reader, moves.tracked, int(NOW + seconds))
    assert [each.seconds for each in reader.questions] == [LEAST_SECONDS, LEAST_SECONDS + SECONDS_BETWEEN]


async def test_a_restarted_fleet_looks_for_requests_over_the_spacing_and_not_all_at_once() -> None:
    asked = []
    for number in range(20):
        moves, reader = observing(Moves()), Reader(Unseen(50.0, 0.0))
        moves.tracked.policy = replace(moves.tracked.policy, uid=str(UUID(int=number)))
        moves.tracked.spec_read_at = NOW + 100.0
        for seconds in range(LEAST_SECONDS, int(100 + SECONDS_BETWEEN) + 1, 10):
            await look_for_unseen(reader, moves.tracked, NOW + seconds)
        asked.append([each.seconds for each in reader.questions])
    assert all(len(each) == 1 for each in asked), "each policy looks for them once in the spacing"
    assert min(asked) >= [100] and len({each // 60 for (each,) in asked}) >= 4


async def test_a_source_that_fails_takes_nothing_back() -> None:
    moves = observing(Moves())
    moves.tracked.traffic.requests.note_unseen("Many came past it.", NOW - 1000)
    failed = Reader(MetricsFailure(FailureKind.TIMEOUT, "it took too long"))
    await look_for_unseen(failed, moves.tracked, NOW + LEAST_SECONDS)
    assert with_unseen(moves.tracked, IN_FORCE).reason == "OverlayMisses"


def test_a_restarted_operator_takes_nothing_back_before_it_has_looked() -> None:
    stored = Observation(ConditionStatus.TRUE, "OverlayMisses", "Weights are in force. Many came past them.")
    assert with_unseen(Moves().tracked, stored) == stored


@pytest.mark.parametrize("status", [ConditionStatus.UNKNOWN, ConditionStatus.FALSE])
def test_weights_that_are_not_in_force_miss_nothing(status: ConditionStatus) -> None:
    moves = Moves()
    moves.tracked.traffic.requests.note_unseen("Many came past it.", NOW)
    waiting = Observation(status, "WaitingForGateway", "It waits.")
    assert with_unseen(moves.tracked, waiting) == waiting


def test_counters_that_cannot_show_it_are_said_to_leave_it_unknown() -> None:
    moves = Moves()
    custom = policy({"metrics": {**policy().metrics.wire(), "preset": "Custom"}})
    moves.tracked.state = replace(moves.tracked.state, plan=parse_plan(plan_text(custom)))
    told = with_unseen(moves.tracked, IN_FORCE)
    assert told.message == IN_FORCE.message + UNKNOWN and with_unseen(moves.tracked, told) == told


def test_a_sentence_that_changes_is_stored_though_its_reason_stays_and_not_too_often() -> None:
    tracked = Moves().tracked
    tracked.status.note_written(NOW, "It answered 404.")
    tracked.observe(
        replace(tracked.observations, traffic=Observation(ConditionStatus.UNKNOWN, "WaitingForGateway", "502.")), NOW
    )
    assert not message_is_due(tracked, NOW + MESSAGE_SECONDS - 1) and message_is_due(tracked, NOW + MESSAGE_SECONDS)
    tracked.status.note_written(NOW, "502.")
    assert not message_is_due(tracked, NOW + 1000)
    tracked.observe(replace(tracked.observations, traffic=IN_FORCE), NOW)
    assert not message_is_due(tracked, NOW + 1000), "while all is well only numbers change"


class WithForged(Reader):
    """As a source that also knows of forged requests, each of which counts as unassigned, too."""

    def __init__(self, seen: float, unseen: float, forged: float | MetricsFailure) -> None:
        super().__init__(Unseen(seen, unseen))
        self.forged = forged

    async def read_forged(self, source: str, question: ForgedQuestion, at: int) -> float | MetricsFailure:
        return self.forged


def protected(moves: Moves) -> Moves:
    """The same under a revision that commits to a token."""
    revision = f"0123456789-{commitment_of('llm/qa', 'token')}"
    moves.tracked.state = replace(observing(moves).tracked.state, revision=revision)
    return moves


@pytest.mark.parametrize(
    ("seen", "unseen", "forged", "reason"),
    [
        (80.0, 400.0, 400.0, "ForgedRequests"),
        (80.0, 400.0, 0.0, "OverlayMisses"),
        (80.0, 480.0, 400.0, "ForgedRequests"),
        (80.0, 0.0, 0.0, "InForce"),
        (8000.0, 10.0, 10.0, "InForce"),
    ],
)
async def test_forged_requests_are_told_as_such_and_not_as_ones_that_miss_the_overlay(
    seen: float, unseen: float, forged: float, reason: str
) -> None:
    moves = protected(Moves())
    await look_for_unseen(WithForged(seen, unseen, forged), moves.tracked, NOW + LEAST_SECONDS)
    told = with_unseen(moves.tracked, IN_FORCE)
    assert (told.status, told.reason) == (ConditionStatus.TRUE, reason)
    assert told.message.startswith(IN_FORCE.message)
    await look_for_unseen(WithForged(80.0, 0.0, 0.0), moves.tracked, int(NOW + LEAST_SECONDS + SECONDS_BETWEEN))
    assert with_unseen(moves.tracked, told).reason == "InForce"


async def test_forged_requests_are_told_where_no_server_counts_any_other() -> None:
    moves = protected(Moves())
    moves.tracked.ledger = Ledger()
    reader = WithForged(0.0, 0.0, 50.0)
    await look_for_unseen(reader, moves.tracked, NOW + LEAST_SECONDS)
    assert with_unseen(moves.tracked, IN_FORCE).reason == "ForgedRequests" and reader.questions == []


async def test_a_source_that_cannot_tell_of_forged_requests_is_asked_again() -> None:
    moves = protected(Moves())
    failing = WithForged(0.0, 80.0, MetricsFailure(FailureKind.TIMEOUT, "it took too long"))
    await look_for_unseen(failing, moves.tracked, NOW + LEAST_SECONDS)
    assert with_unseen(moves.tracked, IN_FORCE) == IN_FORCE
    await look_for_unseen(WithForged(0.0, 80.0, 80.0), moves.tracked, NOW + LEAST_SECONDS + 1)
    assert with_unseen(moves.tracked, IN_FORCE).reason == "ForgedRequests"
