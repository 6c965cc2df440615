"""Which policies were decided on which objects, whether these exist or not."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from earlystop.delivery.object_key import ObjectKey

Reader = tuple[str, str]
"""Namespace and name of a policy."""


class Readers:
    """The objects of each policy, and the policies of each object.

    Nearly all objects have one policy, whose frozenset they share, and a policy has some seven objects: a set for each
    would take 2 KiB a policy.
    """

    def __init__(self) -> None:
        self._of_object: dict[ObjectKey, frozenset[Reader]] = {}
        self._objects: dict[Reader, tuple[ObjectKey, ...]] = {}

    def __contains__(self, key: ObjectKey) -> bool:
        """Whether any policy was decided on this object."""
        return key in self._of_object

    def of(self, key: ObjectKey) -> tuple[Reader, ...]:
        """The policies that were decided on this object, or on its absence."""
        return tuple(self._of_object.get(key, ()))

    def has_read(self, reader: Reader) -> bool:
        """Whether this policy was decided on any object since the operator started."""
        return reader in self._objects

    def add(self, reader: Reader, keys: Iterable[ObjectKey]) -> None:
        """A policy is about to be decided on these objects as well."""
        known, alone = self._objects.get(reader, ()), frozenset((reader,))
        new = [key for key in dict.fromkeys(keys) if key not in known]
        self._objects[reader] = (*known, *new)
        for key in new:
            others = self._of_object.get(key)
            if others is None or reader not in others:
                self._of_object[key] = alone if others is None else others | alone

    def keep(self, reader: Reader, keys: Collection[ObjectKey]) -> list[ObjectKey]:
        """A policy is decided on these objects and no others any more. Returns those that no policy reads now."""
        over = set(self._objects.get(reader, ())).difference(keys)
        self._objects[reader] = ()
        self.add(reader, keys)
        return [key for key in over if self._is_last(reader, key)]

    def forget(self, reader: Reader) -> list[ObjectKey]:
        """A policy is gone. Returns the objects that no policy reads now."""
        return [key for key in self._objects.pop(reader, ()) if self._is_last(reader, key)]

    def _is_last(self, reader: Reader, key: ObjectKey) -> bool:
        """Takes a policy from an object's. Whether it was the last one."""
        readers = self._of_object[key] - {reader}
        if readers:
            self._of_object[key] = readers
        else:
            del self._of_object[key]
        return not readers
