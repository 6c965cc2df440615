"""The rule of flagd by which a flag's variant is chosen, written from its documentation: `fractional` over ranges of
buckets by a 32-bit hash, `cat` of texts and of values of the context, and `if` with `===`."""

from __future__ import annotations

import zlib
from typing import Any


def evaluated(flag: dict[str, Any], targeting_key: str) -> Any:
    """The value that an evaluation gives. The hash is another one than flagd's, as good as any here."""
    rule = flag.get("targeting") or {}
    if not rule:
        return flag["variants"][flag["defaultVariant"]]
    if "if" in rule:
        condition, variant, *otherwise = rule["if"]
        (by, default), wanted = condition["==="][0]["var"], condition["==="][1]
        assert by == "targetingKey"
        if (targeting_key or default) == wanted:
            return flag["variants"][variant]
        rule = otherwise[0] if otherwise else {}
        return evaluated({**flag, "targeting": rule}, targeting_key)
    by, *ranges = rule["fractional"]
    text = "".join(_text(each, targeting_key) for each in by["cat"])
    bucket = zlib.crc32(text.encode()) * sum(weight for _, weight in ranges) >> 32
    for variant, weight in ranges:
        if bucket < weight:
            return flag["variants"][variant]
        bucket -= weight
    raise AssertionError("a bucket lies in no range")


def _text(part: Any, targeting_key: str) -> str:
    return targeting_key if part == {"var": "targetingKey"} else str(part)
