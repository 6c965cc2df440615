"""Kinds of policies that attach to a route or a Service, and by which fields they name it.

Gateway API's pattern (GEP-713) is `targetRef` or `targetRefs`, and a label on the kind's CustomResourceDefinition. The
table holds kinds that matter whether or not their definition has that label; others are found by the label.

`python -m earlystop.delivery.routes.policy_kinds charts/earlystop/files/policy-kinds.yaml` writes the table for the
chart's ClusterRole.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

POLICY_LABEL = "gateway.networking.k8s.io/policy"


@dataclass(frozen=True, slots=True)
class PolicyKind:
    """A kind that attaches to other objects. group, plural: as in the name of its CustomResourceDefinition."""

    group: str
    plural: str

    @property
    def name(self) -> str:
        """The name of the kind's definition, as `securitypolicies.gateway.envoyproxy.io`."""
        return f"{self.plural}.{self.group}"


# By group: the plurals of kinds that can attach to an HTTPRoute or to a Service.
_PLURALS: dict[str, tuple[str, ...]] = {
    "gateway.networking.k8s.io": ("backendlbpolicies", "backendtlspolicies"),
    "gateway.networking.x-k8s.io": ("xbackendtrafficpolicies",),
    "gateway.envoyproxy.io": ("backendtrafficpolicies", "envoyextensionpolicies", "securitypolicies"),
    "kuadrant.io": ("authpolicies", "ratelimitpolicies", "tokenratelimitpolicies"),
    "extensions.kuadrant.io": ("oidcpolicies", "planpolicies", "telemetrypolicies"),
    "gateway.kgateway.dev": ("backendconfigpolicies", "trafficpolicies"),
    "agentgateway.dev": ("agentgatewaypolicies",),
    "gateway.solo.io": ("routeoptions",),
    "security.istio.io": ("authorizationpolicies", "requestauthentications"),
    "networking.istio.io": ("destinationrules",),
    "extensions.istio.io": ("wasmplugins",),
    "policy.linkerd.io": ("authorizationpolicies", "httplocalratelimitpolicies"),
    "gateway.nginx.org": (
        "clientsettingspolicies",
        "observabilitypolicies",
        "proxysettingspolicies",
        "ratelimitpolicies",
        "snippetspolicies",
        "upstreamsettingspolicies",
        "wafpolicies",
    ),
    "networking.gke.io": (
        "gcpbackendpolicies",
        "gcpsessionaffinitypolicies",
        "gcptrafficdistributionpolicies",
        "healthcheckpolicies",
    ),
    "gateway.k8s.aws": ("targetgroupconfigurations",),
    "application-networking.k8s.aws": ("accesslogpolicies", "iamauthpolicies", "targetgrouppolicies"),
    "alb.networking.azure.io": (
        "backendloadbalancingpolicies",
        "healthcheckpolicies",
        "routepolicies",
        "webapplicationfirewallpolicies",
    ),
    "apisix.apache.org": ("backendtrafficpolicies", "httproutepolicies"),
}

# Kinds that attach to Gateways alone, or to what no overlay touches: they hold for an overlay as for the user's route,
# and are not listed although their definitions may have the label.
_PLURALS_ELSEWHERE: dict[str, tuple[str, ...]] = {
    "gateway.envoyproxy.io": ("clienttrafficpolicies", "envoypatchpolicies"),
    "aigateway.envoyproxy.io": ("backendsecuritypolicies",),
    "kuadrant.io": ("dnspolicies", "tlspolicies"),
    "gateway.kgateway.dev": ("httplistenerpolicies", "listenerpolicies"),
    "networking.gke.io": ("gcpgatewaypolicies",),
    "application-networking.k8s.aws": ("vpcassociationpolicies",),
    "alb.networking.azure.io": ("frontendtlspolicies",),
    "consul.hashicorp.com": ("gatewaypolicies",),
}

POLICY_KINDS = tuple(PolicyKind(group, plural) for group, plurals in _PLURALS.items() for plural in plurals)
KINDS_ELSEWHERE = frozenset(
    PolicyKind(group, plural) for group, plurals in _PLURALS_ELSEWHERE.items() for plural in plurals
)


def chart_file() -> str:
    """The table as the chart reads it: plurals by group, in YAML."""
    text = yaml.safe_dump({group: list(plurals) for group, plurals in sorted(_PLURALS.items())})
    return f"# Generated from operator/earlystop/delivery/routes/policy_kinds.py by `make crds`.\n{text}"


def main() -> None:
    """Write the chart's file to the path that the first argument names."""
    Path(sys.argv[1]).write_text(chart_file())


if __name__ == "__main__":
    main()
