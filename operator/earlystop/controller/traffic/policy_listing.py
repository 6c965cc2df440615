"""Reading the policies of others that may hang on routes and Services, of every kind that the cluster has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from earlystop.controller.cluster import DEFINITIONS, FORBIDDEN, Cluster, ClusterError, Manifest, NotFound, Resource
from earlystop.delivery.routes.attached_policies import namespaces_concerned, outline
from earlystop.delivery.routes.policy_kinds import KINDS_ELSEWHERE, POLICY_KINDS, POLICY_LABEL, PolicyKind

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PolicyListing:
    """Outlines of policies by the namespaces that they may concern. unreadable: names of kinds that the operator may
    not list."""

    by_namespace: Mapping[str, tuple[Manifest, ...]]
    unreadable: tuple[str, ...]


async def installed_kinds(cluster: Cluster) -> list[Resource]:
    """The kinds of policies that the cluster serves: those of the table, and those whose definition has the label.

    Raises ClusterError when the API fails.
    """
    versions = await cluster.versions()
    kinds = dict.fromkeys((*POLICY_KINDS, *await _labelled_kinds(cluster)))
    groups = sorted({each.group for each in kinds} & versions.keys())
    served = await asyncio.gather(*(_served(cluster, group, versions[group]) for group in groups))
    by_kind = {kind: resource for found in served for kind, resource in found.items()}
    return [by_kind[kind] for kind in kinds if kind in by_kind]


async def _labelled_kinds(cluster: Cluster) -> list[PolicyKind]:
    try:
        pages = cluster.pages(DEFINITIONS, None, POLICY_LABEL, metadata_only=True)
        names = [each["metadata"]["name"] async for page in pages for each in page]
    except ClusterError as error:
        if error.status != FORBIDDEN:
            raise
        log.warning("kinds of policies that are not in the table are not found: definitions may not be listed")
        return []
    kinds = (PolicyKind(group, plural) for plural, _, group in (name.partition(".") for name in names))
    return [each for each in kinds if each not in KINDS_ELSEWHERE]


async def _served(cluster: Cluster, group: str, versions: Iterable[str]) -> dict[PolicyKind, Resource]:
    """Each kind of a group in the first of these versions that has it."""
    found: dict[PolicyKind, Resource] = {}
    for version in versions:
        try:
            plurals = await cluster.plurals(group, version)
        except NotFound:
            continue  # the group is on its way out, or in
        for plural in plurals:
            found.setdefault(PolicyKind(group, plural), Resource(group, version, plural))
    return found


async def list_policies(cluster: Cluster, kinds: Iterable[Resource], namespace: str | None) -> PolicyListing:
    """The policies of these kinds, of one namespace or of all. Raises ClusterError when the API fails."""
    kinds = list(kinds)
    listed = await asyncio.gather(*(_outlines(cluster, each, namespace) for each in kinds))
    by_namespace: dict[str, list[Manifest]] = {}
    for policy in (each for found in listed for each in found or ()):
        for concerned in namespaces_concerned(policy):
            by_namespace.setdefault(concerned, []).append(policy)
    unreadable = [f"{kind.plural}.{kind.group}" for kind, found in zip(kinds, listed, strict=True) if found is None]
    return PolicyListing({name: tuple(found) for name, found in by_namespace.items()}, tuple(unreadable))


async def _outlines(cluster: Cluster, kind: Resource, namespace: str | None) -> list[Manifest] | None:
    """The listed objects in outline, None for a kind that the operator may not list."""
    try:
        return [outline(each) async for page in cluster.pages(kind, namespace) for each in page]
    except NotFound:
        return []  # its definition was deleted just now
    except ClusterError as error:
        if error.status != FORBIDDEN:
            raise
        return None
