"""Which object of the cluster is meant."""

from __future__ import annotations

from typing import NamedTuple


class ObjectKey(NamedTuple):
    """Which object of the cluster. namespace: None for a kind that is cluster-scoped."""

    kind: str
    namespace: str | None
    name: str
