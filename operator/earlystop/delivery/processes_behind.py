"""Whether every process that is up serves by a split's settings, and what to say of those that do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from earlystop.api.conditions import Condition, ConditionStatus, traffic_condition
from earlystop.api.wire import SETTINGS_INFO

NAMED = 3
"""Of the processes that are behind; each has the others' reason."""


class Reported(Protocol):
    """What a process says of itself: `metrics.convention.reports.ProcessReport`."""

    @property
    def process(self) -> str:
        """The id of its start."""

    @property
    def revision(self) -> str:
        """The revision of the settings that it serves by, "" where it has read none."""

    @property
    def step(self) -> str:
        """The step of the settings by which the process serves, "" where it has read none."""

    @property
    def digest(self) -> str:
        """The digest of the settings by which the process serves, "" where it has read none."""

    @property
    def fault(self) -> str:
        """Why it cannot read the latest settings, "" where it can."""


def processes_behind(reports: Sequence[Reported], digest: str, fewest: int = 0) -> Condition | None:
    """What to say while not every process serves by the settings with this digest, None once each does.

    fewest: how many processes there are at least; 0 where nobody knows.
    """
    if not reports:
        message = (
            "No process of the target reports by which settings it serves. Let the servers read them by "
            f"earlystop.exporter, and let Prometheus scrape {SETTINGS_INFO}."
        )
        return traffic_condition(ConditionStatus.UNKNOWN, "NoProcessReports", message)
    behind = [each for each in reports if each.digest != digest]
    known = len({each.process for each in reports})
    if not behind and known < fewest:
        message = (
            f"{known} of {fewest} processes that are ready report by which settings they serve. Let Prometheus scrape "
            f"{SETTINGS_INFO} of each of them."
        )
        return traffic_condition(ConditionStatus.UNKNOWN, "ProcessesBehind", message)
    if not behind:
        return None
    named = "; ".join(map(_words, behind[:NAMED]))
    others = f"; and {len(behind) - NAMED} others" if len(behind) > NAMED else ""
    message = (
        f"{len({each.process for each in behind})} of {known} processes do not serve by this step's settings yet: "
        f"{named}{others}. Their requests count for the step that they serve by; evidence of this one begins when all "
        "have switched."
    )
    return traffic_condition(ConditionStatus.UNKNOWN, "ProcessesBehind", message)


def _words(each: Reported) -> str:
    serves = f"serves by revision {each.revision}, step {each.step}" if each.digest else "has read no settings"
    why = f", since its file is {each.fault}" if each.fault else ""
    return f"{each.process} {serves}{why}"
