"""One object for equal parts of many specs: a fleet's policies are mostly alike, and each part of one takes a KiB."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import TypeVar

from earlystop.api.policy import PolicySpec
from earlystop.api.values import Value

REMEMBERED = 4096

T = TypeVar("T", bound=Hashable)


def interned_spec(spec: PolicySpec) -> PolicySpec:
    """An equal spec, whose parts are the very objects of other specs wherever those are equal. They are frozen."""
    parts = {name: getattr(spec, name) for name in PolicySpec.model_fields}
    return spec.model_copy(
        update={name: interned(part) for name, part in parts.items() if isinstance(part, Value | tuple)}
    )


@lru_cache(maxsize=REMEMBERED)
def interned(part: T) -> T:
    """The first object seen that equals `part`."""
    return part
