"""What a ledger keeps of processes that are gone from the readings: sums, and a few characters of each one's digest.

It stands beside the rows, in fields and lines of its own: whatever a label says, it is never taken for one of these.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple

from earlystop.api.counts import Tally
from earlystop.api.wire import UNASSIGNED
from earlystop.metrics.ledger_text import counts_text, is_count, tally_in, unword, word

DIGEST_CHARACTERS = 6
"""Of 6 bits each. A new process has the digest of one of n folded ones with probability n / 2**36, and is then not
counted: of 5,000 starts within one step this befalls any with probability below 0.0002."""

_DIGEST_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_FOLDED, _SILENT, _ENDED = "folded", "silent", "ended"


class SumKey(NamedTuple):
    """Where a sum of processes belongs: step index >= 0, variant's label, query class."""

    step: int
    variant: str
    query_class: str


class Start(NamedTuple):
    """A process, by the id of its start, within one step."""

    step: int
    process: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Immutable. silent: processes that have rows and were absent from the last reading, with the Unix second of the
    first look since which they were absent; sums: counts of processes that were folded; digests: of these, by step.
    """

    silent: Mapping[Start, int] = field(default_factory=dict)
    sums: Mapping[SumKey, Tally] = field(default_factory=dict)
    digests: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("silent", "sums", "digests"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


NOBODY = Ended()


@lru_cache(maxsize=4096)
def digest_of(process: str) -> str:
    """The digest by which a compacted process is recognised when it comes back, see DIGEST_CHARACTERS."""
    return urlsafe_b64encode(sha256(process.encode("utf-8", "surrogatepass")).digest())[:DIGEST_CHARACTERS].decode()


def has_folded(ended: Ended, step: int, process: str) -> bool:
    """Whether this process was folded within this step."""
    return step in ended.digests and digest_of(process) in ended.digests[step]


def drop_before(ended: Ended, step: int) -> Ended:
    """What is kept of this and later steps."""
    if ended is NOBODY:
        return ended
    return Ended(
        {start: since for start, since in ended.silent.items() if start.step >= step},
        {key: tally for key, tally in ended.sums.items() if key.step >= step},
        {one: digests for one, digests in ended.digests.items() if one >= step},
    )


def ended_lines(ended: Ended) -> list[str]:
    """Lines of three forms, each begun by its name, sorted:

    `folded step variant class n,n,…`, `silent step since process process…`, and `ended step digests` without blanks
    between them. None for a fleet of which every process was in the last reading and none was folded.
    """
    lines = [_folded_line(key, ended.sums[key]) for key in sorted(ended.sums)]
    by_time = sorted((start.step, since, start.process) for start, since in ended.silent.items())
    for (step, since), group in groupby(by_time, key=lambda each: each[:2]):
        lines.append(_silent_line(step, since, [process for _, _, process in group]))
    lines += [_ended_line(step, ended.digests[step]) for step in sorted(ended.digests)]
    return lines


class EndedLines:
    """`Ended` while its lines are being read."""

    __slots__ = ("_digests", "_heads", "_silent", "_sums")

    def __init__(self) -> None:
        self._silent: dict[Start, int] = {}
        self._sums: dict[SumKey, Tally] = {}
        self._digests: dict[int, frozenset[str]] = {}
        self._heads: set[tuple[str, int, int]] = set()

    def take(self, line: str) -> bool:
        """Whether `line` is exactly as `ended_lines` writes it, and repeats nothing of a line before."""
        name, *words = line.split(" ")
        try:
            if name == _FOLDED:
                return self._take_folded(line, words)
            if name == _SILENT:
                return self._take_silent(line, words)
            return name == _ENDED and self._take_ended(line, words)
        except ValueError:  # another number of words, or bytes that are no UTF-8
            return False

    def result(self) -> Ended:
        """The ended processes that the lines describe."""
        return Ended(self._silent, self._sums, self._digests) if self._silent or self._sums or self._digests else NOBODY

    def _take_folded(self, line: str, words: list[str]) -> bool:
        step, variant, query_class, counts = words
        key, tally = SumKey(_count(step), unword(variant), unword(query_class)), tally_in(counts)
        if tally is None or key.variant in ("", UNASSIGNED) or key in self._sums:
            return False
        if _folded_line(key, tally) != line:
            return False
        self._sums[key] = tally
        return True

    def _take_silent(self, line: str, words: list[str]) -> bool:
        number, moment, *names = words
        step, since, processes = _count(number), _count(moment), [unword(name) for name in names]
        starts = {Start(step, process): since for process in processes}
        head = (_SILENT, step, since)
        if not starts or len(starts) < len(processes) or head in self._heads or starts.keys() & self._silent.keys():
            return False
        self._heads.add(head)
        self._silent |= starts
        return _silent_line(step, since, sorted(processes)) == line

    def _take_ended(self, line: str, words: list[str]) -> bool:
        number, text = words
        step, size = _count(number), DIGEST_CHARACTERS
        digests = frozenset(text[start : start + size] for start in range(0, len(text), size))
        if step in self._digests or not text or not _DIGEST_ALPHABET.issuperset(text) or len(text) % size:
            return False
        self._digests[step] = digests
        return _ended_line(step, digests) == line


def _folded_line(key: SumKey, tally: Tally) -> str:
    return f"{_FOLDED} {key.step} {word(key.variant)} {word(key.query_class)} {counts_text(tally)}"


def _silent_line(step: int, since: int, processes: list[str]) -> str:
    return f"{_SILENT} {step} {since} {' '.join(map(word, processes))}"


def _ended_line(step: int, digests: frozenset[str]) -> str:
    return f"{_ENDED} {step} {''.join(sorted(digests))}"


def _count(text: str) -> int:
    if not is_count(text):
        raise ValueError
    return int(text)
