"""Which object of the cluster is meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class ObjectKey(NamedTuple):
    """Which object of the cluster. namespace: None for a kind that is cluster-scoped."""

    kind: str
    namespace: str | None
    name: str


def version_of(metadata: Mapping[str, Any]) -> int | None:
    """The resourceVersion as the number that it is with every API server on etcd, else None: then the last word
    counts."""
    text = str(metadata.get("resourceVersion", ""))
    return int(text) if text.isdecimal() else None
