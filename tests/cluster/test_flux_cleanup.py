"""Flux takes what kubectl wrote for its own, and takes away what Git does not say: not what people asked for by our
command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from earlystop.api.signatures import signer_of
from earlystop.cli import manual_plan
from earlystop.cli.submit import read, submit
from earlystop.controller.cluster import POLICIES
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, Manifest, policy
from tests.cluster.own_client import connected

FLUX = "kustomize-controller"
UNDONE = ("kubectl", "before-first-apply")
"""How the names of managers begin whose fields it takes over (`ApplyCleanupOptions` of kustomize-controller)."""


def union(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Two sets of fields, as `fieldsV1` writes them."""
    both = {name: union(first[name], second[name]) for name in first.keys() & second.keys()}
    return {**first, **second, **both}


def applied_by_flux(cluster: Cluster, namespace: str, manifest: Manifest) -> Manifest:
    """The object after Flux has applied this file: first it takes over the fields of others, then it applies."""
    name = manifest["metadata"]["name"]
    live = cluster.access.read(POLICIES, namespace, name)["metadata"]
    fields: dict[str, Any] = {}
    kept = []
    for entry in live["managedFields"]:
        is_its_own = entry["manager"] == FLUX and entry["operation"] == "Apply"
        if "subresource" not in entry and (is_its_own or entry["manager"].startswith(UNDONE)):
            fields = union(fields, entry["fieldsV1"])
        else:
            kept.append(entry)
    whole = {"manager": FLUX, "operation": "Apply", "apiVersion": manifest["apiVersion"], "fieldsType": "FieldsV1"}
    taken = {"managedFields": [*kept, {**whole, "fieldsV1": fields}], "resourceVersion": live["resourceVersion"]}
    assert cluster.access.write("PATCH", POLICIES, namespace, name, {"metadata": taken}) == 200
    options = ("--server-side", "--force-conflicts", f"--field-manager={FLUX}", "--filename=-")
    cluster.access.kubectl("apply", f"--namespace={namespace}", *options, input=json.dumps(manifest))
    found: Manifest = cluster.access.read(POLICIES, namespace, name)
    return found


async def test_a_pause_by_the_command_line_outlives_what_flux_applies_and_one_by_kubectl_does_not(
    cluster: Cluster, namespace: str
) -> None:
    cluster.access.install_crds(CRDS)
    in_git = policy(namespace)
    assert "suspend" not in in_git["spec"]
    apply = ("apply", "--server-side", f"--field-manager={FLUX}", "--filename=-")
    cluster.access.kubectl(*apply, input=json.dumps(in_git))
    patch = ("patch", "esp/qa", f"--namespace={namespace}", "--type=merge", '--patch={"spec": {"suspend": true}}')
    cluster.access.kubectl(*patch)
    assert applied_by_flux(cluster, namespace, in_git)["spec"].get("suspend") is not True, "as Flux means it"
    cluster.access.kubectl(*patch, "--field-manager=people")
    assert applied_by_flux(cluster, namespace, in_git)["spec"]["suspend"] is True
    cluster.access.kubectl(*patch[:-1], '--patch={"spec": {"suspend": null}}', "--field-manager=people")
    async with connected(cluster) as api:
        seen = await read(api, namespace, "qa")
        await submit(api, seen, manual_plan.pause(seen))
        seen = await read(api, namespace, "qa")
        await submit(api, seen, manual_plan.retry(seen, "again"))
    for _ in range(2):
        live = applied_by_flux(cluster, namespace, in_git)
        assert live["spec"]["suspend"] is True
        notes = live["metadata"]["annotations"]
        assert notes["earlystop.dev/retry"] == "again"
        assert signer_of(notes["earlystop.dev/suspend-by"], "true") == "admin"
        assert signer_of(notes["earlystop.dev/retry-by"], "again") == "admin"
