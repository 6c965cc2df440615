"""Whatever people, controllers and tenants write into the metadata of a policy and of what it names, its campaign comes
to the same end, and nothing of theirs is lost or taken over."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.controller.cluster import POLICIES, ROUTES, SERVICES, Resource
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.rollout.verify.verdict import differences
from tests.unit.controller.embedded_world import World
from tests.unit.controller.reconcile.requesting import SAVING

LARGE = 200_000
OWNER = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "elsewhere", "uid": "0" * 36}
ODD: dict[str, dict[str, Any]] = {
    "labels of every length": {
        "labels": {f"{'l' * 63}{number}.example.com/{'k' * 63}": "v" * 63 for number in range(99)}
    },
    "an annotation as large as can be": {"annotations": {"example.com/all": "\u202e\U0001f600" * (LARGE // 8)}},
    "our annotations, all of them empty": {
        "annotations": {
            f"earlystop.dev/{name}": ""
            for name in ("abort", "abort-by", "promote", "promote-by", "retry-by", "suspend-by", "changed-by")
        }
    },
    "our annotations in letters of other scripts": {
        "annotations": {
            f"earlystop.dev/{name}": "ａｂｃ\u200b for 真" for name in ("abort", "promote", "abort-by", "promote-by")
        }
    },
    "our annotations without end": {
        "annotations": {f"earlystop.dev/{name}": name * LARGE for name in ("abort", "abort-by", "promote")}
    },
    "owners of others": {"ownerReferences": [{**OWNER, "name": f"o{number}"} for number in range(50)]},
    "an owner that blocks its end": {"ownerReferences": [{**OWNER, "controller": False, "blockOwnerDeletion": True}]},
    "finalizers of others": {"finalizers": [f"example.com/{number}" for number in range(50)]},
    "an end that a finalizer holds up": {
        "finalizers": ["example.com/hold"],
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": 0,
    },
    "managers that contradict each other": {
        "managedFields": [
            {"manager": f"m{number}", "operation": "Apply", "fieldsV1": {"f:spec": {"f:suspend": {}}}}
            for number in range(200)
        ]
    },
    "managers of no fields": {"managedFields": [{"manager": "", "operation": "Update"}, {"fieldsV1": None}, {}]},
    "fields that no release has": {
        "selfLink": "/x",
        "clusterName": "c",
        "generateName": "qa-",
        "example": {"a": [None]},
    },
}


def write(world: World, resource: Resource, name: str, metadata: dict[str, Any]) -> None:
    found = world.api.at(resource, "llm", name)
    kept = {key: value for key, value in found["metadata"].items() if key not in metadata}
    world.api.put(resource, {**found, "metadata": {**kept, **metadata}})


BEGUN = [
    (what, resource)
    for resource in (POLICIES, SERVICES, ROUTES)
    for what in ODD
    if resource is not POLICIES or "deletionTimestamp" not in ODD[what]  # which ends a campaign (test_deletion)
]


@pytest.mark.slow
@pytest.mark.parametrize(("what", "resource"), BEGUN, ids=lambda each: getattr(each, "plural", each))
async def test_a_campaign_comes_to_its_verdict_whatever_stands_in_metadata(what: str, resource: Resource) -> None:
    async with World(SAVING).open() as world:
        write(world, resource, "qa", ODD[what])
        world.tracked = TrackedPolicy.load(world.policy, world.now)
        await world.reconcile_until("Promoted")
        (verdict,) = world.verdicts()
        assert differences(verdict["spec"]) == []
        left = world.api.at(resource, "llm", "qa")["metadata"]
        assert {name: left.get(name) for name in ODD[what]} == ODD[what]
        made = world.api.at(ROUTES, "llm", "qa-early-stop")["metadata"]
        assert [each["uid"] for each in made["ownerReferences"]] == [world.policy["metadata"]["uid"]]
        assert not set(made) & {"finalizers", "deletionTimestamp"}
