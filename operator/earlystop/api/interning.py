"""One object for equal parts of many specs: policies are mostly alike, and each part takes about a KiB of memory."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import TypeVar

from earlystop.api.policy import PolicySpec
from earlystop.api.values import Value

REMEMBERED = 4096

T = TypeVar("T", bound=Hashable)


def interned_spec(spec: PolicySpec) -> PolicySpec:
    """An equal spec, whose parts are the same objects as equal parts of other specs. This is safe: all are frozen."""
    parts = {name: getattr(spec, name) for name in PolicySpec.model_fields}
    for part in parts.values():
        _share_names_of(part)
    found = spec.model_copy(
        update={name: interned(part) for name, part in parts.items() if isinstance(part, Value | tuple)}
    )
    _share_names_of(found)
    return found


def _share_names_of(part: object) -> None:
    """Which fields of a value, and of each within it, were written is one set for equal ones: it takes as much as all
    else of a value whose parts are shared, and as any other of a small one that is not."""
    if isinstance(part, tuple):
        for each in part:
            _share_names_of(each)
    elif isinstance(part, Value):
        object.__setattr__(part, "__pydantic_fields_set__", _set_of(frozenset(part.model_fields_set)))
        for each in part.__dict__.values():
            _share_names_of(each)


@lru_cache(maxsize=REMEMBERED)
def interned(part: T) -> T:
    """The object equal to `part` that was given first, while the cache of `REMEMBERED` parts still holds it."""
    return part


@lru_cache(maxsize=REMEMBERED)
def _set_of(names: frozenset[str]) -> set[str]:
    """One set for equal ones. Pydantic copies it with a model, and changes that of no frozen one."""
    return set(names)
