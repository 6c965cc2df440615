"""Presets: named templates from which a source's queries are built, for our own convention and for engines' counters.

A template is an instant-query selector without a range, with the placeholders {policy}, {revision} and {variant} inside
quoted label values only. Values are escaped as they are put in, so no name of a policy can leave its quotes.
Tokens are counted per user request: where a method makes several engine calls for one, an engine's own counter of
calls must not be the divisor. So an engine's preset gives tokens, and `completed` comes from the gateway or the
application where a policy's calls are not its requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from earlystop.api.counts import TALLY_FIELDS, Variant
from earlystop.metrics.convention.query import checked_namespace_label, counts_query, escape

PLACEHOLDERS = ("policy", "revision", "variant")
MAX_TEMPLATE = 1024
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# A metric name or none, then matchers; quotes and backslashes only as PromQL's double-quoted strings allow.
_VALUE = r'"(?:[^"\\\n]|\\[\\"n])*"'
_SELECTOR = re.compile(
    r"(?P<metric>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    rf"\{{(?P<matchers>\s*(?:[a-zA-Z_][a-zA-Z0-9_]*\s*(?:=|!=|=~|!~)\s*{_VALUE}\s*,?\s*)*)\}}"
)


class Preset(StrEnum):
    """As `spec.metrics.preset` spells them."""

    EARLY_STOP = "EarlyStop"
    VLLM = "VLLM"
    SGLANG = "SGLang"
    ENVOY_AI_GATEWAY = "EnvoyAIGateway"
    CUSTOM = "Custom"


class TemplateError(ValueError):
    """A template that cannot be used; the message names its field and says what to write."""


@dataclass(frozen=True, slots=True)
class PresetRequest:
    """policy: namespace/name; revision: as in the label; window_seconds: how far to look back.

    namespace_label: the source's, None where it has none; workloads: for engines, which know of no policy, the name of
    the Pods' owner that serves each variant, as the `pod` label begins; candidate: what {variant} stands for in the
    candidate's templates: its name, where it is not a canary.
    """

    policy: str
    revision: str
    window_seconds: int
    namespace_label: str | None = None
    workloads: Mapping[Variant, str] | None = None
    candidate: str = Variant.CANDIDATE.value


VLLM: Mapping[str, str] = MappingProxyType(
    {
        # As many as are in the sum below, aborted ones too: a mean over others would be biased.
        "completed": "vllm:request_generation_tokens_count{}",
        "failed": 'vllm:request_success_total{finished_reason=~"abort|error"}',
        # Not generation_tokens_total, which grows while requests still run.
        "tokens": "vllm:request_generation_tokens_sum{}",
    }
)
"""vLLM's own counters by field of `Tally`. An aborted request is completed and failed: it took its tokens."""

SGLANG: Mapping[str, str] = MappingProxyType(
    {
        "completed": "sglang:num_requests_total{}",
        "failed": "sglang:num_aborted_requests_total{}",
        "tokens": "sglang:generation_tokens_total{}",
    }
)
"""SGLang's own counters; its generation tokens are counted when a request finishes."""

ENVOY_AI_GATEWAY: Mapping[str, str] = MappingProxyType(
    {
        "completed": 'gen_ai_client_token_usage_count{gen_ai_token_type="output"}',
        "tokens": 'gen_ai_client_token_usage_sum{gen_ai_token_type="output"}',
    }
)
"""Envoy AI Gateway's histogram of output tokens, one observation a user's request."""

_ENGINES: Mapping[Preset, Mapping[str, str]] = MappingProxyType(
    {Preset.VLLM: VLLM, Preset.SGLANG: SGLANG, Preset.ENVOY_AI_GATEWAY: ENVOY_AI_GATEWAY}
)


@dataclass(frozen=True, slots=True)
class FieldQuery:
    """One range-vector query: whose field it counts."""

    variant: Variant
    field: str
    text: str


def queries(preset: Preset, request: PresetRequest, custom: Mapping[str, str] | None = None) -> list[str]:
    """Every query that a look sends for this policy, as `kubectl earlystop counts` shows them.

    custom: for Custom the templates by field of `Tally`, as the MetricSource allows them.
    Raises TemplateError for a template that is not safe, ValueError for a request that a preset cannot serve.
    """
    if preset is Preset.EARLY_STOP:
        return [counts_query([request.policy], [request.revision], request.window_seconds, request.namespace_label)]
    found = [one.text for one in field_queries(preset, request, custom)]
    return [*found, *evidence_queries(request)]


def field_queries(preset: Preset, request: PresetRequest, custom: Mapping[str, str] | None = None) -> list[FieldQuery]:
    """The range vectors whose samples go into the watermark ledger, by variant and field. Not for EarlyStop."""
    if preset is Preset.EARLY_STOP:
        raise ValueError("the preset EarlyStop is read by one query for many policies; use counts_query")
    if request.window_seconds < 1:
        raise ValueError(f"the window is {request.window_seconds} s; it must cover at least 1 s")
    if preset is Preset.CUSTOM:
        templates = checked_templates(custom or {})
        return [
            FieldQuery(variant, field, _ranged(_filled(template, request, variant), request, {}))
            for variant in Variant
            for field, template in templates.items()
        ]
    if request.workloads is None or set(request.workloads) != set(Variant):
        raise ValueError(f"the preset {preset} needs the workload of each variant: an engine's counters name its Pods")
    return [
        FieldQuery(variant, field, _ranged(template, request, _pods(request.workloads[variant])))
        for variant in Variant
        for field, template in _ENGINES[preset].items()
    ]


def evidence_queries(request: PresetRequest, targets: Mapping[str, str] | None = None) -> list[str]:
    """Start times and scrapes of the same targets: by these a restart or a birth is known for certain.

    targets: patterns of labels that the targets of the counters have, so that no others are read.
    """
    workloads = request.workloads or {}
    matchers: list[dict[str, str]] = [_pods(workloads[variant]) for variant in Variant if variant in workloads] or [{}]
    matchers = [{**each, **(targets or {})} for each in matchers]
    return [
        _ranged(f"{metric}{{}}", request, extra)
        for metric in ("process_start_time_seconds", "up")
        for extra in matchers
    ]


def checked_templates(templates: Mapping[str, str]) -> dict[str, str]:
    """The templates by field, in the order of `Tally`, when each is one selector that cannot be broken out of.

    Raises TemplateError. A template must hold {variant}: else both variants would be counted as each of them.
    """
    if not templates:
        raise TemplateError("the preset Custom has no templates; write one for each field, such as completed")
    unknown = sorted(set(templates) - set(TALLY_FIELDS))
    if unknown:
        raise TemplateError(f"there is no field {unknown[0]!r}; write one of {', '.join(TALLY_FIELDS)}")
    for field, template in templates.items():
        _check(field, template)
    return {field: templates[field] for field in TALLY_FIELDS if field in templates}


def _check(field: str, template: str) -> None:
    if len(template) > MAX_TEMPLATE:
        raise TemplateError(f"the template for {field} has {len(template)} characters; at most {MAX_TEMPLATE} are read")
    used = _names_within_quotes(template)
    if used is None or not _SELECTOR.fullmatch(template):
        raise TemplateError(
            f'the template for {field} is not one selector: write name{{label="value",…}} with double quotes, '
            "without functions or a range, and placeholders inside the quotes only"
        )
    unknown = [name for name in used if name not in PLACEHOLDERS]
    if unknown:
        raise TemplateError(
            f"the template for {field} has the placeholder {{{unknown[0]}}}; write one of {PLACEHOLDERS}"
        )
    if "variant" not in used:
        raise TemplateError(
            f"the template for {field} does not hold {{variant}}, so it would count both as each of them"
        )


def _names_within_quotes(template: str) -> list[str] | None:
    """Placeholders of a template; None when one stands outside of quotes or in a regular expression's matcher."""
    names: list[str] = []
    for found in _PLACEHOLDER.finditer(template):
        before = re.sub(r"\\.", "", template[: found.start()])
        if before.count('"') % 2 == 0:
            return None
        operator = before[: before.rfind('"')].rstrip()
        if operator.endswith("~"):
            return None  # a value would be read as a pattern there; equality needs none
        names.append(found.group(1))
    return names


def _filled(template: str, request: PresetRequest, variant: Variant) -> str:
    label = request.candidate if variant is Variant.CANDIDATE else variant.value
    values = {"policy": request.policy, "revision": request.revision, "variant": label}
    return _PLACEHOLDER.sub(lambda found: escape(values[found.group(1)]), template)


def _pods(workload: str) -> dict[str, str]:
    """Pods of a Deployment: its name, the template's hash, and five characters."""
    return {"pod": re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", workload) + "-[a-z0-9]+-[a-z0-9]{5}"}


def _ranged(selector: str, request: PresetRequest, patterns: Mapping[str, str]) -> str:
    """The selector over the window, within the policy's namespace where the source can tell it."""
    more = [f'{name}=~"{escape(pattern)}"' for name, pattern in patterns.items()]
    if request.namespace_label is not None:
        namespace = request.policy.partition("/")[0]
        more.append(f'{checked_namespace_label(request.namespace_label)}="{escape(namespace)}"')
    # Matchers are conjunctive, so what is added can only narrow what a template selects.
    body = selector[:-1].rstrip().removesuffix(",")
    comma = "," if more and not body.endswith("{") else ""
    return f"{body}{comma}{','.join(more)}}}[{request.window_seconds}s]"
