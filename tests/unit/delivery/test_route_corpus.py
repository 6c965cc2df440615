"""Overlays on routes as people write them: no request ends at another backend than without the overlay."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from earlystop.api.conditions import Refusal
from earlystop.api.modes import route_modes
from earlystop.delivery.inputs import Neighbours
from earlystop.delivery.routes.gateway_limits import excess
from tests.unit.delivery.corpus import backends, clusters, drawn_cluster
from tests.unit.delivery.corpus_cases import Case, cases, largest_cases, written_objects
from tests.unit.delivery.gateway_model import TIES
from tests.unit.delivery.led_elsewhere import READINGS, misled

REQUESTS = 100_000


@pytest.mark.slow
def test_the_corpus_has_more_than_a_hundred_routes_and_most_policies_on_them_can_be_carried_out() -> None:
    assert sum(each["kind"] == "HTTPRoute" for cluster in clusters() for each in cluster.routes) > 100
    unusual = ("practice", "reported", "near_ties")  # what went wrong, and what is meant to
    ordinary = [case for case in cases() if case.cluster.name not in unusual]
    outcomes = Counter(each.reason if isinstance(each := case.outcome, Refusal) else "overlay" for case in ordinary)
    assert outcomes["overlay"] > len(ordinary) * 0.5, outcomes


def test_no_overlay_is_larger_than_a_route_may_be_on_its_way_either() -> None:
    routes = [each for case in largest_cases() for each in written_objects(case) if each["kind"] == "HTTPRoute"]
    assert len(routes) >= 12 and not [found for each in routes if (found := excess(each["spec"]["rules"]))]


@pytest.mark.slow
def test_no_request_of_a_hundred_thousand_ends_elsewhere_than_without_the_overlay() -> None:
    overlaid = [(case, overlay) for case in cases() if not isinstance(overlay := case.outcome, Refusal)]
    number = REQUESTS // len(overlaid) + 1
    for seed, (case, overlay) in enumerate(overlaid):
        found = misled(case, overlay, number, seed)
        assert not found, (case.cluster.name, overlay["metadata"]["name"], case.inputs.spec.delivery.mode, found[:3])


@pytest.mark.slow
@pytest.mark.parametrize("ties", TIES)
def test_no_request_ends_elsewhere_however_a_gateway_orders_routes_with_equal_matches(ties: str) -> None:
    overlaid = [(case, overlay) for case in cases() if not isinstance(overlay := case.outcome, Refusal)]
    for seed, (case, overlay) in enumerate(overlaid[::3]):  # two of each route's six modes
        readings = [READINGS[seed % len(READINGS)]._replace(ties=ties)]
        found = misled(case, overlay, 40, seed, readings)
        assert not found, (case.cluster.name, overlay["metadata"]["name"], found[:3])


@pytest.mark.slow
def test_whatever_routes_stand_beside_a_users_route_no_request_ends_elsewhere() -> None:
    overlays = 0
    for seed in range(2_000, 4_200):
        cluster = drawn_cluster(random.Random(seed))
        (backend, *_) = backends(cluster.routes[0])
        mode = sorted(route_modes())[seed % len(route_modes())]
        case = Case(cluster, cluster.routes[0], cluster.inputs(cluster.routes[0], backend, mode))
        overlay = case.outcome
        if not isinstance(overlay, Refusal):
            overlays += 1
            # Two of the eight for each mode in turn, whose tables take the time.
            readings = [each._replace(ties=sorted(TIES)[seed % len(TIES)]) for each in READINGS[seed // 3 % 4 :: 4]]
            found = misled(case, overlay, 64, seed, readings)
            assert not found, (seed, mode, found[:3], cluster.routes)
    assert overlays > 400


@pytest.mark.slow
def test_an_overlay_without_regard_to_other_routes_would_rob_routes_of_the_corpus() -> None:
    robbed = set()
    for seed, case in enumerate(each for each in cases() if each.inputs.spec.delivery.mode == "Shadow"):
        alone = replace(case, inputs=replace(case.inputs, neighbours=Neighbours()))
        overlay = alone.outcome
        if not isinstance(overlay, Refusal) and misled(case, overlay, 300, seed):
            robbed.add((case.cluster.name, case.route["metadata"]["name"]))
    assert len(robbed) >= 10, robbed
