"""How busy servers are, as a MetricSource's admin writes it down: PromQL with placeholders. A policy only names one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from earlystop.api.values import SettingName, Value

LONGEST_QUERY = 1024
NAMESPACE, POLICY, TARGET = "{namespace}", "{policy}", "{target}"
"""What stands in a query for the policy's namespace, for namespace/name of the policy, and for its target's name."""


class Load(Value):
    """One way to say how busy the servers of a policy are, as the number of requests that wait."""

    name: SettingName = Field(description="Name of the load, which guard.whenBusy.load of a policy says.")
    query: Annotated[str, Field(min_length=1, max_length=LONGEST_QUERY)] = Field(
        description="PromQL that gives one number, as "
        'sum(avg_over_time(vllm:num_requests_waiting{namespace="{namespace}"}[1m])). The placeholders {namespace}, '
        "{policy} (namespace/name) and {target} (the target's name) stand inside double quotes.",
    )


Loads = Annotated[tuple[Load, ...], Field(max_length=8, json_schema_extra={"x-list-map-key": "name"})]
