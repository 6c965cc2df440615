"""Mode FeatureFlag: a flag of a FeatureFlag of the OpenFeature operator holds the settings, flagd evaluates it, and
`earlystop.exporter.flag_settings` counts by what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from earlystop.api.server_settings import FeatureFlagEntry, ReadByServers
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.settings_mode import NotOurs, SettingsMode, map_in
from earlystop.exporter.buckets import bucket_ranges
from earlystop.exporter.flag_value import NOBODY, document_of, flag_values
from earlystop.exporter.settings_document import BY_USER, SettingsDocument


def entry(settings: ReadByServers) -> str:
    """The key of the flag that holds the policy's settings."""
    return cast(FeatureFlagEntry, settings).flag


def flags_of(manifest: Manifest) -> Mapping[str, object]:
    """All flags of an object, by their keys."""
    return map_in(map_in(map_in(manifest.get("spec")).get("flagSpec")).get("flags"))


def held(manifest: Manifest, flag: str) -> SettingsDocument | None:
    """The settings in a flag. Raises NotOurs for any other flag."""
    found = flags_of(manifest).get(flag)
    if found is None:
        return None
    try:
        return document_of(map_in(map_in(found).get("variants")))
    except ValueError:
        raise NotOurs from None


def fields(flag: str, document: SettingsDocument) -> Manifest:
    """The flag with the settings: every variant's value says all that a server has to know to serve and to count."""
    variants = {value.variant: value.as_json() for value in flag_values(document)}
    targeted = _targeted(document)
    flags = {flag: {"state": "ENABLED", "variants": variants, **targeted}}
    return {"spec": {"flagSpec": {"flags": flags}}}


def _targeted(document: SettingsDocument) -> dict[str, Any]:
    """How flagd draws a variant: by hash of the campaign and the targeting key, in the same ranges of buckets as
    `exporter.buckets` has them. Where one variant gets all requests, flagd needs no rule to draw one, and older ones
    take none. Where users are drawn, who is not known gets the baseline: else all such requests would be one user's."""
    ranges, baseline = bucket_ranges(document.weights), document.variants[0].name
    rule: dict[str, Any] = {}
    default = ranges[0][0]
    if len({variant for variant, _ in ranges}) > 1:
        by = {"cat": [document.revision, {"var": "targetingKey"}]}
        rule, default = {"fractional": [by, *([variant, buckets] for variant, buckets in ranges)]}, baseline
    if document.drawn_by == BY_USER and (rule or default != baseline):
        # Without a third part, or where it gives nothing, flagd takes the default variant.
        rule = {"if": [{"===": [{"var": ["targetingKey", NOBODY]}, NOBODY]}, baseline, *([rule] if rule else [])]}
    return {"targeting": rule, "defaultVariant": default}


MODE = SettingsMode(
    kind="FeatureFlag",
    settings=lambda delivery: delivery.feature_flag,
    entry=entry,
    entry_words="flag {}",
    entries=flags_of,
    held=held,
    fields=fields,
)
