"""From a preset's templates to the queries of a look: what the rows of `api/presets.PRESETS` are read by.

A template is an instant-query selector without a range, with the placeholders {policy}, {revision} and {variant} inside
quoted label values only. Values are escaped as they are put in, so no name of a policy can leave its quotes.
A token is one that the engine generated, of reasoning too, in every preset and for both variants alike.
Tokens are counted per user request: where a method makes several engine calls for one, or a client asks for n choices,
an engine's own counter of sequences must not be the divisor. So an engine's preset gives tokens, and `completed` comes
from the injector, the gateway or the application where sequences are not requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from earlystop.api.counts import TALLY_FIELDS, Variant
from earlystop.api.presets import PRESETS, PresetTraits, traits_of
from earlystop.api.templates import LONGEST_TEMPLATE, SELECTOR_PATTERN
from earlystop.metrics.convention.query import checked_namespace_label, counts_query, escape
from earlystop.metrics.templates import engines
from earlystop.metrics.templates.pod_names import PodOwner, pods_of, share_names

PLACEHOLDERS = ("policy", "revision", "variant")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_SELECTOR = re.compile(SELECTOR_PATTERN)


class TemplateError(ValueError):
    """A template that cannot be used; the message names its field and says what to write."""


STARTED, UP = "process_start_time_seconds", "up"
"""What tells when a process began, and when its target was scraped."""


@dataclass(frozen=True, slots=True)
class PresetRequest:
    """policy: namespace/name; revision: as in the label; window_seconds: how far to look back.

    namespace_label: the source's, None where it has none; workloads: for engines, which know of no policy, the owner
    of the Pods that serve each variant, by which the `pod` label is read; candidate: what {variant} stands for in the
    candidate's templates: its name, where it is not a canary.
    """

    policy: str
    revision: str
    window_seconds: int
    namespace_label: str | None = None
    workloads: Mapping[Variant, PodOwner] | None = None
    candidate: str = Variant.CANDIDATE.value


@dataclass(frozen=True, slots=True)
class FieldQuery:
    """One range-vector query: whose field it counts."""

    variant: Variant
    field: str
    text: str


def queries(preset: str, request: PresetRequest, custom: Mapping[str, str] | None = None) -> list[str]:
    """Every query that a look sends for this policy, as `kubectl earlystop counts` shows them.

    custom: the templates of the MetricSource by field of `Tally`, for a preset that reads by those.
    Raises TemplateError for a template that is not safe, ValueError for a request that a preset cannot serve.
    """
    if traits_of(preset).by_convention:
        return [counts_query([request.policy], [request.revision], request.window_seconds, request.namespace_label)]
    found = [one.text for one in field_queries(preset, request, custom)]
    return [*found, *evidence_queries(request)]


def field_queries(preset: str, request: PresetRequest, custom: Mapping[str, str] | None = None) -> list[FieldQuery]:
    """The range vectors whose samples go into the reset ledger, by variant and field, for a preset with templates."""
    traits = traits_of(preset)
    if traits.by_convention:
        raise ValueError(f"the preset {preset} is read by one query for many policies; use counts_query")
    if request.window_seconds < 1:
        raise ValueError(f"the window is {request.window_seconds} s; it must cover at least 1 s")
    if traits.needs_own_pods and (request.workloads is None or set(request.workloads) != set(Variant)):
        raise ValueError(f"the preset {preset} needs the workload of each variant: an engine's counters name its Pods")
    if traits.needs_own_pods:
        _check_told_apart(*(request.workloads or {}).values())
    templates = field_templates(preset, custom or {})
    workloads = (request.workloads or {}) if traits.needs_own_pods else {}
    pods = {variant: {"pod": pods_of(workload)} for variant, workload in workloads.items()}
    return [
        FieldQuery(variant, field, _ranged(_filled(template, request, variant), request, pods.get(variant, {})))
        for variant in Variant
        for field, template in templates.items()
    ]


def _check_told_apart(one: PodOwner, other: PodOwner) -> None:
    if share_names(one, other):
        raise ValueError(
            f"Pods of {one.kind} {one.name} and of {other.kind} {other.name} can have the same names, so an engine's "
            "counters cannot be told apart by them; name one of the two so that it is not the other's and a number, "
            "or begins otherwise"
        )


def field_templates(preset: str, custom: Mapping[str, str]) -> Mapping[str, str]:
    """The templates that a preset is read by, by field of `Tally`: those of the MetricSource or its own.

    Raises TemplateError for one that is not safe.
    """
    traits = traits_of(preset)
    return checked_templates(custom) if traits.from_source else own_templates(preset, traits)


@lru_cache(maxsize=64)
def own_templates(preset: str, traits: PresetTraits) -> Mapping[str, str]:
    """The templates that a preset brings in its module, by field of `Tally`.

    Raises ValueError, which says what to write where, when the module is not there, or counts other fields than the
    row says, or cannot tell variants apart that share Pods though the row says so.
    """
    row = f"the row {preset} of api/presets.PRESETS"
    try:
        templates = getattr(import_module(traits.module), "TEMPLATES", None)
    except ImportError as error:
        raise ValueError(f"{row} names the module {traits.module}, which cannot be imported: {error}") from None
    if not templates:
        raise ValueError(f"{row} names the module {traits.module}; write TEMPLATES there, by field of Tally")
    if frozenset(templates) != traits.counts:
        raise ValueError(
            f"{row} counts {_listed(traits.counts or ())}, and {traits.module} has templates for "
            f"{_listed(templates)}; write the same fields in both"
        )
    return (
        {field: templates[field] for field in TALLY_FIELDS if field in templates}
        if traits.needs_own_pods
        else (checked_templates(templates))
    )


def check_presets(presets: Mapping[str, PresetTraits] = PRESETS, package: str = engines.__name__) -> None:
    """Checks that every row's module can be read by, and that every module of `package` has a row.

    Runs when this module is imported, so that a forgotten row stops the operator at its start with a sentence.
    Raises ValueError.
    """
    for preset, traits in presets.items():
        if traits.module:
            own_templates(preset, traits)
    known = {traits.module for traits in presets.values()}
    for found in iter_modules(import_module(package).__path__, f"{package}."):
        if found.name not in known:
            raise ValueError(
                f"the module {found.name} has no preset; add a row with module={found.name!r} to api/presets.PRESETS"
            )


def evidence_queries(
    request: PresetRequest, targets: Mapping[str, str] | None = None, metrics: Sequence[str] = (STARTED, UP)
) -> list[str]:
    """Start times and scrapes of the same targets: by these a restart or a birth is known for certain.

    targets: patterns of labels that the targets of the counters have, so that no others are read. metrics: names of
    series that are asked for.
    """
    workloads = request.workloads or {}
    matchers: list[dict[str, str]] = [
        {"pod": pods_of(workloads[variant])} for variant in Variant if variant in workloads
    ] or [{}]
    matchers = [{**each, **(targets or {})} for each in matchers]
    return [_ranged(f"{metric}{{}}", request, extra) for metric in metrics for extra in matchers]


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


def _listed(fields: Iterable[str]) -> str:
    return ", ".join(sorted(fields))


def _check(field: str, template: str) -> None:
    if len(template) > LONGEST_TEMPLATE:
        raise TemplateError(
            f"the template for {field} has {len(template)} characters; at most {LONGEST_TEMPLATE} are read"
        )
    used = _names_within_quotes(template)
    if used is None or not _SELECTOR.fullmatch(template):
        raise TemplateError(
            f'the template for {field} is not one selector: write name{{label="value",…}} with double quotes, '
            "commas between its matchers, no functions and no range, and placeholders inside the quotes only"
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


def _ranged(selector: str, request: PresetRequest, patterns: Mapping[str, str]) -> str:
    return ranged(selector, request.policy, request.window_seconds, request.namespace_label, patterns)


def ranged(selector: str, policy: str, seconds: int, namespace_label: str | None, patterns: Mapping[str, str]) -> str:
    """The selector over so many seconds, within the policy's namespace where the source can tell it. patterns: of more
    labels, as PromQL anchors them."""
    more = [f'{name}=~"{escape(pattern)}"' for name, pattern in patterns.items()]
    if namespace_label is not None:
        namespace = policy.partition("/")[0]
        more.append(f'{checked_namespace_label(namespace_label)}="{escape(namespace)}"')
    # Matchers are conjunctive, so what is added can only narrow what a template selects.
    body = selector[:-1].rstrip().removesuffix(",")
    comma = "," if more and not body.endswith("{") else ""
    return f"{body}{comma}{','.join(more)}}}[{seconds}s]"


check_presets()
