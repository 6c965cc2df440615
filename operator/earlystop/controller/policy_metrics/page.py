"""The page for users on which every metric stands: `python -m earlystop.controller.policy_metrics.page FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from earlystop.controller.policy_metrics.limits import MOST_IN_ALL, MOST_OF_ONE
from earlystop.controller.policy_metrics.table import TABLE
from earlystop.controller.telemetry import registry

OWN = "earlystop_operator_"
_HEAD = f"""\
# Metrics of the operator

Served at `/metrics` on port 8080. The chart makes a ServiceMonitor (`metrics.serviceMonitor.enabled`), alert rules
(`metrics.alerts.enabled`, see [runbooks.md](runbooks.md)) and a Grafana dashboard (`metrics.dashboard.enabled`).
A scrape config of your own needs `honor_labels: true`: else Prometheus renames the label `namespace` to
`exported_namespace`, and neither dashboard nor alerts find a policy. What one metric of the operator itself
says, `/metrics?name[]=earlystop_operator_looks_total` gives alone, which costs nothing however many policies there are;
what is worked out from policies is on the whole page only. What servers count has its own page,
[counters.md](counters.md); what the savings ledger holds has [savings.md](savings.md).

Generated from `operator/earlystop/controller/policy_metrics/table.py`; edit the sentences there and run `make docs`.

## Of each policy

Gauges, worked out from the policy's status at each scrape: they are back before the first look after a restart, and
gone when the policy is. Labels are names from the policy's spec, so their number is bounded: a policy has at most
{MOST_OF_ONE} series (a canary about 70), all together {MOST_IN_ALL:,}. What does not fit is left out, and told:
`earlystop_policy_series_left_out` says how much of a policy is, `earlystop_operator_policies_without_series` how many
policies are, and the log says it once. Policies that are watched come first, and namespaces take turns.

| metric | labels | meaning |
|---|---|---|
"""
_BETWEEN = """
`claim` is `promote` (the loss of Exact Match is within the margin), `tokens` (enough are saved), `harm`,
`sample_ratio`, `attrition`, and as the policy names them `floor`, `guardrail/NAME`, `class/NAME` and
`certificate/NAME`. A claim is proven when `earlystop_policy_largest_log_e` reaches `earlystop_policy_log_e_line`.
Decisions as annotations in Grafana: `earlystop_policy_decision_timestamp_seconds * 1000`, with the value used as the
time.

## Of the operator itself

`process_*` and `python_*` are those of every Python process. No series ends in `_created`.

| metric | type | meaning |
|---|---|---|
"""


def page(own: CollectorRegistry = registry) -> str:
    """The page in Markdown."""
    policies = (
        f"| `{each.name}` | {', '.join(f'`{label}`' for label in each.labels)} | {each.meaning} |" for each in TABLE
    )
    suffix = {"counter": "_total"}
    found = sorted((each for each in own.collect() if each.name.startswith(OWN)), key=lambda each: each.name)
    operator = (f"| `{each.name}{suffix.get(each.type, '')}` | {each.type} | {each.documentation} |" for each in found)
    return _HEAD + "\n".join(policies) + "\n" + _BETWEEN + "\n".join(operator) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
