"""A variant's alias Service: a second name for the Pods of the user's Service, and its mirror in all that matters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.api.wire import INJECTOR_LABEL
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.names import BETWEEN, alias_name
from earlystop.delivery.orphans import policy_of
from earlystop.delivery.ownership import owned_metadata
from earlystop.delivery.routes.carried_metadata import aliased_annotations, with_carried

PORT_FIELDS = ("name", "port", "targetPort", "protocol", "appProtocol")
# What decides which Pods a Service sends to, and how.
MIRRORED_FIELDS = (
    "selector",
    "publishNotReadyAddresses",
    "sessionAffinity",
    "sessionAffinityConfig",
    "internalTrafficPolicy",
    "trafficDistribution",
    "ipFamilies",
    "ipFamilyPolicy",
)
# Those that no API server fills in: one that the alias has and the user's Service has not is out of date, or was there
# before the operator took the Service up.
NEVER_DEFAULTED = (
    *("publishNotReadyAddresses", "sessionAffinityConfig", "trafficDistribution"),
    *("externalIPs", "externalName", "externalTrafficPolicy", "healthCheckNodePort"),
    *("loadBalancerIP", "loadBalancerClass", "loadBalancerSourceRanges", "allocateLoadBalancerNodePorts"),
)
MIRRORED_ANNOTATIONS = ("service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints")
# By these a mesh leads requests for a Service through a proxy of its own, which may ask for authentication.
MIRRORED_LABELS = (
    "istio.io/use-waypoint",
    "istio.io/use-waypoint-namespace",
    "istio.io/ingress-use-waypoint",
    "kuma.io/mesh",
)
HEADLESS = "None"
OUTDATED = "AliasOutdated"


def alias_service(inputs: ClusterInputs, name: str, variant: str) -> Manifest:
    """The alias of Service `name` for a variant. Its labels are its own but for those that a mesh reads, or a
    ServiceMonitor would scrape each Pod twice. The user's Service owns it as well, so that it goes with it."""
    users = inputs.services[name]
    mirrored = mirrored_content(users)
    annotations = {**aliased_annotations(users["metadata"].get("annotations")), **mirrored["annotations"]}
    metadata = with_carried(owned_metadata(inputs, alias_name(name, variant)), mirrored["labels"], annotations)
    keeper = {"apiVersion": "v1", "kind": "Service", "name": name, "uid": users["metadata"]["uid"]}
    metadata["ownerReferences"].append(keeper)
    headless = {"clusterIP": HEADLESS} if is_headless(users) else {}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"type": "ClusterIP", **headless, **mirrored["spec"]},
    }


def mirrored_content(service: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The `spec`, `annotations` and `labels` of a Service that its alias has too."""
    spec, annotations = service.get("spec") or {}, service["metadata"].get("annotations") or {}
    labels = service["metadata"].get("labels") or {}
    ports = [{key: port[key] for key in PORT_FIELDS if key in port} for port in spec.get("ports") or []]
    return {
        "spec": {**{name: spec[name] for name in MIRRORED_FIELDS if spec.get(name)}, "ports": ports},
        "annotations": {name: annotations[name] for name in MIRRORED_ANNOTATIONS if name in annotations},
        "labels": {name: labels[name] for name in MIRRORED_LABELS if name in labels},
    }


def without_outdated(observed: Manifest, desired: Manifest) -> Manifest:
    """The alias that is found, without the mirrored fields and annotations that the user's Service no longer has."""
    wanted = mirrored_content(desired)
    spec = {
        name: value
        for name, value in (observed.get("spec") or {}).items()
        if name not in NEVER_DEFAULTED or not value or name in wanted["spec"]
    }
    annotations = {
        name: text
        for name, text in (observed["metadata"].get("annotations") or {}).items()
        if name not in MIRRORED_ANNOTATIONS or name in wanted["annotations"]
    }
    kept = {**observed, "spec": spec} if "spec" in observed else dict(observed)
    if annotations != (observed["metadata"].get("annotations") or {}):
        kept["metadata"] = {**observed["metadata"], "annotations": annotations}
    return kept


def mirror_digest(service: Mapping[str, Any]) -> bytes:
    """A digest of what an alias mirrors: that of a Service and of its alias are equal when the alias is as it should
    be."""
    content = [mirrored_content(service), is_headless(service), is_external(service)]
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).digest()


def mirrored_service(alias: Mapping[str, Any]) -> str:
    """Name of the Service that an alias mirrors, "" for a Service that mirrors none."""
    owners = alias["metadata"].get("ownerReferences") or []
    return next((str(owner.get("name", "")) for owner in owners if owner.get("kind") == "Service"), "")


def mirrored(alias: Manifest, services: Iterable[Manifest]) -> list[Manifest]:
    """Those of these Services, of the alias's namespace, that it was made for: its owner by name. Garbage collection
    takes that owner out when the Service is made anew. Then it is whichever Service has an alias of that name, which
    may be several: shortened names tell no Service's, and a Service's name may have the form of an alias's."""
    owner, name = mirrored_service(alias), str(alias["metadata"]["name"])
    if owner:
        return [each for each in services if each["metadata"]["name"] == owner]
    variants = [name[at + len(BETWEEN) :] for at in range(len(name)) if name.startswith(BETWEEN, at)]
    return [
        each for each in services if any(alias_name(each["metadata"]["name"], variant) == name for variant in variants)
    ]


def is_headless(service: Mapping[str, Any]) -> bool:
    """Whether a Service has no address of its own."""
    return bool((service.get("spec") or {}).get("clusterIP") == HEADLESS)


def is_external(service: Mapping[str, Any]) -> bool:
    """Whether a Service is but another name for a host, and sends to no Pod."""
    return bool((service.get("spec") or {}).get("type") == "ExternalName")


def can_never_mirror(alias: Manifest, service: Manifest) -> bool:
    """Whether an alias can never become like a Service: Kubernetes lets nobody change whether a Service is headless,
    nor its first IP family. A Service that leads to an injector mirrors nothing of the user's."""
    if INJECTOR_LABEL in ((alias.get("spec") or {}).get("selector") or {}):
        return False
    families = {_first_family(alias), _first_family(service)} - {""}
    return is_headless(alias) != is_headless(service) or len(families) > 1


def fixed_refusal(observed: Manifest | None, desired: Manifest) -> Refusal | None:
    """Why an alias that is there can never become what it should be, None when it can. `OrphanCollector` then has it
    taken away."""
    if observed is None or not policy_of(observed) or not can_never_mirror(observed, desired):
        return None
    name, users = desired["metadata"]["name"], mirrored_service(desired)
    return Refusal(
        OUTDATED,
        f"Service {users} was created anew with another clusterIP or first IP family, which nobody can change of "
        f"Service {name}, its alias for a variant. The operator has Service {name} taken away some 30 s after the last "
        "request was led to it, and makes it anew.",
    )


def _first_family(service: Manifest) -> str:
    return next(iter((service.get("spec") or {}).get("ipFamilies") or ()), "")
