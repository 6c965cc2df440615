"""Which variant a key gets: by a hash, so that every process decides alike and a key changes its variant only where the
weights ask for it."""

from __future__ import annotations

import hashlib
from functools import lru_cache

Weights = tuple[tuple[str, int], ...]
"""Each variant with its percent, the baseline first; they sum to 100."""


def drawn_variant(salt: str, key: str, weights: Weights) -> str:
    """The variant of a key, each with a probability of its weight.

    salt: what tells this draw from others, such as the campaign's revision: keys of one draw say nothing about another.
    weights: of all variants of the campaign, in constant order, those that get nothing too. Raises ValueError unless
    they sum to 100.
    """
    ranges = bucket_ranges(weights)
    digest = hashlib.blake2b(f"{salt}\n{key}".encode(errors="replace"), digest_size=8).digest()
    bucket = int.from_bytes(digest, "big") % sum(length for _, length in ranges)
    for variant, length in ranges:
        if bucket < length:
            return variant
        bucket -= length
    raise AssertionError("a bucket lies in no range")


@lru_cache(maxsize=64)  # a server asks for the same few, for each request
def bucket_ranges(weights: Weights) -> Weights:
    """Variants and how many of the following buckets each gets, in the order of the buckets: 100 for each candidate.

    Every candidate has 100 buckets of its own and takes them from their first on; what it leaves is the baseline's. So
    where candidates grow and none has more than its buckets (with n candidates, 100 / n percent), no key that has a
    candidate loses it. A candidate that has more takes what the others leave of theirs, from their last bucket on.
    Raises ValueError unless the weights lie in 0..100 and sum to 100.
    """
    if sum(weight for _, weight in weights) != 100 or any(weight < 0 for _, weight in weights):
        raise ValueError("the weights must lie in 0..100 and sum to 100")
    (baseline, _), *candidates = weights
    if not candidates:
        return ((baseline, 100),)
    wanted = [(name, weight * len(candidates)) for name, weight in candidates]
    beyond = [(name, buckets - 100) for name, buckets in wanted if buckets > 100]
    ranges: list[tuple[str, int]] = []
    for name, buckets in wanted:
        own = min(buckets, 100)
        taken, beyond = _first(beyond, 100 - own)
        left = 100 - own - sum(length for _, length in taken)
        ranges += [(name, own), (baseline, left), *reversed(taken)]
    return tuple(each for each in ranges if each[1])


def _first(ranges: list[tuple[str, int]], buckets: int) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """The ranges up to so many buckets, and the rest of them."""
    taken: list[tuple[str, int]] = []
    rest: list[tuple[str, int]] = []
    for name, length in ranges:
        now = min(length, buckets)
        buckets -= now
        taken += [(name, now)] if now else []
        rest += [(name, length - now)] if length > now else []
    return taken, rest
