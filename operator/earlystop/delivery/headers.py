"""The headers by which a request carries its variant, and the filters of Gateway API that set them.

Headers are `set`, which overwrites what a client forged; one that a variant has not is removed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from earlystop.api.wire import (
    IN_FORCE_MARK,
    NO_PARAMETER,
    PARAMETERS,
    POLICY,
    PROBE_HEADER,
    REVISION,
    SETTING,
    STEP,
    TOKEN,
    VARIANT,
    shadow_header,
    signed_nonce,
)
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.routes.gateway_limits import LONGEST_VALUE
from earlystop.delivery.split import ShadowSetting, TrafficSplit, VariantWeight

MODIFIER = "RequestHeaderModifier"
# What a match may ask for by regular expressions.
CONDITIONS = ("headers", "queryParams")
BETWEEN_SHADOWS = ","
Rule = dict[str, Any]
Modifier = dict[str, Any]


def variant_headers(inputs: ClusterInputs, split: TrafficSplit, variant: VariantWeight) -> dict[str, str]:
    """The headers that a variant's requests carry. The baseline's name the shadows as well."""
    prefix = inputs.spec.delivery.header_prefix
    shadows = split.shadows if variant == split.baseline else ()
    return {
        f"{prefix}{POLICY}": f"{inputs.namespace}/{inputs.policy}",
        f"{prefix}{REVISION}": split.revision,
        f"{prefix}{STEP}": str(split.step),
        f"{prefix}{VARIANT}": variant.variant,
        **{f"{prefix}{SETTING}{name}": value for name, value in variant.settings},
        **shadow_headers(prefix, shadows),
        **(_vouched(prefix, split, variant) if split.token else {}),
    }


def _vouched(prefix: str, split: TrafficSplit, variant: VariantWeight) -> dict[str, str]:
    """The token, and the names of all parameters that are set: a server acts on no other that a client adds."""
    names = named_parameters(name for name, _ in variant.settings)
    return {f"{prefix}{PARAMETERS}": names, f"{prefix}{TOKEN}": split.token}


def named_parameters(names: Iterable[str]) -> str:
    """The names of the parameters that are set, as their header has them. Gateway API takes no empty value, so where
    none is set a word stands there that is no parameter's name."""
    return ",".join(names) or NO_PARAMETER


def shadow_headers(prefix: str, shadows: Iterable[ShadowSetting]) -> dict[str, str]:
    """The headers that name the candidates to judge; none where there is none. A list that is too long for one value
    goes on in `shadow-2`, then `shadow-3`, ...: the comma at the end of each but the last says so, and a server that
    reads one header alone takes it for no list."""
    values: list[str] = []
    for each in map(_shadow, shadows):
        longer = f"{values[-1]}{BETWEEN_SHADOWS} {each}" if values else ""
        if not values:
            values.append(each)
        elif len(longer) < LONGEST_VALUE:
            values[-1] = longer
        else:
            values[-1] += BETWEEN_SHADOWS
            values.append(each)
    return {shadow_header(prefix, number): value for number, value in enumerate(values, start=1)}


def shadow_headers_in(prefix: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Those of `headers` that name candidates to judge."""
    return {name: value for name, value in headers.items() if name.startswith(shadow_header(prefix))}


def _shadow(each: ShadowSetting) -> str:
    return ";".join([each.variant, *(f"{name}={value}" for name, value in each.settings)])


def modifier(inputs: ClusterInputs, headers: dict[str, str]) -> Modifier:
    """A header modifier that sets these headers, and removes shadows and parameters that a client forged."""
    prefix = inputs.spec.delivery.header_prefix
    ours = [shadow_header(prefix), *(f"{prefix}{SETTING}{each.name}" for each in inputs.spec.parameters)]
    named = [{"name": name, "value": value} for name, value in headers.items()]
    forged = [name for name in ours if name not in headers]
    return {"set": named, "remove": forged} if forged else {"set": named}


def as_filter(content: Modifier) -> dict[str, Any]:
    """The filter of a rule or backend that applies a header modifier."""
    return {"type": MODIFIER, "requestHeaderModifier": content}


def with_filter(filters: Iterable[dict[str, Any]], content: Modifier) -> list[dict[str, Any]]:
    """A rule's filters with a header modifier merged into the user's, since a rule may have only one; ours wins."""
    filters = list(filters)
    theirs = next((each for each in filters if each["type"] == MODIFIER), None)
    if theirs is None:
        return [*filters, as_filter(content)]
    ours = as_filter(_merged(theirs.get("requestHeaderModifier", {}), content))
    return [ours if each is theirs else each for each in filters]


def _merged(theirs: Modifier, ours: Modifier) -> Modifier:
    taken = {each["name"].lower() for each in ours["set"]} | {name.lower() for name in ours.get("remove", [])}
    added = [each for each in theirs.get("add", []) if each["name"].lower() not in taken]
    removed = [name for name in theirs.get("remove", []) if name.lower() not in taken]
    removed += ours.get("remove", [])
    return {
        "set": [*(each for each in theirs.get("set", []) if each["name"].lower() not in taken), *ours["set"]],
        **({"add": added} if added else {}),
        **({"remove": removed} if removed else {}),
    }


def changed(rule: Rule, change: Callable[[Modifier], Modifier]) -> Rule:
    """An overlay's rule with its header modifiers changed: those of its backends, or the rule's own."""
    backends = rule.get("backendRefs", [])
    if any("filters" in each for each in backends):
        return {**rule, "backendRefs": [_with_change(each, change) for each in backends]}
    return _with_change(rule, change)


def _with_change(holder: dict[str, Any], change: Callable[[Modifier], Modifier]) -> dict[str, Any]:
    filters = [
        {**each, "requestHeaderModifier": change(each["requestHeaderModifier"])} if each["type"] == MODIFIER else each
        for each in holder.get("filters", [])
    ]
    return {**holder, "filters": filters} if "filters" in holder else holder


def removing(rule: Rule, name: str) -> Rule:
    """An overlay's rule that also takes a header off its requests, whoever set it."""

    def with_removal(content: Modifier) -> Modifier:
        removed = content.get("remove", [])
        # Gateway API takes a name once.
        return content if name in removed else {**content, "remove": [*removed, name]}

    return changed(rule, with_removal)


def headers_set(rule: Rule) -> list[dict[str, str]]:
    """What an overlay's rule sets: one mapping for each backend with filters, or one for the rule itself."""
    found: list[dict[str, str]] = []

    def note(content: Modifier) -> Modifier:
        found.append({each["name"]: each["value"] for each in content.get("set", [])})
        return content

    changed(rule, note)
    return found


def asking(rule: Rule, name: str, value: str) -> Rule:
    """The rule for those of its requests alone that have a header of this value. The name stays with the rule for the
    others, since a route has each name but once."""
    condition = {"type": "Exact", "name": name, "value": value}
    matches = [{**match, "headers": [*match.get("headers", []), condition]} for match in rule["matches"]]
    return {**{key: each for key, each in rule.items() if key != "name"}, "matches": matches}


def for_nonce(rule: Rule, nonce: str) -> Rule:
    """The rule again for requests with the nonce.

    What the user's rule asks for by a regular expression is not asked of probes, so that one can be sent for every
    rule: nobody else's request has the nonce.
    """
    return asking({**rule, "matches": _plain_matches(rule)}, PROBE_HEADER, nonce)


def for_probes(rule: Rule, nonce: str) -> Rule:
    """As `for_nonce`, and the rule marks the nonce: an answer with the mark proves this very object."""
    mark = {"name": PROBE_HEADER, "value": nonce + IN_FORCE_MARK}
    return changed(for_nonce(rule, nonce), lambda content: {**content, "set": [*content["set"], mark]})


def has_expressions(rule: Rule) -> bool:
    """Whether a match of the rule asks for a header or parameter by a regular expression."""
    return any(each != _plain(each) for each in rule["matches"])


def _plain_matches(rule: Rule) -> list[dict[str, Any]]:
    """The rule's matches without what they ask for by regular expressions, each once, those that ask for none first."""
    plain = [(each != _plain(each), _plain(each)) for each in rule["matches"]]
    ordered = [match for _, match in sorted(plain, key=lambda each: each[0])]
    return [match for index, match in enumerate(ordered) if match not in ordered[:index]]


def _plain(match: dict[str, Any]) -> dict[str, Any]:
    plain = {
        key: [each for each in asked if each.get("type", "Exact") == "Exact"] if key in CONDITIONS else asked
        for key, asked in match.items()
    }
    return {key: asked for key, asked in plain.items() if asked}


def without_shadows(rule: Rule, prefix: str) -> Rule:
    """An overlay's rule with no candidate judged in the shadow of its requests."""
    first = shadow_header(prefix)

    def dropped(content: Modifier) -> Modifier:
        kept = [each for each in content.get("set", []) if not each["name"].startswith(first)]
        removed = [each for each in content.get("remove", []) if each != first]
        return {**content, "set": kept, "remove": [*removed, first]}

    return changed(rule, dropped) if any(shadow_headers_in(prefix, headers) for headers in headers_set(rule)) else rule


def nonce_of(split: TrafficSplit, purpose: str = "") -> str:
    """A probe's nonce: the same whenever the same split is put in force, so that a restart changes no object.
    What is probed for another purpose has another one. Nobody works it out without the campaign's token."""
    text = hashlib.sha256(f"{purpose}{split!r}".encode()).hexdigest()[:16]
    return signed_nonce(split.token, text) if split.token else text
