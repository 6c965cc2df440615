"""How much of a namespace's objects is kept in memory: whoever fills a namespace has the rest of it read instead."""

from __future__ import annotations

from collections import Counter

LARGEST_KEPT = 64 * 2**10
"""Bytes of one object before it is packed. An overlay of ten candidates has some 20 KiB; an object may have 1.5 MiB."""
NAMESPACE_KEPT = 24 * 2**20
"""Bytes of all objects of a namespace, packed as they are kept."""


class KeptBytes:
    """Counts the bytes that are kept of the objects of each namespace, and says what more fits."""

    def __init__(self) -> None:
        self._kept: Counter[str | None] = Counter()

    def fits(self, namespace: str | None, size: int) -> bool:
        """Whether an object of so many bytes, before it is packed, may be kept besides what is. namespace: None for
        cluster-scoped kinds."""
        return size <= LARGEST_KEPT and self._kept[namespace] + size <= NAMESPACE_KEPT

    def changed(self, namespace: str | None, before: int, now: int) -> None:
        """An object of which `before` bytes were kept is kept in `now` bytes; either may be 0."""
        self._kept[namespace] += now - before
        if not self._kept[namespace]:
            del self._kept[namespace]

    def total(self) -> int:
        """Bytes of all namespaces."""
        return sum(self._kept.values())
