"""Reconciliations of one policy, from its creation to its verdict, against an API in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.counts import Look, Tally
from earlystop.api.wire import PACKED_LIMIT, RETRY_ANNOTATION
from earlystop.controller.cluster import EVENTS, VERDICTS, ClusterError, Conflict
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.formatting import from_rfc3339
from earlystop.rollout.settling import PARTS_OF_DEADLINE
from earlystop.rollout.state import Totals
from earlystop.rollout.verdict import digest_of
from earlystop.rollout.verify.verdict import differences
from tests.turns import Turns
from tests.unit.controller.embedded_world import SERIES_NAME_LENGTH, World
from tests.unit.controller.reconcile.qualities import HARMFUL, ONE_STEP, SAVING
from tests.unit.rollout.in_rows import in_rows
from tests.unit.rollout.policies import written
from tests.unit.rollout.traffic import Quality

SAME = Quality(requests=40)


class Unended(Quality):
    """As many requests never end as are answered."""

    def at(self, weight: int) -> Totals:
        totals = Quality.at(self, weight)
        baseline, candidate = (replace(arm, started=2 * arm.started) for arm in (totals.baseline, totals.candidate))
        return Totals(baseline, candidate)


def condition(world: World, name: str) -> dict[str, Any]:
    return next(each for each in world.status["conditions"] if each["type"] == name)


async def test_when_traffic_rises_the_decision_is_stored_then_the_verdict_and_then_the_route_is_written() -> None:
    async with World(SAVING).open() as world:
        await world.reconcile_until("Promoted")
    # The last one says what the certificate is bound to.
    assert world.written("status", "verdict", "route")[-5:] == ["status", "verdict", "route", "status", "status"]
    assert world.status["weight"] == 100 and world.status["variant"] == "w10"
    certified = {each["name"]: each["value"] for each in world.status["certified"]["values"]}
    assert certified == {"window": "10", "patience": "2.5"}


async def test_that_a_step_waits_for_answers_is_shown_from_its_first_look_on_and_ends_with_a_word() -> None:
    async with World(Unended(requests=40), ONE_STEP).open() as world:
        await world.reconcile_until("Settling")
        turns = Turns()
        while "inFlight" not in world.status and turns.another():
            await world.reconcile()
        assert world.tracked.state.last_look_at == from_rfc3339(world.status["stepStartedAt"]) + 30
        assert "of its requests are still in flight" in condition(world, "Progressing")["message"]
        await world.reconcile_until("Observing")
    assert condition(world, "Progressing")["reason"] == "AnswersOutstanding"
    waited = from_rfc3339(world.status["evidenceFrom"]) - from_rfc3339(world.status["stepStartedAt"])
    assert 900 // PARTS_OF_DEADLINE <= waited < 900 // PARTS_OF_DEADLINE + 15


async def test_when_traffic_falls_the_decision_is_stored_then_the_route_is_written_and_then_the_verdict() -> None:
    async with World(HARMFUL).open() as world:
        await world.reconcile_until("RolledBack")
    assert world.written("status", "verdict", "route")[-4:] == ["status", "route", "verdict", "status"]
    assert world.status["weight"] == 0


@pytest.mark.parametrize("quality", [SAVING, HARMFUL])
async def test_the_stored_verdict_is_the_one_that_the_status_names_and_can_be_recomputed(quality: Quality) -> None:
    async with World(quality).open() as world:
        await world.reconcile_until("Promoted" if quality is SAVING else "RolledBack")
    (verdict,) = world.verdicts()
    decision = world.status["decision"]
    assert (verdict["metadata"]["name"], verdict["spec"]["digest"]) == (decision["name"], decision["digest"])
    assert digest_of(verdict["spec"]) == decision["digest"] and differences(verdict["spec"]) == []


async def test_nothing_acts_on_a_decision_that_could_not_be_stored() -> None:
    async with World(HARMFUL).open() as world:
        await world.reconcile_until("Observing")
        world.api.calls.clear()
        world.api.fail("PUT", *[ClusterError(500, "etcd is away")] * 3)
        for _ in range(3):
            with pytest.raises(ClusterError):
                await world.reconcile_until("RolledBack")
            assert world.written("route", "verdict") == [] and world.status["phase"] == "Observing"
        await world.reconcile_until("RolledBack")


async def test_a_verdict_that_is_refused_never_keeps_traffic_on_a_harmful_candidate() -> None:
    async with World(HARMFUL).open() as world:
        await world.reconcile_until("Observing")
        world.api.calls.clear()
        world.api.fail("POST", *[ClusterError(403, "exceeded quota")] * 8)
        await world.reconcile_until("RollingBack")
        assert world.written("route") == ["route"] and world.verdicts() == []
        ready = condition(world, "Ready")
        assert (ready["reason"], "exceeded quota" in ready["message"]) == ("VerdictNotStored", True)
        await world.reconcile_until("RolledBack")
    assert len(world.verdicts()) == 1


@pytest.mark.slow
async def test_a_verdict_of_that_name_with_other_contents_is_never_overwritten_and_nothing_is_promoted() -> None:
    async with World(SAVING).open() as world:
        await world.reconcile_until("Observing")
        name = f"qa-{world.status['revision']}"
        foreign = {"metadata": {"name": name, "namespace": "llm"}, "spec": {"digest": "sha256:else"}}
        world.api.put(VERDICTS, foreign)
        await world.reconcile_until("Promoting")
        for _ in range(5):
            await world.reconcile()
        assert world.status["phase"] == "Promoting"
        assert world.api.at(VERDICTS, "llm", name)["spec"] == foreign["spec"]


async def test_a_policy_that_is_created_suspended_touches_no_traffic_until_it_is_not() -> None:
    async with World(SAVING, {"suspend": True}).open() as world:
        for _ in range(5):
            await world.reconcile()
        assert world.written("route", "service") == [] and world.status["phase"] == "Pending"
        world.edit_spec(written())
        await world.reconcile_until("Observing")
        assert "route" in world.written("route")


def crowded(begin: int = 0) -> World:
    """A world in which more processes than a status can hold are started after so many seconds."""
    return World(SAME, ONE_STEP, crowd=PACKED_LIMIT // SERIES_NAME_LENGTH, crowd_after=begin)


@pytest.mark.slow
async def test_more_series_than_a_status_holds_are_told_and_harm_still_acts() -> None:
    async with crowded(begin=100).open() as world:
        await world.reconcile_while(
            lambda: not world.status.get("conditions") or condition(world, "Accepted")["reason"] != "TooManySeries"
        )
        stored = world.status["internal"]["looks"]
        for _ in range(10):
            await world.reconcile()
        assert world.status["internal"]["looks"] == stored and world.status["phase"] == "Observing"
        world.counts.quality = Quality(exact_match=0.2, requests=40)
        await world.reconcile_until("RolledBack")
    assert world.status["decision"]["reason"] == "HarmShown"
    assert differences(world.verdicts()[0]["spec"]) == []


@pytest.mark.slow
@pytest.mark.parametrize("begin", [0, 100])
async def test_more_series_than_a_status_holds_do_not_outlast_the_deadline_nor_keep_the_operator_busy(
    begin: int,
) -> None:
    async with crowded(begin).open() as world:
        await world.reconcile_until("RolledBack", reconciliations=150)
    assert world.status["decision"]["reason"] == "DeadlineExceeded"


async def test_without_metrics_it_holds_and_then_rolls_back() -> None:
    async with World(SAME).open() as world:
        await world.reconcile_until("Observing")
        world.counts.failure = MetricsFailure(FailureKind.TIMEOUT, "the source hangs")
        await world.reconcile_until("RolledBack")
    decision = world.status["decision"]
    assert decision["reason"] == "NoMetrics"
    assert 300 <= from_rfc3339(decision["at"]) - from_rfc3339(world.status["metricsLostAt"]) <= 316


@pytest.mark.slow
async def test_a_retry_starts_a_campaign_with_nothing_of_the_one_before() -> None:
    async with World(SAVING).open() as world:
        await world.reconcile_until("Promoted")
        first = world.status
        world.edit(annotations={RETRY_ANNOTATION: "1"})
        await world.reconcile()
        assert world.status["campaign"] == 2 and world.status["revision"] != first["revision"]
        assert world.status["previousDigest"] == first["decision"]["digest"]
        assert world.status["certified"] == first["certified"]
        assert (world.status["counts"]["baseline"]["scored"], world.status["internal"]["looks"]) == (0, "")


def every_look_is_what_was_served_in_its_15_seconds(world: World) -> None:
    (verdict,) = world.verdicts()
    assert differences(verdict["spec"]) == []
    looks = [Look.from_row(list(row)) for row in in_rows(verdict["spec"])["looks"]]
    assert len(looks) >= 3
    for look in looks:
        served = world.counts.quality.at(look.weight)
        assert look.baseline == Tally(*(15 * count for count in served.baseline.row()))
        assert look.candidate == Tally(*(15 * count for count in served.candidate.row()))


@pytest.mark.slow
async def test_an_operator_that_is_started_anew_at_every_reconciliation_counts_everything_once() -> None:
    async with World(SAVING).open() as world:
        for _ in range(300):
            if world.status.get("phase") == "Promoted":
                break
            await world.reconcile()
            world.tracked = TrackedPolicy.load(world.policy, world.now)
    every_look_is_what_was_served_in_its_15_seconds(world)


@pytest.mark.slow
async def test_a_conflict_at_any_write_of_the_status_loses_nothing_and_counts_nothing_twice() -> None:
    async with World(SAVING).open() as world:
        for number in range(300):
            if world.status.get("phase") == "Promoted":
                break
            if number % 3 == 0:
                world.api.fail("PUT", Conflict(409, "modified"))
            await world.reconcile()
    every_look_is_what_was_served_in_its_15_seconds(world)


@pytest.mark.slow
async def test_a_setting_that_never_reached_the_engine_is_told_once_and_neither_raised_nor_promoted() -> None:
    async with World(SAME, ONE_STEP).open() as world:
        await world.reconcile_until("Observing")
        for _ in range(40):
            await world.reconcile()
            if world.status["phase"] != "Observing":
                break
        notes = [each for path, each in world.api.objects.items() if path.startswith(EVENTS.path("llm"))]
    assert [each["reason"] for each in notes].count("SettingNotEffective") == 1
    assert condition(world, "Progressing")["reason"] in ("SettingNotEffective", "RolledBack")
    assert condition(world, "SettingEffective")["status"] == "False"
    assert all(each["spec"]["decision"] != "Promote" for each in world.verdicts())
