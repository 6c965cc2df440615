"""What is kept of an object is enough to decide and to write it back, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.controller.cache.stripped import gist, stripped
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.template_digests import template_digests
from tests.unit.delivery.cluster import deployment, gateway, route, service

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def with_metadata(manifest: Manifest, **metadata: Any) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], **metadata}}


def test_what_says_who_wrote_a_field_and_what_kubectl_last_applied_is_not_kept() -> None:
    whole = with_metadata(service(), managedFields=[{}], annotations={LAST_APPLIED: "{}", "team": "qa"})
    assert stripped("Service", whole)["metadata"]["annotations"] == {"team": "qa"}
    assert "managedFields" not in stripped("Service", whole)["metadata"]


def test_what_is_written_back_is_whole() -> None:
    whole = with_metadata(service(), finalizers=["example.com/keep"], resourceVersion="7")
    assert stripped("Service", whole) == whole
    assert stripped("HTTPRoute", route()) == route()


def test_of_a_deployment_only_what_is_read_is_kept() -> None:
    whole = deployment()
    whole["spec"] |= {"replicas": 3, "selector": {}, "strategy": {"type": "Recreate"}}
    whole["spec"]["template"]["spec"] = {"containers": [{"name": "server"}]}
    whole["status"] = {"readyReplicas": 3}
    template = whole["spec"]["template"]
    kept = {"metadata": {"labels": template["metadata"]["labels"]}, "digests": template_digests(template)}
    assert stripped("Deployment", whole) == {
        **{name: whole[name] for name in ("apiVersion", "kind", "metadata")},
        "spec": {"replicas": 3, "selector": {}, "template": kept},
    }


def accepted(manifest: Manifest) -> Manifest:
    return {**manifest, "status": {"parents": [{"conditions": [{"type": "Accepted", "status": "True"}]}]}}


def scaled(manifest: Manifest) -> Manifest:
    return {**manifest, "spec": {**manifest["spec"], "replicas": 9}}


@pytest.mark.parametrize(
    ("kind", "before", "after", "differs"),
    [
        ("HTTPRoute", route(), accepted(route()), False),
        ("HTTPRoute", route(), route(hostnames=["qa.example.com"]), True),
        ("HTTPRoute", route(), with_metadata(route(), labels={"rollouts.argoproj.io/gatewayapi-canary": ""}), True),
        ("Deployment", deployment(), scaled(deployment()), False),
        ("Service", service(), service(app="blue"), True),
        ("Service", service(), {**service(), "apiVersion": "", "kind": ""}, False),
        ("Gateway", gateway(), gateway(address="10.9.9.9"), True),
        ("Gateway", gateway(), gateway({"name": "web", "protocol": "HTTPS", "port": 8443}), True),
    ],
    ids=["report", "hostname", "label", "scaled", "selector", "listed", "address", "listener"],
)
def test_only_what_traffic_follows_from_changes_the_gist(
    kind: str, before: Manifest, after: Manifest, differs: bool
) -> None:
    assert (gist(kind, stripped(kind, before)) != gist(kind, stripped(kind, after))) is differs
