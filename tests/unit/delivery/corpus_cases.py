"""Policies on the routes of the corpus, and every object that the operator would write for them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from earlystop.api.conditions import Refusal
from earlystop.api.modes import route_modes
from earlystop.delivery.desired import desired_traffic
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.preflight import rendered_or_refusal
from tests.unit.delivery.cluster import exact, inputs, overlay_in, prefix, rule, split
from tests.unit.delivery.corpus import NEW, CorpusCluster, backends, clusters, drawn_cluster

# By mode: what is in force.
SHARES = split(20, 30, token="of the campaign")
SPLITS = dict.fromkeys(("GatewayHeader", "HeaderCohort", "RequestBody", "GatewayBody", "Workload"), SHARES)
SPLITS["Shadow"] = split(0, 0, shadows=2, token=SHARES.token)

DRAWN = 60
AT_THE_LIMITS = (
    (rule(prefix("/" + 1003 * "a")),),
    tuple(rule(exact(f"/ask/{number}")) for number in range(15)),
    (rule(*(exact(f"/ask/{number}") for number in range(62))),),
)
"""Rules of routes whose overlays are as large as Gateway API allows."""


@dataclass(frozen=True)
class Case:
    """A policy on one route of the corpus."""

    cluster: CorpusCluster
    route: Manifest
    inputs: ClusterInputs

    @property
    def outcome(self) -> Manifest | Refusal:
        """The overlay, younger than all routes, or why there is none."""
        found = rendered_or_refusal(self.inputs, SPLITS[self.inputs.spec.delivery.mode])
        if isinstance(found, Refusal):
            return found
        overlay = overlay_in(found)
        return {**overlay, "metadata": {**overlay["metadata"], "creationTimestamp": NEW}}


@cache
def cases() -> tuple[Case, ...]:
    """A policy of each mode for each Service that a route of the corpus leads to."""
    return tuple(
        Case(cluster, route, cluster.inputs(route, backend, mode))
        for cluster in clusters()
        for route in cluster.routes
        for backend in backends(route)
        for mode in sorted(route_modes())
    )


def all_cases() -> Iterator[Case]:
    """Policies on the corpus, on routes that are drawn at random, and on the largest ones."""
    yield from cases()
    modes = sorted(route_modes())
    for seed in range(DRAWN):
        drawn = drawn_cluster(random.Random(seed))
        route = drawn.routes[0]
        parents = [each["name"] for each in route["spec"]["parentRefs"]]
        if len(set(parents)) < len(parents):  # which Gateway API refuses without a section's name for each
            continue
        yield Case(drawn, route, drawn.inputs(route, backends(route)[0], modes[seed % len(modes)]))
    yield from largest_cases()


def largest_cases() -> Iterator[Case]:
    """Policies on routes whose overlays are as large as Gateway API allows."""
    for rules in AT_THE_LIMITS:
        largest = inputs(*rules)
        assert largest.route is not None
        gateways = tuple(largest.gateways.values())
        yield Case(CorpusCluster("largest", gateways, (largest.route,), {}), largest.route, largest)


def written_objects(case: Case) -> Iterator[Manifest]:
    """Every object that the operator writes for a policy on its way: the split, what is shown on probes before it and
    after a rest, and the ways off; none for a policy that is refused."""
    before = desired_traffic(case.inputs, SPLITS[case.inputs.spec.delivery.mode], rolling_back=False)
    if before.refusal is not None:
        return
    yield from before.rendered.objects
    written = case.inputs.with_objects(before.rendered.objects)
    under_way = desired_traffic(written, before.split, rolling_back=False)
    for shown in (before.probe_only, under_way.retrial()):
        yield from shown.objects if shown is not None else ()
    yield from under_way.baseline_only
    yield from under_way.detached
