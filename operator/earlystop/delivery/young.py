"""Whether objects were made just now, so that those who act on them have hardly begun."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from earlystop.delivery.inputs import ClusterInputs, Manifest


def are_young(observed: ClusterInputs, objects: Iterable[Manifest], now: float, seconds: float) -> bool:
    """Whether one of them was created less than so many seconds ago, perhaps by another operator or by this one before
    it was restarted. One that is missing is not."""
    found = (observed.own(each["kind"], each["metadata"]["name"]) for each in objects)
    created = [each["metadata"]["creationTimestamp"] for each in found if each is not None]
    return any(now - datetime.fromisoformat(each).timestamp() < seconds for each in created)
