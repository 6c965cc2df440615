"""Requests that an overlay leads elsewhere than they would go without it, by readings of the specification."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product
from typing import Any

from earlystop.delivery.inputs import Manifest
from tests.unit.delivery.corpus import requests
from tests.unit.delivery.corpus_cases import Case
from tests.unit.delivery.gateway_model import Asked, Entry, GatewayModel, Reading, arriving_path

READINGS = [Reading(*each) for each in product((False, True), (False, True), (False, True))]


def treatment(asked: Asked, entry: Entry | None) -> tuple[Any, ...] | None:
    """What becomes of a request that meets a match: the Service that it ends at, an alias being the Service that it
    doubles, the path by which it comes there, and what else is done with it, but for the overlay's own headers."""
    if entry is None:
        return None
    names = {each["name"].partition("-es-")[0] for each in entry.rule.get("backendRefs", []) if each.get("weight", 1)}
    filters = [each for each in entry.rule.get("filters", []) if each["type"] != "RequestHeaderModifier"]
    hosts = [each["urlRewrite"].get("hostname") for each in filters if "urlRewrite" in each]
    done = [each for each in filters if "urlRewrite" not in each], hosts, entry.rule.get("timeouts")
    return entry.route["metadata"]["namespace"], frozenset(names), arriving_path(asked, entry), repr(done)


def misled(case: Case, overlay: Manifest, number: int, seed: int, readings: Sequence[Reading] = READINGS) -> list[str]:
    """Requests that the overlay leads elsewhere, of so many near the case's route, each by one of these readings of
    the specification in turn."""
    cluster, found = case.cluster, []
    models = [
        tuple(
            GatewayModel(cluster.proxies, routes, cluster.namespaces, reading)
            for routes in (cluster.routes, (*cluster.routes, overlay))
        )
        for reading in readings
    ]
    for turn, asked in enumerate(requests(cluster, case.route, random.Random(seed), number)):
        before, after = (treatment(asked, model.route(asked)) for model in models[turn % len(models)])
        if before != after:
            found.append(f"{readings[turn % len(models)]} {asked}: {before} before, {after} with the overlay")
    return found
