"""The reasons of delivery modes whose servers read their settings themselves, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from earlystop.api.reasons.traffic import TRAFFIC, TRAFFIC_FAULT

SETTINGS_REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "SettingsObjectNotFound": "The ConfigMap or FeatureFlag that is to hold the settings is not in the policy's "
        "namespace; create it, with the label earlystop.dev/settings=true.",
        "SettingsNotAllowed": "The object lacks the label earlystop.dev/settings=true, by which its owner allows "
        "policies to write one entry of it; add it.",
        "SettingsImmutable": "The ConfigMap has immutable: true, so nothing can be written into it; create it anew "
        "without that, or name another one.",
        "SettingsKeyTaken": "The key or flag holds something that the operator did not write, or another policy's "
        "settings; remove it where it comes from, or name another one.",
        "ShadowNotDelivered": "Settings that servers read themselves tell them of no shadow; remove "
        "rollout.shadowSeconds.",
    }
)

SETTINGS_TRAFFIC: Mapping[str, str] = MappingProxyType(
    {
        "WaitingForProcesses": "The settings are written, and processes have yet to report them; the operator goes on "
        "asking the metrics.",
        "NoProcessReports": "No process of the target says by which settings it serves; let the servers read them by "
        "earlystop.exporter, and let Prometheus scrape earlystop_settings_info.",
    }
)

PROCESSES_BEHIND: Mapping[str, str] = MappingProxyType(
    {
        "ProcessesBehind": "Some processes still serve by earlier settings, so the step has no evidence yet, and after "
        "10 minutes all requests get the baseline; look at how these processes mount the settings.",
    }
)


def settings_rows(preflight: tuple[str, ...]) -> tuple[tuple[tuple[str, ...], Mapping[str, str]], ...]:
    """The rows of the table. preflight: where refusals before a write are told."""
    return ((preflight, SETTINGS_REFUSALS), (TRAFFIC, SETTINGS_TRAFFIC), (TRAFFIC_FAULT, PROCESSES_BEHIND))
