"""Which labels and annotations of the user's objects an overlay and its alias Services carry as well.

What a gateway, or a controller beside it, reads on a route must hold for the overlay, too: so labels and annotations
are carried, but for those by which a tool would take the overlay for an object of its own. It is the other way round
with Services: a second Service must not be scraped, published or balanced, so only what gateways read is carried.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from earlystop.api.wire import CARRIED_ANNOTATION

Manifest = dict[str, Any]

# By key, by the domain before its slash, or by the end of that domain: why a route's label or annotation of that kind
# is not carried.
NOT_CARRIED: Mapping[str, str] = MappingProxyType(
    {
        "earlystop.dev": "the operator writes its own",
        "app.kubernetes.io/managed-by": "the operator writes its own",
        "app.kubernetes.io/instance": "Argo CD would take the overlay for part of the application, and prune it",
        "argoproj.io": "Argo CD would take the overlay for part of the application, and prune it",
        "fluxcd.io": "Flux would take the overlay for part of its inventory, and prune it",
        "helm.sh": "Helm did not write the overlay, and runs hooks for what says so",
        "kubectl.kubernetes.io": "`kubectl apply` would compare the overlay with the user's own file",
        "applyset.kubernetes.io": "`kubectl apply --prune` would delete what is not in the set",
        "config.k8s.io": "kpt would delete what is not in its inventory",
        "config.kubernetes.io": "kpt would delete what is not in its inventory",
        "cli-utils.sigs.k8s.io": "kpt would delete what is not in its inventory",
        "configmanagement.gke.io": "Config Sync would delete what is not in its repository",
        "configsync.gke.io": "Config Sync would delete what is not in its repository",
        "addonmanager.kubernetes.io": "the addon manager would delete what is not in its folder",
        "k14s.io": "kapp would delete what is not in its application",
        "cattle.io": "Fleet would delete what is not in its bundle",
        "hnc.x-k8s.io": "the hierarchical namespace controller would delete what has no original",
        "kyverno.io": "Kyverno would delete what no rule of it generates",
        "crossplane.io": "Crossplane would take the overlay for a resource of its own",
        "pulumi.com": "Pulumi would take the overlay for a resource of its own",
        "tanka.dev": "Tanka would delete what is not in its environment",
        "skaffold.dev": "Skaffold would delete the overlay when it stops",
        "coreos.com": "the Operator Lifecycle Manager would take the overlay for part of a release",
        "olm.owner": "the Operator Lifecycle Manager would take the overlay for part of a release",
        "gethomepage.dev": "a dashboard would show the overlay as a second application",
        "hajimari.io": "a dashboard would show the overlay as a second application",
        "forecastle.stakater.com": "a dashboard would show the overlay as a second application",
    }
)

# By domain of a Service's annotation: who reads it on the way from the gateway to the server.
CARRIED_BY_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "konghq.com": "Kong: plugins, upstream policies, the protocol",
        "projectcontour.io": "Contour: the protocol, limits of connections",
        "linkerd.io": "Linkerd: opaque ports, the balancer, retries and timeouts",
        "istio.io": "Istio: to which namespaces a Service is exported",
        "cilium.io": "Cilium: affinity and the balancer",
        "service.kubernetes.io": "kube-proxy and gateways: zones that requests stay in",
        "cloud.google.com": "GKE: network endpoint groups, the protocol, backend configurations",
        "traefik.ingress.kubernetes.io": "Traefik: the transport to servers, sticky sessions",
        "traefik.io": "Traefik: whether it sends to the Service's address or to Pods",
        "ingress.kubernetes.io/service-upstream": "Kong, Kuma: whether they send to the Service or to Pods",
        "kuma.io": "Kuma: the protocol of a port",
        "nginx.org": "NGINX: the protocol, keep-alive connections",
        "haproxy.org": "HAProxy: the protocol, checks of servers",
        "haproxy-ingress.github.io": "HAProxy Ingress: the protocol, checks of servers",
    }
)


# Written by controllers on each Service for itself.
WRITTEN_BY_CONTROLLERS = frozenset({"cloud.google.com/neg-status"})


def with_carried(metadata: Manifest, labels: Mapping[str, str], annotations: Mapping[str, str]) -> Manifest:
    """Metadata of an object of the operator with these labels and annotations as well; its own labels win.

    An annotation lists what was carried, so that it goes when the user takes it off.
    """
    own = metadata["labels"]
    carried = sorted({*labels, *annotations} - own.keys())
    if not carried:
        return metadata
    listed = {**annotations, CARRIED_ANNOTATION: ",".join(carried)}
    return {**metadata, "labels": {**labels, **own}, "annotations": listed}


def carries_the_same(observed: Manifest, desired: Manifest) -> bool:
    """Whether two states of an object's metadata list the same as carried."""
    return _listed(observed) == _listed(desired)


def updated_metadata(observed: Manifest, desired: Manifest) -> Manifest:
    """The metadata that is in the cluster with the desired labels, annotations and owners. What others added stays,
    what was carried and no longer is goes."""
    gone = _listed(observed)
    kept = {
        field: {key: value for key, value in (observed.get(field) or {}).items() if key not in gone}
        for field in ("labels", "annotations")
    }
    labels = {**kept["labels"], **desired["labels"]}
    annotations = {**kept["annotations"], **desired.get("annotations", {})}
    annotations = {key: value for key, value in annotations.items() if key != CARRIED_ANNOTATION or _listed(desired)}
    updated = {**observed, "labels": labels, "ownerReferences": desired["ownerReferences"]}
    return {**updated, "annotations": annotations} if annotations or "annotations" in observed else updated


def _listed(metadata: Manifest) -> frozenset[str]:
    return frozenset(filter(None, (metadata.get("annotations") or {}).get(CARRIED_ANNOTATION, "").split(",")))


def carried_labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    """The labels of the user's route that the overlay has, too."""
    return {key: value for key, value in (labels or {}).items() if _row(key, NOT_CARRIED) is None}


def carried_annotations(annotations: Mapping[str, str] | None) -> dict[str, str]:
    """The annotations of the user's route that the overlay has, too. Those of external-dns are among them: routes of
    one host that disagree in these have their records written again and again."""
    return carried_labels(annotations)


def aliased_annotations(annotations: Mapping[str, str] | None) -> dict[str, str]:
    """The annotations of the user's Service that its aliases have, too. Of labels they have none, or a ServiceMonitor
    would scrape each Pod twice."""
    return {
        key: value
        for key, value in (annotations or {}).items()
        if _row(key, CARRIED_BY_ALIASES) is not None and key not in WRITTEN_BY_CONTROLLERS
    }


def _row(key: str, table: Mapping[str, str]) -> str | None:
    """The reason in the row for a label or annotation, None when it has no row."""
    domain, slash, _ = key.partition("/")
    if key in table or not slash:
        return table.get(key)
    parts = domain.split(".")
    endings = (".".join(parts[begin:]) for begin in range(len(parts)))
    return next((table[each] for each in endings if each in table), None)
