"""Write the dashboard: `python -m dashboard_build.build charts/earlystop/files/dashboard.json` in `operator`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dashboard_build.panels import DATASOURCE, Json, laid_out
from dashboard_build.rows import ONE, ROWS

UID = "earlystop-policies"
"""Links and provisioning find the dashboard by it, so it never changes."""


def dashboard() -> Json:
    """The whole dashboard, as Grafana imports and provisions it."""
    return {
        "uid": UID,
        "title": "Early stop: policies",
        "description": "What each policy does, how sure it is, whether the experiment is sound, and what it saves.",
        "tags": ["earlystop"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                _datasource(),
                _variable("namespace", "earlystop_policy_info"),
                _variable("policy", 'earlystop_policy_info{namespace="$namespace"}'),
                _variable("candidate", f"earlystop_policy_looks{{{ONE}}}"),
            ]
        },
        "annotations": {"list": [_decisions()]},
        "links": [],
        "panels": laid_out(ROWS),
    }


def _datasource() -> Json:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
    }


def _variable(label: str, series: str) -> Json:
    """A choice among the values that a label has in these series."""
    query = f"label_values({series}, {label})"
    return {
        "name": label,
        "label": label.capitalize(),
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": label},
        "refresh": 2,
        "sort": 1,
        "multi": False,
        "includeAll": False,
        "hide": 0,
    }


def _decisions() -> Json:
    """Decisions as annotations, by query: the value is the moment, so no key of Grafana's API is needed."""
    return {
        "name": "Decisions",
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "expr": f"earlystop_policy_decision_timestamp_seconds{{{ONE}}} * 1000",
        "step": "60s",
        "titleFormat": "{{decision}} {{candidate}}",
        "textFormat": "{{reason}}",
        "useValueForTime": True,
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(dashboard(), indent=1) + "\n")
