"""Mode HeaderCohort: users are told apart by a header that they send already, and each cohort gets its variant.

The overlay leads everybody to the user's own Service, so the mode owns nothing else.
"""

from __future__ import annotations

from earlystop.delivery.by_cohort import ByCohort, by_variant, has_split, probes, refusal, summary
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_mode import RouteMode
from earlystop.delivery.split import TrafficSplit

_BY_COHORT = ByCohort(lambda _: None)


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    """The overlay route that puts a split in force."""
    overlay = _BY_COHORT.overlay(inputs, split)
    return Rendered((overlay,), overlay)


MODE = RouteMode(
    refusal=refusal,
    render=render,
    has_split=has_split,
    probes=probes,
    by_variant=by_variant,
    retrial=_BY_COHORT.retrial,
    summary=summary,
)
