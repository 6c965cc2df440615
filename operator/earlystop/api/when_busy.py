"""The part of `spec.guard` that says which of two certified settings serves under load. Live, as the guard is."""

from __future__ import annotations

from pydantic import Field

from earlystop.api.values import DecimalText, SettingName, Value, rules

MOST_CHANGES = 12


class WhenBusy(Value):
    """Under load the promoted setting serves, else the next more careful one that is certified beside it."""

    model_config = rules(
        {
            "rule": "double(self.below) < double(self.above)",
            "messageExpression": "'whenBusy: below ' + self.below + ' must be less than above ' + self.above + '; what "
            "lies between changes nothing'",
        },
        {
            "rule": "double(self.below) >= 0.0",
            "messageExpression": "'whenBusy: below ' + self.below + ' must be 0 or more, as no load is less'",
        },
    )

    load: SettingName = Field(
        description="Name of a load of the MetricSource (loads[].name). Its admin writes the query, never a policy."
    )
    above: DecimalText = Field(description='Load from which the promoted setting serves, for example "40".')
    below: DecimalText = Field(
        description='Load up to which the next more careful proven setting serves, for example "10".'
    )
    minimum_seconds: int = Field(300, ge=10, le=86_400, description="How long a setting serves at least.")
    changes_per_hour: int = Field(
        4, ge=1, le=MOST_CHANGES, description="How often the setting changes an hour at most."
    )
