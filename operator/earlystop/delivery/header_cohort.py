"""Mode HeaderCohort: users are told apart by a header that they send already, and each cohort gets its variant.

A candidate's weight here is not a percentage: above 0 its cohort gets its settings, at 0 the baseline's, and at 100,
when it was promoted, everybody gets it. Requests of no cohort get the baseline's settings under the revision
`unassigned`: whatever variant a client forged is overwritten, and nobody counts them as evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Cohort, Delivery, HeaderCohort
from earlystop.api.wire import REVISION, TOKEN, UNASSIGNED, VARIANT
from earlystop.delivery.golden_rules import golden_rule, golden_variants, rules_in_force, with_golden_rules
from earlystop.delivery.headers import asking, for_probes, headers_set, removing, shadow_headers_in, variant_headers
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.overlay import TargetRule, overlay_route, rules_to_overlay, target_rules
from earlystop.delivery.probes.nonce import PROBE_ONLY, probe_nonce
from earlystop.delivery.probes.target import probe_target
from earlystop.delivery.probes.variant_probes import one_of_each
from earlystop.delivery.proof import ProbeOnlyRules, ProbeTarget
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_mode import RouteMode, incumbent_refusal
from earlystop.delivery.rule_level import setting
from earlystop.delivery.split import TrafficSplit, VariantWeight

Reading = frozenset[tuple[str, str, str]]
"""Value of the cohorts' header ("" for all others), revision and variant that its requests get."""


def refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why cohorts cannot get the split's variants on the user's route, None when they can."""
    return incumbent_refusal(inputs, split) or _header_in_route(inputs)


def _header_in_route(inputs: ClusterInputs) -> Refusal | None:
    """Why the cohorts cannot be told apart on the user's route, None when they can."""
    header = _settings(inputs.spec.delivery).header
    for each in target_rules(inputs):
        named = [
            condition["name"].lower()
            for match in each.rule.get("matches", [])
            for condition in match.get("headers", [])
        ]
        if header.lower() in named:
            return Refusal(
                "CohortHeaderInRoute",
                f"A rule of HTTPRoute {inputs.route_name} matches on header {header} itself, so its "
                "cohorts cannot be told apart beneath it. Write another header in headerCohort, or take that match "
                "out of the route.",
            )
    return None


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    """The overlay route that puts a split in force."""
    users = rules_to_overlay(inputs)
    rules = [rule for each in users for rule in _rules(inputs, split, each)]
    probed = [for_probes(rule, probe_nonce(inputs, split)) for rule in _rules(inputs, split, users[0])]
    golden = [
        golden_rule(setting(inputs, users[0], variant_headers(inputs, split, each)), each)
        for each in golden_variants(split)
    ]
    all_rules = with_golden_rules(probed, golden, rules, several_users=len(users) > 1, always_strip=bool(split.token))
    overlay = overlay_route(inputs, all_rules)
    return Rendered((overlay,), overlay)


def retrial(inputs: ClusterInputs, split: TrafficSplit) -> ProbeOnlyRules | None:
    """The rules of all cohorts for the operator's probes alone, None where no probe can be sent."""
    nonce = probe_nonce(inputs, split, PROBE_ONLY)
    rules = [for_probes(rule, nonce) for rule in _rules(inputs, split, rules_to_overlay(inputs)[0])]
    overlay = overlay_route(inputs, [golden_rule(rule, split.baseline) for rule in rules])
    targets = _targets(inputs, split, overlay, nonce)
    return ProbeOnlyRules((overlay,), tuple(targets)) if targets else None


def _rules(inputs: ClusterInputs, split: TrafficSplit, users: TargetRule) -> list[dict[str, Any]]:
    """One rule for each cohort, and a last one for everybody else."""
    promoted = _promoted(split)
    if promoted is not None:
        return [setting(inputs, users, variant_headers(inputs, split, promoted))]
    settings = _settings(inputs.spec.delivery)
    rules = []
    for cohort in settings.cohorts:
        rule = setting(inputs, users, variant_headers(inputs, split, variant_for(cohort, split)))
        matches = [match for value in cohort.values for match in asking(rule, settings.header, value)["matches"]]
        rules.append({**rule, "matches": matches})
    others = setting(inputs, users, _unassigned_headers(inputs, split))
    return [*rules, removing(others, f"{settings.header_prefix}token") if split.token else others]


def _unassigned_headers(inputs: ClusterInputs, split: TrafficSplit) -> dict[str, str]:
    """The baseline's headers as evidence for nobody."""
    prefix = inputs.spec.delivery.header_prefix
    headers = variant_headers(inputs, split, split.baseline) | {f"{prefix}{REVISION}": UNASSIGNED}
    for_nobody = {f"{prefix}{TOKEN}", *shadow_headers_in(prefix, headers)}
    return {name: value for name, value in headers.items() if name not in for_nobody}


def variant_for(cohort: Cohort, split: TrafficSplit) -> VariantWeight:
    """What a cohort gets: its variant while that has a weight, else the baseline.

    A split with one candidate calls it `candidate`, whatever its name.
    """
    named = {each.variant: each for each in split.variants}
    only = split.candidates[0] if len(split.candidates) == 1 else split.baseline
    found = named.get(cohort.variant, only)
    return found if found.weight > 0 else split.baseline


def _promoted(split: TrafficSplit) -> VariantWeight | None:
    return next((each for each in split.candidates if each.weight == 100), None)


def has_split(route: Manifest, delivery: Delivery, split: TrafficSplit) -> bool:
    """Whether an overlay route gives each cohort what the split says."""
    settings = _settings(delivery)
    header, prefix = settings.header, settings.header_prefix
    found = {each for rule in rules_in_force(route) for each in _readings(rule, header, prefix)}
    return found == _expected(settings, split)


def _readings(rule: dict[str, Any], header: str, prefix: str) -> Iterable[tuple[str, str, str]]:
    for headers in headers_set(rule):
        for match in rule.get("matches", []):
            asked = {each["name"]: each["value"] for each in match.get("headers", [])}
            yield asked.get(header, ""), headers.get(f"{prefix}{REVISION}", ""), headers.get(f"{prefix}{VARIANT}", "")


def _expected(settings: HeaderCohort, split: TrafficSplit) -> Reading:
    """What the split means for each value of the cohorts' header."""
    promoted = _promoted(split)
    if promoted is not None:
        return frozenset({("", split.revision, promoted.variant)})
    cohorts = {
        (value, split.revision, variant_for(cohort, split).variant)
        for cohort in settings.cohorts
        for value in cohort.values
    }
    return frozenset(cohorts | {("", UNASSIGNED, split.baseline.variant)})


def probes(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest) -> list[ProbeTarget]:
    """A question for each value of the cohorts' header and one without it; empty when one of them cannot be asked."""
    return _targets(inputs, split, overlay, probe_nonce(inputs, split))


def _targets(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest, nonce: str) -> list[ProbeTarget]:
    settings = _settings(inputs.spec.delivery)
    expected = _expected(settings, split)
    probed = overlay["spec"]["rules"][: 1 if _promoted(split) else len(settings.cohorts) + 1]
    matches = [match for rule in probed for match in rule["matches"]]
    targets = []
    for value, revision, variant in sorted(expected):
        own = [match for match in matches if _matched_value(match, settings.header) == value]
        targets.append(probe_target(inputs, overlay, own, nonce, revision, ((variant, 100),)))
    found = [target for target in targets if target is not None]
    return found if len(found) == len(targets) else []


def by_variant(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest) -> Sequence[ProbeTarget]:
    """One probe of each variant, by a cohort of its own."""
    return one_of_each(probes(inputs, split, overlay), split)


def _matched_value(match: dict[str, Any], header: str) -> str:
    return next((str(each["value"]) for each in match.get("headers", []) if each["name"] == header), "")


def summary(split: TrafficSplit) -> str:
    """A sentence about a split that is in force."""
    promoted = _promoted(split)
    if promoted is not None:
        return f"All requests get {promoted.variant}."
    trying = [each.variant for each in split.candidates if each.weight > 0]
    return f"Cohorts get {', '.join(trying)}." if trying else "All cohorts get the baseline."


def _settings(delivery: Delivery) -> HeaderCohort:
    assert delivery.header_cohort is not None  # the CRD demands it for this mode
    return delivery.header_cohort


MODE = RouteMode(
    refusal=refusal,
    render=render,
    has_split=has_split,
    probes=probes,
    by_variant=by_variant,
    retrial=retrial,
    summary=summary,
)
