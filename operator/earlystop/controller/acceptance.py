"""Whether a policy can be carried out: what it asks for, its source, its rivals, and its surroundings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from earlystop.api.conditions import Refusal
from earlystop.api.policy import PolicySpec
from earlystop.api.source import SourceSpec
from earlystop.controller.cluster import (
    DEPLOYMENTS,
    GATEWAY_CLASSES,
    GATEWAYS,
    ROUTES,
    SERVICES,
    Cluster,
    Manifest,
)
from earlystop.controller.session import Session
from earlystop.delivery.gateway_header import alias_name, overlay_name
from earlystop.delivery.preflight import preflight
from earlystop.delivery.surroundings import Surroundings
from earlystop.metrics.presets import TemplateError, checked_templates
from earlystop.rollout.acceptance import engine_refusal, missing_counts, shadow_refusal, unbuilt
from earlystop.rollout.state import Phase


async def acceptance(
    cluster: Cluster, session: Session, sources: Mapping[str, SourceSpec], rivals: Iterable[Session]
) -> Refusal | None:
    """The first reason not to carry out the policy as it is written now, or None."""
    spec = session.spec
    refusal = (
        unbuilt(spec)
        or engine_refusal(spec)
        or shadow_refusal(spec)
        or source_refusal(spec, sources)
        or templates_refusal(spec, sources)
        or rival_refusal(session, rivals)
    )
    if refusal is not None:
        return refusal
    return preflight(await surroundings(cluster, session, spec))


def source_refusal(spec: PolicySpec, sources: Mapping[str, SourceSpec]) -> Refusal | None:
    """Why counts cannot be read from the named source."""
    name = spec.metrics.source_ref.name
    source = sources.get(name)
    if source is None:
        return Refusal(
            "SourceNotFound", f"There is no MetricSource {name}. Ask the cluster's admin to create it, or name another."
        )
    if not _usable_url(source.url):
        return Refusal(
            "SourceUnusable", f"MetricSource {name}: its url cannot be used. Ask the cluster's admin to mend it."
        )
    return None


def templates_refusal(spec: PolicySpec, sources: Mapping[str, SourceSpec]) -> Refusal | None:
    """Why the named source's templates cannot give the counts of a policy with the preset Custom."""
    source = sources.get(spec.metrics.source_ref.name)
    if spec.metrics.preset != "Custom" or source is None:
        return None
    templates = source.templates.by_field() if source.templates is not None else {}
    try:
        checked_templates(templates)
    except TemplateError as error:
        return Refusal("TemplatesUnusable", f"MetricSource {spec.metrics.source_ref.name}: {error}.")
    if source.flavour == "Thanos" and source.replica_label is None:
        message = (
            f"MetricSource {spec.metrics.source_ref.name}: flavour Thanos shows both scrapers of an HA pair, so their "
            "events would count twice. Ask the cluster's admin to write replicaLabel, the label that tells them apart."
        )
        return Refusal("TemplatesUnusable", message)
    return missing_counts(spec, templates)


def _usable_url(url: str) -> bool:
    """Whether a URL that the CRD let pass has a port and a form that a client can connect to."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and not parts.fragment
    except ValueError:
        return False


def rival_refusal(session: Session, rivals: Iterable[Session]) -> Refusal | None:
    """Two policies for one target or route would move each other's traffic: who moves it already keeps it, else the
    older one gets it."""
    for rival in rivals:
        if rival.uid == session.uid or rival.namespace != session.namespace:
            continue
        contested = _same_traffic(rival.spec, session.spec) or _moves(rival, session.spec)
        if contested and _claim(rival, session.spec) < _claim(session, session.spec):
            return Refusal(
                "TargetTaken",
                f"Policy {rival.name} has the traffic of this target or route. Delete one of the two policies.",
            )
    return None


def _claim(session: Session, traffic: PolicySpec) -> tuple[bool, bool, str, str]:
    """Who has the better claim on some traffic sorts first: one that moves it, one that is not refused, the older."""
    waiting = not _moves(session, traffic)
    return (waiting, waiting and session.facts.refusal is not None, *_age(session))


def _moves(session: Session, traffic: PolicySpec) -> bool:
    """Whether the campaign under way, pinned before any later edit, moves the traffic that a spec is about."""
    return session.state.phase != Phase.PENDING and _same_traffic(session.plan.spec, traffic)


def _same_traffic(one: PolicySpec, other: PolicySpec) -> bool:
    return one.target_ref == other.target_ref or (
        one.delivery.gateway_header is not None
        and other.delivery.gateway_header is not None
        and one.delivery.gateway_header.route_ref == other.delivery.gateway_header.route_ref
    )


def _age(session: Session) -> tuple[str, str]:
    return session.manifest["metadata"]["creationTimestamp"], session.uid


async def surroundings(cluster: Cluster, session: Session, spec: PolicySpec) -> Surroundings:
    """Everything around the policy that its delivery mode has to know."""
    namespace = session.namespace
    assert spec.delivery.gateway_header is not None  # the CRD demands it for this mode
    deployment, route = await asyncio.gather(
        cluster.get(DEPLOYMENTS, namespace, spec.target_ref.name),
        cluster.get(ROUTES, namespace, spec.delivery.gateway_header.route_ref.name),
    )
    backends = _backends(route)
    gateways = _gateways(route, namespace)
    aliases = [alias_name(name) for name in backends]
    overlay = overlay_name(session.name)
    found_services, found_gateways, found_aliases, found_overlay = await asyncio.gather(
        asyncio.gather(*(cluster.get(SERVICES, namespace, name) for name in backends)),
        asyncio.gather(*(cluster.get(GATEWAYS, *key) for key in gateways)),
        asyncio.gather(*(cluster.get(SERVICES, namespace, name) for name in aliases)),
        cluster.get(ROUTES, namespace, overlay),
    )
    present = {key: found for key, found in zip(gateways, found_gateways, strict=True) if found is not None}
    names = sorted({gateway["spec"]["gatewayClassName"] for gateway in present.values()})
    found_classes = await asyncio.gather(*(cluster.get(GATEWAY_CLASSES, None, name) for name in names))
    owned = {("Service", name): found for name, found in zip(aliases, found_aliases, strict=True) if found is not None}
    if found_overlay is not None:
        owned["HTTPRoute", overlay] = found_overlay
    return Surroundings(
        namespace=namespace,
        policy=session.name,
        uid=session.uid,
        spec=spec,
        deployment=deployment,
        route=route,
        services={name: found for name, found in zip(backends, found_services, strict=True) if found is not None},
        gateways=present,
        gateway_classes={name: found for name, found in zip(names, found_classes, strict=True) if found is not None},
        owned=owned,
    )


def _backends(route: Manifest | None) -> list[str]:
    """Names of the Services of the route's own namespace that it leads to."""
    if route is None:
        return []
    own = route["metadata"]["namespace"]
    references = [
        backend
        for rule in route["spec"].get("rules", [])
        for backend in rule.get("backendRefs", [])
        if backend.get("kind", "Service") == "Service" and backend.get("namespace", own) == own
    ]
    return sorted({reference["name"] for reference in references})


def _gateways(route: Manifest | None, namespace: str) -> list[tuple[str, str]]:
    if route is None:
        return []
    references = route["spec"].get("parentRefs", [])
    return sorted(
        {
            (reference.get("namespace", namespace), reference["name"])
            for reference in references
            if reference.get("kind", "Gateway") == "Gateway"
        }
    )
