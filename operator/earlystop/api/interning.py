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
    return spec.model_copy(
        update={name: interned(part) for name, part in parts.items() if isinstance(part, Value | tuple)}
    )


@lru_cache(maxsize=REMEMBERED)
def interned(part: T) -> T:
    """The object equal to `part` that was given first, while the cache of `REMEMBERED` parts still holds it."""
    return part
