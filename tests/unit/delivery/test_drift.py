"""Whatever somebody else changes of an overlay or alias is noticed, so that it is put right."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from earlystop.delivery.drift import matches_desired
from earlystop.delivery.gateway_header import render
from earlystop.delivery.inputs import Manifest
from tests.unit.delivery.cluster import SHARE, inputs, service

AFFINE = {**service(), "spec": {**service()["spec"], "sessionAffinity": "None"}}
OBJECTS = render(inputs(services={"qa": AFFINE}), SHARE).objects
CHANGES: dict[str, Callable[[Manifest], Any]] = {
    "an owner is taken off": lambda found: found["metadata"]["ownerReferences"].clear(),
    "an owner is added": lambda found: found["metadata"]["ownerReferences"].append({"kind": "Pod", "name": "x"}),
    "an owner is exchanged": lambda found: found["metadata"]["ownerReferences"][0].update(uid="another"),
    "a label is taken off": lambda found: found["metadata"]["labels"].popitem(),
    "a label is changed": lambda found: found["metadata"]["labels"].update({"earlystop.dev/policy": "another"}),
}
OF_THE_OVERLAY: dict[str, Callable[[Manifest], Any]] = {
    "a match has one more condition": lambda found: found["spec"]["rules"][0]["matches"][0].update(method="PUT"),
    "a rule is added": lambda found: found["spec"]["rules"].append({}),
    "a host is added": lambda found: found["spec"].update(hostnames=["x.example.com"]),
    "it has no parent": lambda found: found["spec"].update(parentRefs=[]),
    "a filter is taken off": lambda found: found["spec"]["rules"][0].update(filters=[]),
}
OF_AN_ALIAS: dict[str, Callable[[Manifest], Any]] = {
    "it leads to other Pods": lambda found: found["spec"]["selector"].update(app="another"),
    "it has addresses outside": lambda found: found["spec"].update(externalIPs=["10.1.2.3"]),
    "it keeps clients at one Pod": lambda found: found["spec"].update(sessionAffinity="ClientIP"),
    "it has a load balancer's address": lambda found: found["spec"].update(loadBalancerIP="10.1.2.3"),
    "it leads to Pods that are not ready": lambda found: found["spec"].update(publishNotReadyAddresses=True),
}
CASES = [
    *(("HTTPRoute", what, change) for what, change in (CHANGES | OF_THE_OVERLAY).items()),
    *(("Service", what, change) for what, change in (CHANGES | OF_AN_ALIAS).items()),
]


@pytest.mark.parametrize(
    ("kind", "change"), [(kind, do) for kind, _, do in CASES], ids=[f"{k}: {w}" for k, w, _ in CASES]
)
def test_an_overlay_or_alias_that_somebody_changed_is_not_as_desired(
    kind: str, change: Callable[[Manifest], Any]
) -> None:
    desired = next(each for each in OBJECTS if each["kind"] == kind)
    found = deepcopy(desired)
    assert matches_desired(found, desired)
    change(found)
    assert not matches_desired(found, desired)
