"""The part of a policy that says how a setting reaches requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.by_headers import ByRoute, RequestBody, RouteReference
from earlystop.api.cohorts import Cohorts, cohort_rules, own_header_rule
from earlystop.api.gateway_body import GATEWAY_PATHS, GatewayBody
from earlystop.api.modes import MODES, ModeTraits, built_modes
from earlystop.api.server_settings import ConfigMapKey, FeatureFlagEntry, ReadByServers
from earlystop.api.values import NAME_PATTERN, RowOf, SettingName, Value, rules
from earlystop.api.wire import DEFAULT_PREFIX

EnvironmentName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
ArgumentName = Annotated[str, Field(min_length=2, max_length=64, pattern=r"^--?[A-Za-z][A-Za-z0-9._-]*$")]
ContainerName = Annotated[str, Field(min_length=1, max_length=63, pattern=NAME_PATTERN)]

# As clients write a path: from the root, without a query, empty segments or a slash at the end.
# As Gateway API writes the value of an Exact path, in segments that are not empty.
PATH_PATTERN = r"^(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+$"
ApiPath = Annotated[str, Field(min_length=2, max_length=256, pattern=PATH_PATTERN)]

COMPLETION_PATHS = ("/v1/chat/completions", "/v1/completions")
"""What a setting is for where a policy names no paths."""


class GatewayHeader(ByRoute):
    """Per-request headers that a Gateway API data plane sets on each variant's share."""


class Shadow(ByRoute):
    """The server judges every candidate on the baseline's requests; no user gets a candidate's answer."""


class HeaderCohort(ByRoute, Cohorts):
    """A variant for each cohort of users, told apart by a header that requests already carry."""

    model_config = rules(*cohort_rules("headerCohort"), own_header_rule("headerCohort"))


class WorkloadSetting(Value):
    """Where a parameter stands in the target's Pod template."""

    model_config = rules(
        {
            "rule": "has(self.env) != has(self.argument)",
            "messageExpression": "'workload.settings: ' + self.parameter + ': write exactly one of env and argument'",
        }
    )

    parameter: SettingName = Field(description="Name of a parameter of this policy.")
    env: EnvironmentName | None = Field(None, description="An environment variable of the container.")
    argument: ArgumentName | None = Field(
        None,
        description="A flag of the container's args or command, as --reasoning-budget, with its value after = or "
        "in the entry that follows.",
    )

    @property
    def knob(self) -> str:
        """The name of the variable, or the flag: no name is both, since a flag begins with a hyphen."""
        return self.argument or self.env or ""


class Workload(ByRoute):
    """A Deployment of the operator's own for each candidate: the target's Pods with other arguments or environment."""

    container: ContainerName = Field(description="The container of the target's Pods that the parameters are set in.")
    settings: Annotated[
        tuple[WorkloadSetting, ...],
        Field(min_length=1, max_length=8, json_schema_extra={"x-list-map-key": "parameter"}),
    ] = Field(
        description="One for each parameter of the policy. The target's annotation earlystop.dev/settable names "
        "what may be set."
    )
    replicas: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Pods of each candidate, never more than the target asks for. Absent: the largest weight of "
        "rollout.steps, of the target's replicas. An autoscaler of the candidate's own may change it under way.",
    )
    ready_deadline_seconds: int = Field(
        1800, ge=60, le=86_400, description="How long a candidate's Pods may take to be ready; then it is rolled back."
    )
    drain_seconds: int = Field(
        60, ge=0, le=3600, description="How long a candidate's Pods stay after the last request was led to them."
    )
    promote: Literal["Manual", "Apply"] = Field(
        "Manual",
        description="Who changes the target after a promotion. Manual: you, as the condition TrafficApplied says. "
        "Apply: the operator, by a server-side apply of the promoted values alone; never over another manager's.",
    )

    def setting_of(self, parameter: str) -> WorkloadSetting | None:
        """Where a parameter stands; None where nothing is written of it."""
        return next((each for each in self.settings if each.parameter == parameter), None)


class ProbeSettings(Value):
    """How the operator asks the Gateway whether an overlay is in force."""

    trust: Literal["Any", "System"] = Field(
        "Any",
        description="Which certificates of an https listener probes accept. Any: every one, since a probe carries no "
        "secret, and the overlay's own mark proves what answered, as over plain http. System: those that an authority "
        "of the operator's image signed; SSL_CERT_FILE adds others.",
    )


def _belongs(field: str, needed: str = "a routeRef") -> list[dict[str, str]]:
    """Rules that a mode has its settings, and no other mode has them. field: the mode's name in camelCase. needed: what
    its settings have to say."""
    mode = field[0].upper() + field[1:]
    return [
        {
            "rule": f"self.mode != '{mode}' || has(self.{field})",
            "message": f"delivery.mode {mode} needs delivery.{field} with {needed}",
        },
        {
            "rule": f"self.mode == '{mode}' || !has(self.{field})",
            "message": f"delivery.{field} belongs to delivery.mode {mode}; remove it or change the mode",
        },
    ]


ROUTE_FIELDS = ("gatewayHeader", "headerCohort", "requestBody", "gatewayBody", "shadow", "workload")


class Delivery(Value):
    """How a variant's setting reaches the requests."""

    model_config = rules(
        *(rule for field in ROUTE_FIELDS for rule in _belongs(field)),
        {
            "rule": "(has(self.requestBody) && has(self.requestBody.serviceRef))"
            " == (has(oldSelf.requestBody) && has(oldSelf.requestBody.serviceRef))",
            "message": "delivery.requestBody: whether clients come by a route or by the injector's Service cannot be "
            "edited, since one of them would stay in force; delete the policy and create another one",
        },
        {
            "rule": "!has(self.requestBody) || !has(self.requestBody.serviceRef)"
            " || !has(self.paths) && !has(self.probe)",
            "message": "delivery.paths and delivery.probe are about a route; remove them, since requestBody has none",
        },
        *(rule for field in ("configMap", "featureFlag") for rule in _belongs(field, "the name of an object")),
        {
            "rule": "has(self.configMap) == has(oldSelf.configMap) && has(self.featureFlag) == has(oldSelf.featureFlag)"
            " && (!has(self.configMap) || self.configMap.name == oldSelf.configMap.name"
            " && self.configMap.key == oldSelf.configMap.key)"
            " && (!has(self.featureFlag) || self.featureFlag.name == oldSelf.featureFlag.name"
            " && self.featureFlag.flag == oldSelf.featureFlag.flag)",
            "message": "delivery: where servers read their settings cannot be edited, since what was written would "
            "stay in force; delete the policy and create another one",
        },
        {
            "rule": "!has(self.configMap) && !has(self.featureFlag) || !has(self.paths) && !has(self.probe)",
            "message": "delivery.paths and delivery.probe are about a route; remove them, since servers read their "
            "settings themselves",
        },
        {
            "rule": "!has(self.paths) || self.paths.all(p, self.paths.exists_one(q, q == p))",
            "message": "delivery.paths: write each path once",
        },
        {
            "rule": "!has(self.paths) || self.paths.all(p, !p.matches('/[.][.]?(/|$)') && !p.matches('%2[Ff]'))",
            "message": "delivery.paths: no request's path has a segment . or .., or %2F, when a gateway matches on it; "
            "write the path that the server is asked for",
        },
    )

    mode: Annotated[str, RowOf(MODES, "delivery mode", built_modes)] = Field(
        description="GatewayHeader: an overlay HTTPRoute sets headers on each variant's share of requests. "
        "HeaderCohort: on the requests of each cohort of users. RequestBody: as GatewayHeader, and an injector before "
        "the engine, which the operator runs, writes the setting into each request's body and counts; with split: "
        "Injector it draws the variant, too, and with cohort each cohort of users has one. GatewayBody: the same as "
        "by weights where the gateway itself writes bodies, by objects that the operator makes for it. Shadow: all "
        "requests stay on the baseline, and the server counts what the candidates would have done. Workload: each "
        "candidate has Pods of its own, which an overlay leads its share of requests to. ConfigMap: without "
        "a route, by a key of a ConfigMap that servers mount, who draw each request's variant themselves. FeatureFlag: "
        "the same by a flag of flagd."
    )
    gateway_header: GatewayHeader | None = Field(None, description="Settings of mode GatewayHeader.")
    header_cohort: HeaderCohort | None = Field(None, description="Settings of mode HeaderCohort.")
    request_body: RequestBody | None = Field(None, description="Settings of mode RequestBody.")
    gateway_body: GatewayBody | None = Field(None, description="Settings of mode GatewayBody.")
    shadow: Shadow | None = Field(None, description="Settings of mode Shadow.")
    config_map: ConfigMapKey | None = Field(None, description="Settings of mode ConfigMap.")
    feature_flag: FeatureFlagEntry | None = Field(None, description="Settings of mode FeatureFlag.")
    workload: Workload | None = Field(None, description="Settings of mode Workload.")
    paths: Annotated[tuple[ApiPath, ...], Field(min_length=1, max_length=8)] | None = Field(
        None,
        description="Paths of the requests that a setting is for, as the server knows them, such as /v1/responses; "
        "/v1/chat/completions and /v1/completions where none are written. Below a prefix of the route, as /qa, they "
        "are looked for beneath it.",
    )
    probe: ProbeSettings | None = Field(None, description="How the Gateway is asked whether an overlay is in force.")

    @property
    def traits(self) -> ModeTraits:
        """What the mode is like, as its settings have it."""
        traits = MODES[self.mode]
        if self.drawn_by_injector is not None:
            module = traits.drawing_module if self.route_ref is not None else traits.direct_module
            traits = replace(traits, module=module)
        elif self.request_body is not None and self.cohorts is not None:
            traits = replace(traits, module=traits.cohort_module, split_known=False, same_users=True)
        by_user = self.drawn_by_injector is not None and self.drawn_by_injector.user_key is not None
        keeps_users = by_user or (self.by_servers is not None and self.by_servers.drawn_by == "User")
        return replace(traits, same_users=True) if keeps_users else traits

    @property
    def drawn_by_injector(self) -> RequestBody | None:
        """Settings of mode RequestBody when the injector draws the variant itself, else None."""
        own = self.request_body
        return own if own is not None and own.split == "Injector" else None

    @property
    def cohorts(self) -> Cohorts | None:
        """The cohorts of a policy in which each gets its variant, else None."""
        return self.header_cohort or (self.request_body.cohort if self.request_body is not None else None)

    @property
    def cohorts_field(self) -> str:
        """Where the cohorts are written, as a path below `delivery`."""
        return "headerCohort" if self.header_cohort is not None else "requestBody.cohort"

    @property
    def by_backends(self) -> bool:
        """Whether each variant is a backend of one rule, which has room for `MOST_BACKENDS` of them."""
        return self.traits.by_weights and self.route_ref is not None and self.drawn_by_injector is None

    @property
    def leads_to_pools(self) -> bool:
        """Whether an InferencePool behind the route can be led to, by an injector that sends back to the gateway."""
        return self.request_body is not None and self.drawn_by_injector is None

    @property
    def by_servers(self) -> ReadByServers | None:
        """Settings of the mode when it is one whose servers draw the variant themselves, else None."""
        return self.config_map or self.feature_flag

    @property
    def by_headers(self) -> ByRoute | RequestBody | None:
        """Settings of the mode when it is one in which headers say what a request gets, else None."""
        return self.gateway_header or self.header_cohort or self.in_bodies or self.shadow or self.workload

    @property
    def in_bodies(self) -> RequestBody | GatewayBody | None:
        """Settings of the mode when it is one that writes into requests' bodies, else None."""
        return self.request_body or self.gateway_body

    @property
    def route_ref(self) -> RouteReference | None:
        """The user's route, None for a mode without one."""
        return self.by_headers.route_ref if self.by_headers is not None else None

    @property
    def header_prefix(self) -> str:
        """Beginning of every header that carries a setting."""
        return self.by_headers.header_prefix if self.by_headers is not None else DEFAULT_PREFIX

    @property
    def request_paths(self) -> tuple[str, ...]:
        """Paths of the requests that a setting is for, as the server knows them."""
        return self.paths or (COMPLETION_PATHS if self.gateway_body is None else GATEWAY_PATHS)

    @property
    def probe_trust(self) -> str:
        """Which certificates of an https listener probes accept: "Any" or "System"."""
        return (self.probe or ProbeSettings()).trust

    @property
    def settings_field(self) -> str:
        """Where the mode's settings are written, as a path in the policy."""
        return f"spec.delivery.{self.mode[0].lower()}{self.mode[1:]}"
