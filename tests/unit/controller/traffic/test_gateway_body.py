"""Mode GatewayBody in a cluster: the gateway's objects stand before the overlay, and what it leaves out is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.conditions import ConditionStatus
from earlystop.api.counts import Tally
from earlystop.controller.cluster import AGENTGATEWAY_BACKENDS, DEFINITIONS, DEPLOYMENTS, GATEWAY_CLASSES, ROUTES
from earlystop.controller.orphan_collector import GRACE_SECONDS, OrphanCollector
from earlystop.controller.traffic.unseen_requests import LEAST_SECONDS, look_for_unseen, with_unseen
from earlystop.delivery.decisions import SplitStatus
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.injector.not_written import not_written
from earlystop.delivery.names import overlay_name
from earlystop.metrics.convention.body_effects import BodyEffects, EffectsQuestion, read_effects
from earlystop.metrics.convention.ledger import Ledger, SeriesKey
from earlystop.metrics.convention.unseen import Unseen, UnseenQuestion
from earlystop.metrics.source.answer import Sample
from earlystop.rollout.observations import Observation
from tests.unit.controller.embedded_world import SOURCE
from tests.unit.controller.named_answers import NamedAnswers
from tests.unit.controller.traffic.moves import ALL, HALF, NONE, Moves
from tests.unit.delivery.cluster import AGENTGATEWAYS, running
from tests.unit.rollout.policies import NOW

NAMES = ("qa-es-baseline-body", "qa-es-candidate-body")
IN_FORCE = Observation(ConditionStatus.TRUE, "InForce", "Weights are in force, proven by 20 probes.")


def moves_behind_an_agentgateway() -> Moves:
    moves = Moves("GatewayBody")
    moves.api.writes_gateway_objects = True
    moves.api.put(DEFINITIONS, AGENTGATEWAYS)
    controller = {"spec": {"controllerName": "agentgateway.dev/agentgateway"}}
    moves.api.put(GATEWAY_CLASSES, {"metadata": {"name": "traefik"}, **controller})
    return moves


async def led(moves: Moves) -> None:
    """Users are led: the injector's Pods have come to be ready."""
    await moves.put(HALF)
    moves.api.put(DEPLOYMENTS, running(moves.api.at(DEPLOYMENTS, "llm", "qa-es-injector")))
    await moves.in_force(HALF)


def overlay(moves: Moves) -> dict[str, object]:
    return moves.api.at(ROUTES, "llm", overlay_name("qa"))


def expressions(moves: Moves, name: str) -> list[str]:
    spec = moves.api.at(AGENTGATEWAY_BACKENDS, "llm", name)["spec"]
    return [each["expression"] for each in spec["policies"]["ai"].get("transformations", [])]


async def test_the_gateways_objects_and_the_injector_come_first_then_the_overlay_which_leads_to_them() -> None:
    moves = moves_behind_an_agentgateway()
    first = await moves.put(HALF)
    assert (first.status, first.observation.reason) == (SplitStatus.NOT_WRITTEN, "InjectorNotReady")
    assert [expressions(moves, name)[0] for name in NAMES] == ["40", "10"]
    assert ROUTES.path("llm", overlay_name("qa")) not in moves.api.objects
    moves.api.put(DEPLOYMENTS, running(moves.api.at(DEPLOYMENTS, "llm", "qa-es-injector")))
    await moves.in_force(HALF)
    assert not serves_no_user(overlay(moves)) and moves.overlay_weights() == {(50, 50)}


async def test_a_promotion_and_a_rollback_move_weights_alone() -> None:
    moves = moves_behind_an_agentgateway()
    await led(moves)
    for wanted, weights in ((ALL, (0, 100)), (NONE, (100, 0))):
        moves.api.calls.clear()
        await moves.put(wanted)
        assert moves.overlay_weights() == {weights}
        assert {path.rsplit("/", 2)[1] for _, path in moves.api.calls} == {"httproutes"}


async def test_a_foreign_edit_of_a_gateways_object_is_undone() -> None:
    moves = moves_behind_an_agentgateway()
    await led(moves)
    found = moves.api.at(AGENTGATEWAY_BACKENDS, "llm", NAMES[1])
    moves.api.put(AGENTGATEWAY_BACKENDS, {**found, "spec": {**found["spec"], "policies": {"ai": {"routes": {}}}}})
    await moves.put(HALF)
    assert expressions(moves, NAMES[1])[0] == "10"


async def test_without_the_kind_or_the_right_users_are_taken_off_and_told_why() -> None:
    for reason in ("GatewayObjectsMissing", "GatewayBodyDisabled"):
        moves = moves_behind_an_agentgateway()
        await led(moves)
        if reason == "GatewayBodyDisabled":
            moves.api.writes_gateway_objects = False
        else:
            del moves.api.objects[DEFINITIONS.path(None, str(AGENTGATEWAYS["metadata"]["name"]))]
        found = await moves.put(HALF)
        assert found.observation.reason == reason and serves_no_user(overlay(moves))


async def test_what_a_deleted_policy_leaves_goes_after_its_overlay() -> None:
    moves = moves_behind_an_agentgateway()
    await led(moves)
    moves.api.serve(AGENTGATEWAY_BACKENDS)
    for path in [each for each in moves.api.objects if "/earlystoppolicies/" in each]:
        del moves.api.objects[path]
    del moves.api.objects[ROUTES.path("llm", overlay_name("qa"))]
    now = [float(NOW)]
    collector = OrphanCollector(moves.api, lambda: now[0], [None])
    await collector.sweep()
    assert all(len(owners(moves, name)) == 2 for name in NAMES)
    now[0] += GRACE_SECONDS
    await collector.sweep()
    assert all(owners(moves, name) == ["EarlyStopPolicy"] for name in NAMES)


def owners(moves: Moves, name: str) -> list[str]:
    found = moves.api.at(AGENTGATEWAY_BACKENDS, "llm", name)
    return [each["kind"] for each in found["metadata"]["ownerReferences"]]


class Source:
    """A source whose injectors have these effects."""

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        del query, at
        return [
            Sample({"variant": "candidate", "effect": "kept"}, 90.0),
            Sample({"variant": "candidate", "effect": "missing"}, 7.0),
            Sample({"variant": "baseline", "effect": "missing"}, 3.0),
        ]


def test_missing_settings_of_all_variants_are_counted_and_changed_nothing() -> None:
    found = read_effects(Source(), EffectsQuestion("llm/qa", 600), NOW)
    assert isinstance(found, BodyEffects)
    assert (found.missing, found.total, found.changed) == (10.0, 100.0, 0.0)


class Reader(NamedAnswers):
    """All requests come by the overlay, and the gateway left so many of 500 settings out."""

    def __init__(self, missing: float) -> None:
        super().__init__()
        self.sources["default"] = SOURCE
        self.missing = missing

    async def read_unseen(self, source: str, question: UnseenQuestion, at: int) -> Unseen:
        return Unseen(500.0, 0.0)

    async def read_effects(self, source: str, question: EffectsQuestion, at: int) -> BodyEffects:
        return BodyEffects(0.0, 500.0, missing=self.missing)


@pytest.mark.parametrize(("missing", "reason"), [(0.0, "InForce"), (400.0, "SettingsNotWritten")])
async def test_settings_that_a_gateway_leaves_out_are_told_and_kept_ones_are_as_they_should_be(
    missing: float, reason: str
) -> None:
    moves = moves_behind_an_agentgateway()
    moves.tracked.state = replace(moves.tracked.state, step_started_at=NOW)
    moves.tracked.ledger = Ledger({SeriesKey(2, "baseline", "default", "p1"): Tally(started=1)})
    await look_for_unseen(Reader(missing), moves.tracked, int(NOW + LEAST_SECONDS))
    told = with_unseen(moves.tracked, IN_FORCE)
    assert (told.status, told.reason) == (ConditionStatus.TRUE, reason)
    assert with_unseen(moves.tracked, told) == told


@pytest.mark.parametrize(
    ("missing", "total", "told"), [(199.0, 199.0, False), (2.0, 200.0, False), (3.0, 200.0, True), (0.0, 900.0, False)]
)
def test_few_settings_say_nothing_and_one_in_a_hundred_is_few(missing: float, total: float, told: bool) -> None:
    assert bool(not_written(missing, total, 600)) == told
