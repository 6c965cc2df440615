"""Whether a policy can be carried out: its spec, its source, competing policies, and the objects it refers to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from earlystop.api.conditions import Refusal
from earlystop.api.policy import PolicySpec
from earlystop.api.source import SourceSpec
from earlystop.controller.cluster import POLICIES, Cluster
from earlystop.controller.desired_split import largest_split
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.reconcile.competition import competition_for, is_over
from earlystop.controller.traffic.gatherer import inputs_of_spec
from earlystop.controller.traffic.neighbourhood import reader_of
from earlystop.delivery.preflight import preflight
from earlystop.metrics.templates.presets import TemplateError, checked_templates
from earlystop.rollout.baseline_use import refusal_of_baseline
from earlystop.rollout.next_campaign import refusal_of_search
from earlystop.rollout.state import Phase
from earlystop.rollout.unsupported import missing_counts, refusal_of_spec
from earlystop.rollout.words.deletion import deletion_refusal
from earlystop.rollout.words.listing import some_of

MOST_NAMED = 5
"""MetricSources that a refusal names."""


async def check(
    cluster: Cluster,
    tracked: TrackedPolicy,
    sources: Mapping[str, SourceSpec],
    competing_policies: Collection[TrackedPolicy],
    now: float,
) -> Sequence[TrackedPolicy]:
    """Find out whether the policy can be carried out as it is written now, and remember it. Returns the policies that
    have yet to leave the target that it wants.

    What changes while the objects are read requires another check. Raises ClusterError when the API fails.
    """
    if tracked.acceptance.generation != tracked.generation:
        tracked.status.clear_overflow()
        # What protects the route may have been applied together with the policy, and its last overlay just deleted.
        reader_of(cluster).forget_older(now - tracked.spec_read_at)
    tracked.acceptance.note_checked(tracked.generation, now)
    tracked.traffic.require_recheck()
    namespace = tracked.namespace
    neighbours = [each for each in competing_policies if each.namespace == namespace]
    competition = competition_for(tracked, neighbours)
    try:
        successor = competition.successor or await _remembered_successor(cluster, tracked, neighbours)
        tracked.traffic.handover.leave_to(successor)
        # A policy that has left its target asks for nothing, unless it was edited.
        asks = not successor or tracked.is_edited(tracked.state)
        used = {each.spec.metrics.source_ref.name for each in neighbours}
        checked = await acceptance(cluster, tracked, sources, competition.refusal, now, used) if asks else None
        refusal = tracked.status.overflow or checked
    except BaseException:
        tracked.acceptance.require_check()
        raise
    tracked.observe(replace(tracked.observations, refusal=refusal), now)
    return competition.leaving


async def _remembered_successor(
    cluster: Cluster, tracked: TrackedPolicy, competing_policies: Collection[TrackedPolicy]
) -> str:
    """Name of the policy that the target was left to, and that an operator which has just started does not track yet:
    it keeps the target for as long as it exists. "" for none. Raises ClusterError when the API fails."""
    before = tracked.traffic.handover.successor
    if not before or not is_over(tracked):
        return ""
    if any(each.key == (tracked.namespace, before) for each in competing_policies):
        return ""
    return before if await cluster.get(POLICIES, tracked.namespace, before) is not None else ""


async def acceptance(
    cluster: Cluster,
    tracked: TrackedPolicy,
    sources: Mapping[str, SourceSpec],
    competition: Refusal | None,
    now: float,
    used: Collection[str] = (),
) -> Refusal | None:
    """The first reason not to carry out the policy as it is written now, or None. competition: why other policies keep
    it from its target. used: sources that policies of its namespace name."""
    spec = tracked.spec
    if tracked.policy.held_by:
        begins = tracked.state.phase is Phase.PENDING or tracked.is_edited(tracked.state)
        return deletion_refusal(tracked.policy.held_by) if begins else None
    own = refusal_of_spec(spec) or refusal_of_baseline(spec, tracked.state.losses) or refusal_of_search(spec)
    if own is not None:
        return replace(own, by_spec=True)
    refusal = source_refusal(spec, sources, used) or templates_refusal(spec, sources) or competition
    if refusal is not None:
        return refusal
    inputs = await inputs_of_spec(cluster, tracked, now)
    split = tracked.split
    return preflight(inputs, largest_split(spec, split.promoted if split is not None else ""))


def source_refusal(spec: PolicySpec, sources: Mapping[str, SourceSpec], used: Collection[str] = ()) -> Refusal | None:
    """Why counts cannot be read from the named source. used: sources that policies of the namespace name. Of those that
    there are, no others are named to its author: they may be another tenant's."""
    name = spec.metrics.source_ref.name
    source = sources.get(name)
    if source is None:
        there = sorted(sources.keys() & set(used))
        others = f": policies of this namespace use {some_of(there, MOST_NAMED)}" if there else ""
        return Refusal(
            "SourceNotFound",
            f"There is no MetricSource {name}. Ask the cluster's admin to create it, or name another{others}.",
        )
    if not _usable_url(source.url):
        return Refusal(
            "SourceUnusable", f"MetricSource {name}: its url cannot be used. Ask the cluster's admin to fix it."
        )
    return None


def templates_refusal(spec: PolicySpec, sources: Mapping[str, SourceSpec]) -> Refusal | None:
    """Why templates, of the named source or of the preset, cannot give the counts that a policy needs."""
    source = sources.get(spec.metrics.source_ref.name)
    traits = spec.metrics.traits
    if traits.by_convention or source is None:
        return None
    templates = source.templates.by_field() if source.templates is not None else {}
    try:
        if traits.from_source:
            checked_templates(templates)
    except TemplateError as error:
        return Refusal("TemplatesUnusable", f"MetricSource {spec.metrics.source_ref.name}: {error}.")
    if source.flavour == "Thanos" and source.replica_label is None:
        message = (
            f"MetricSource {spec.metrics.source_ref.name}: flavour Thanos shows both scrapers of an HA pair, so their "
            "events would count twice. Ask the cluster's admin to write replicaLabel, the label that tells them apart."
        )
        return Refusal("TemplatesUnusable", message)
    return missing_counts(spec, templates if traits.counts is None else traits.counts)


def _usable_url(url: str) -> bool:
    """Whether a URL that the CRD let pass has a port and a form that a client can connect to."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and not parts.fragment
    except ValueError:
        return False
