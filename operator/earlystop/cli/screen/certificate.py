"""What there is to say of a certificate on a terminal: nothing while it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from earlystop.api.conditions import ConditionStatus, ConditionType

NOT_BOUND = "NotBound"
"""Nobody has read yet what the setting was certified on, which takes a moment."""


def certificate_facts(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A line on a certificate that has lapsed, or of which nobody knows whether it holds, by a label."""
    found = (each for each in status.get("conditions") or () if each["type"] == ConditionType.CERTIFIED.value)
    for each in found:
        if each["status"] != ConditionStatus.TRUE.value and each["reason"] != NOT_BOUND:
            yield "lapsed" if each["status"] == ConditionStatus.FALSE.value else "unsure", each["message"]
