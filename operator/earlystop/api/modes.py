"""Every delivery mode in one table: what it is like, and which module delivers by it.

Whoever wants to know something about a mode asks its traits and never its name: a new mode is one module and one row.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeTraits:
    """What rollout, delivery and the command line have to know of a mode.

    module: dotted name of the module that delivers by it (`delivery.modes.Mode`); "" for one that is not built yet.
    drawing_module, direct_module: those that deliver where an injector draws the variant, the second without a route;
        "" for a mode in which none does. cohort_module: the one that leads cohorts of users by headers through an
        injector; "" for a mode that does not.
    moves_traffic: whether any user's request ever gets a candidate's setting.
    split_known: whether requests are split by weights, so that the weights can be checked against the counts.
    same_users: whether each user keeps a variant, so that the same users are in every look.
    takes_several: whether it judges several candidates beside each other under any strategy.
    own_pods: whether each variant has Pods of its own, which are read beside the objects that the mode names, so that
        counters of an engine can tell variants apart.
    edits_bodies: whether it writes settings into requests' bodies, so that parameters say where (`parameters[].body`).
    through_injector: whether all requests, the baseline's too, pass Pods of the operator's own on their way.
    gateway_writes: whether it is a gateway that writes them, so that it reads bodies, those of the operator's probes
        too, and the injector counts and checks.
    promotes_target: whether a promotion is a change of the target itself, until which the candidate keeps its share.
    watches: kinds of the mode's own objects of which an edit by someone else is noticed at once.
    gateway_kinds: the same of a gateway's own kinds, where the operator may make objects of them.
    """

    module: str = ""
    drawing_module: str = ""
    direct_module: str = ""
    cohort_module: str = ""
    moves_traffic: bool = True
    split_known: bool = True
    same_users: bool = False
    takes_several: bool = False
    own_pods: bool = False
    edits_bodies: bool = False
    through_injector: bool = False
    gateway_writes: bool = False
    promotes_target: bool = False
    watches: tuple[str, ...] = ()
    gateway_kinds: tuple[str, ...] = ()

    @property
    def built(self) -> bool:
        """Whether this release can deliver by the mode."""
        return bool(self.module)

    @property
    def by_weights(self) -> bool:
        """Whether candidates get rising percentages of requests."""
        return self.moves_traffic and self.split_known


MOST_BACKENDS = 16
"""Backends that Gateway API allows in one rule of a route."""

# Every mode that overlays a route owns one.
OVERLAY = ("HTTPRoute",)

MODES: dict[str, ModeTraits] = {
    "Shadow": ModeTraits(module="earlystop.delivery.shadow", moves_traffic=False, takes_several=True, watches=OVERLAY),
    "GatewayHeader": ModeTraits(module="earlystop.delivery.gateway_header", watches=OVERLAY),
    "HeaderCohort": ModeTraits(
        module="earlystop.delivery.header_cohort", split_known=False, same_users=True, watches=OVERLAY
    ),
    "RequestBody": ModeTraits(
        module="earlystop.delivery.request_body",
        drawing_module="earlystop.delivery.injector.split",
        direct_module="earlystop.delivery.injector.service",
        cohort_module="earlystop.delivery.injector.cohorts",
        edits_bodies=True,
        through_injector=True,
        watches=OVERLAY,
    ),
    "GatewayBody": ModeTraits(
        module="earlystop.delivery.gateway_body",
        edits_bodies=True,
        through_injector=True,
        gateway_writes=True,
        watches=OVERLAY,
        gateway_kinds=("AgentgatewayBackend", "AIGatewayRoute", "AIServiceBackend", "Backend"),
    ),
    "Workload": ModeTraits(module="earlystop.delivery.workload", own_pods=True, promotes_target=True, watches=OVERLAY),
    "ConfigMap": ModeTraits(module="earlystop.delivery.config_map"),
    "FeatureFlag": ModeTraits(module="earlystop.delivery.feature_flag"),
}


def built_modes() -> tuple[str, ...]:
    """Names of the modes that this release can deliver by."""
    return tuple(name for name, traits in MODES.items() if traits.built)


def watched_kinds(*, of_gateways: bool = False) -> tuple[str, ...]:
    """Kinds of objects that the operator watches for the modes that this release can deliver by, each once.

    of_gateways: whether it may make objects of gateways' own kinds, and so watches them too.
    """
    built = [MODES[name] for name in built_modes()]
    kinds = [kind for each in built for kind in each.watches]
    return tuple(dict.fromkeys([*kinds, *(kind for each in built if of_gateways for kind in each.gateway_kinds)]))


def route_modes() -> tuple[str, ...]:
    """Names of the modes that this release can deliver by and that overlay a user's route."""
    return tuple(name for name in built_modes() if set(OVERLAY) <= set(MODES[name].watches))
