"""Rules that set a cohort's headers by a header that its requests carry already: what the modes share that compare
cohorts of users.

A candidate's weight here is not a percentage: above 0 its cohort gets its settings, at 0 the baseline's, and at 100,
when it was promoted, everybody gets it. Requests of no cohort get the baseline's settings under the revision
`unassigned`: whatever variant a client forged is overwritten, and nobody counts them as evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from earlystop.api.cohorts import Cohort, Cohorts
from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Delivery
from earlystop.api.wire import REVISION, TOKEN, UNASSIGNED, VARIANT
from earlystop.delivery.golden_rules import golden_rule, golden_variants, rules_in_force, with_golden_rules
from earlystop.delivery.headers import asking, for_probes, headers_set, removing, shadow_headers_in, variant_headers
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.overlay import TargetRule, overlay_route, rules_to_overlay, target_rules
from earlystop.delivery.probes.nonce import PROBE_ONLY, probe_nonce
from earlystop.delivery.probes.target import probe_target
from earlystop.delivery.probes.variant_probes import a_rule_for_each, one_of_each
from earlystop.delivery.proof import ProbeOnlyRules, ProbeTarget
from earlystop.delivery.route_mode import incumbent_refusal
from earlystop.delivery.rule_level import setting
from earlystop.delivery.split import TrafficSplit, VariantWeight

Reading = frozenset[tuple[str, str, str]]
"""Value of the cohorts' header ("" for all others), revision and variant that its requests get."""


def refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why cohorts cannot get the split's variants on the user's route, None when they can."""
    return incumbent_refusal(inputs, split) or _header_in_route(inputs)


def _header_in_route(inputs: ClusterInputs) -> Refusal | None:
    """Why the cohorts cannot be told apart on the user's route, None when they can."""
    header = _cohorts(inputs.spec.delivery).header
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
                "cohorts cannot be told apart beneath it. Write another header in "
                f"{inputs.spec.delivery.cohorts_field}, or take that match out of the route.",
            )
    return None


@dataclass(frozen=True, slots=True)
class ByCohort:
    """Renders the overlay of a mode in which each cohort gets its variant. service: name of the Service that all of
    them are led to, None for the user's own."""

    service: Callable[[ClusterInputs], str | None]

    def overlay(self, inputs: ClusterInputs, split: TrafficSplit) -> Manifest:
        """The overlay that puts a split in force."""
        users = rules_to_overlay(inputs)
        rules = [rule for each in users for rule in self._rules(inputs, split, each)]
        probed = [for_probes(rule, probe_nonce(inputs, split)) for rule in self._rules(inputs, split, users[0])]
        golden = [
            golden_rule(self._setting(inputs, users[0], variant_headers(inputs, split, each)), each)
            for each in golden_variants(split)
        ]
        all_rules = with_golden_rules(
            probed, golden, rules, several_users=len(users) > 1, always_strip=bool(split.token)
        )
        return overlay_route(inputs, all_rules)

    def retrial(self, inputs: ClusterInputs, split: TrafficSplit) -> ProbeOnlyRules | None:
        """The rules of all cohorts for the operator's probes alone, None where no probe can be sent."""
        nonce = probe_nonce(inputs, split, PROBE_ONLY)
        rules = [for_probes(rule, nonce) for rule in self._rules(inputs, split, rules_to_overlay(inputs)[0])]
        overlay = overlay_route(inputs, [golden_rule(rule, split.baseline) for rule in rules])
        targets = _targets(inputs, split, overlay, nonce)
        return ProbeOnlyRules((overlay,), tuple(targets)) if targets else None

    def probe_only(
        self, inputs: ClusterInputs, split: TrafficSplit, prerequisites: tuple[Manifest, ...]
    ) -> ProbeOnlyRules | None:
        """A rule for each variant, also one that no cohort gets yet, that only the operator's probes meet; None where
        no probe can be sent. prerequisites: what has to be in place first."""
        users = rules_to_overlay(inputs)[0]

        def rule_for(variant: VariantWeight, nonce: str) -> dict[str, Any]:
            return for_probes(self._setting(inputs, users, variant_headers(inputs, split, variant)), nonce)

        return a_rule_for_each(inputs, split, rule_for, prerequisites)

    def _rules(self, inputs: ClusterInputs, split: TrafficSplit, users: TargetRule) -> list[dict[str, Any]]:
        """One rule for each cohort, and a last one for everybody else."""
        promoted = _promoted(split)
        if promoted is not None:
            return [self._setting(inputs, users, variant_headers(inputs, split, promoted))]
        told = _cohorts(inputs.spec.delivery)
        rules = []
        for cohort in told.cohorts:
            rule = self._setting(inputs, users, variant_headers(inputs, split, variant_for(cohort, split)))
            matches = [match for value in cohort.values for match in asking(rule, told.header, value)["matches"]]
            rules.append({**rule, "matches": matches})
        others = self._setting(inputs, users, _unassigned_headers(inputs, split))
        token = f"{inputs.spec.delivery.header_prefix}{TOKEN}"
        return [*rules, removing(others, token) if split.token else others]

    def _setting(self, inputs: ClusterInputs, users: TargetRule, headers: dict[str, str]) -> dict[str, Any]:
        return setting(inputs, users, headers, self.service(inputs))


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
    told = _cohorts(delivery)
    found = {each for rule in rules_in_force(route) for each in _readings(rule, told.header, delivery.header_prefix)}
    return found == _expected(told, split)


def _readings(rule: dict[str, Any], header: str, prefix: str) -> Iterable[tuple[str, str, str]]:
    for headers in headers_set(rule):
        for match in rule.get("matches", []):
            asked = {each["name"]: each["value"] for each in match.get("headers", [])}
            yield asked.get(header, ""), headers.get(f"{prefix}{REVISION}", ""), headers.get(f"{prefix}{VARIANT}", "")


def _expected(told: Cohorts, split: TrafficSplit) -> Reading:
    """What the split means for each value of the cohorts' header."""
    promoted = _promoted(split)
    if promoted is not None:
        return frozenset({("", split.revision, promoted.variant)})
    cohorts = {
        (value, split.revision, variant_for(cohort, split).variant)
        for cohort in told.cohorts
        for value in cohort.values
    }
    return frozenset(cohorts | {("", UNASSIGNED, split.baseline.variant)})


def probes(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest) -> list[ProbeTarget]:
    """A question for each value of the cohorts' header and one without it; empty when one of them cannot be asked."""
    return _targets(inputs, split, overlay, probe_nonce(inputs, split))


def _targets(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest, nonce: str) -> list[ProbeTarget]:
    told = _cohorts(inputs.spec.delivery)
    expected = _expected(told, split)
    probed = overlay["spec"]["rules"][: 1 if _promoted(split) else len(told.cohorts) + 1]
    matches = [match for rule in probed for match in rule["matches"]]
    targets = []
    for value, revision, variant in sorted(expected):
        own = [match for match in matches if _matched_value(match, told.header) == value]
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


def _cohorts(delivery: Delivery) -> Cohorts:
    assert delivery.cohorts is not None  # the CRD demands them for such a mode
    return delivery.cohorts
