"""Mode RequestBody with `cohort`: the overlay of HeaderCohort, whose cohorts all go through an injector.

Each rule sets its cohort's headers and leads to the injector's one Service. No backend has headers of its own, so any
gateway that has HeaderCohort will do, and variants need no Services to be told apart by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earlystop.api.conditions import Refusal
from earlystop.delivery.by_cohort import ByCohort, by_variant, has_split, probes, summary
from earlystop.delivery.by_cohort import refusal as cohorts_refusal
from earlystop.delivery.injector.objects import injector_service
from earlystop.delivery.injector.readiness import injector_unready
from earlystop.delivery.injector.through_injector import (
    InjectedMode,
    Prerequisites,
    before_the_engine,
    owned_before_the_engine,
)
from earlystop.delivery.injector.upstream import injector_refusal, route_upstream, route_upstream_refusal
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.names import injector_name, overlay_name
from earlystop.delivery.proof import ProbeOnlyRules
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_mode import serves_users
from earlystop.delivery.routes.attached_policies import policies_cover_aliases
from earlystop.delivery.split import TrafficSplit

_BY_COHORT = ByCohort(lambda inputs: injector_name(inputs.policy))


def owned_names(inputs: ClusterInputs, _: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of every object that the mode may own."""
    service = ("Service", injector_name(inputs.policy))
    return [service, *owned_before_the_engine(inputs), ("HTTPRoute", overlay_name(inputs.policy))]


def refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why no injector can stand before the user's Service, or no overlay lead cohorts to it; None when both can."""
    refused = injector_refusal(inputs) or route_upstream_refusal(inputs) or cohorts_refusal(inputs, split)
    if refused is not None:
        return refused
    return policies_cover_aliases(inputs, [(route_upstream(inputs).service, injector_name(inputs.policy))])


def _prerequisites(inputs: ClusterInputs) -> Prerequisites:
    return before_the_engine(inputs, (injector_service(inputs, route_upstream(inputs)),))


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    """The injector first, then the overlay route."""
    before, deployment = _prerequisites(inputs)
    overlay = _BY_COHORT.overlay(inputs, split)
    return Rendered((*before, overlay), overlay, injector_unready(inputs, deployment, led=serves_users(inputs)))


def probe_only(inputs: ClusterInputs, split: TrafficSplit) -> ProbeOnlyRules | None:
    """A rule for each variant that only the operator's probes meet: the way to the injector is shown, and the engine
    asked whether it takes the settings, before any user gets one."""
    found = _BY_COHORT.probe_only(inputs, split, _prerequisites(inputs)[0])
    return None if found is None else replace(found, asks_engine=bool(split.token))


MODE = InjectedMode(
    refusal=refusal,
    render=render,
    has_split=has_split,
    probe_only=probe_only,
    probes=probes,
    by_variant=by_variant,
    summary=summary,
    owned_names=owned_names,
)
