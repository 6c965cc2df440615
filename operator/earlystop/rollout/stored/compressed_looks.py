"""The looks of a campaign in little room: a fleet of a thousand policies has half a million of them after a day."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, Self, overload

from earlystop.api.counts import Look, Tally, total
from earlystop.api.packed_numbers import numbers_of, packed_bytes
from earlystop.rollout.stored.look_columns import LookColumns, look_numbers
from earlystop.rollout.stored.packing import (
    looks_in,
    packed_text,
)

PIECE = 4
"""Looks of a sealed piece. As many at least, and at most twice as many, stay as they are, of some 700 bytes each: the
latest are asked for all the time."""

PIECE_WINDOW_BITS, PIECE_MEMORY_LEVEL = 12, 4
"""A window of 4 KiB, in which any piece without query classes lies whole."""

PIECES_KEPT = 32
"""Unpacked pieces that are kept, for whoever asks for all looks of a campaign several times in a row."""


class _Piece(NamedTuple):
    """`PIECE` looks by their numbers as in a status, how many later counts and query classes they have, whether they
    have a weight of the baseline, and whether users are counted in them.

    So few bytes are compressed by zlib in a fiftieth of the time that LZMA, by which a status is, needs to begin.
    """

    content: bytes
    later: int
    classes: int
    beside: bool
    by_users: bool

    @classmethod
    def of(cls, looks: Sequence[Look]) -> Self:
        beside = any(look.baseline_weight is not None for look in looks)
        numbers, later = look_numbers(looks, beside)
        return cls(_compressed(numbers), later, len(looks[0].classes), beside, looks[0].users is not None)

    def looks(self) -> tuple[Look, ...]:
        return _unpacked(self)


def _compressed(numbers: bytes) -> bytes:
    """As `zlib.compress`, for a tenth of its time: that prepares a quarter of a MiB for whatever length, and the few
    hundred bytes of a piece need no window of 32 KiB."""
    packer = zlib.compressobj(wbits=PIECE_WINDOW_BITS, memLevel=PIECE_MEMORY_LEVEL)
    return packer.compress(numbers) + packer.flush()


@lru_cache(maxsize=PIECES_KEPT)
def _unpacked(piece: _Piece) -> tuple[Look, ...]:
    return looks_in(zlib.decompress(piece.content), *piece[1:])


class _KeptColumns(NamedTuple):
    """Columns of looks for the next time they are asked for. shape: the columns but for their numbers, which
    `decompress` makes of `content`."""

    shape: LookColumns
    content: bytes
    decompress: Callable[[bytes], bytes]

    @property
    def columns(self) -> LookColumns:
        return self.shape._replace(numbers=self.decompress(self.content))

    def is_text_of(self, looks: int, *, beside: bool) -> bool:
        """Whether `content` is what the text of so many looks is made of."""
        return self.decompress is numbers_of and (self.shape.looks, self.shape.beside) == (looks, beside)


class CompressedLooks(Sequence[Look]):
    """Looks, oldest first. It never changes; older looks are packed, and unpacked again when they are asked for."""

    __slots__ = ("_before", "_counts", "_kept", "_pieces", "_recent")

    def __init__(self, looks: Sequence[Look] = ()) -> None:
        self._before: tuple[int, int] | None = None
        self._kept: _KeptColumns | None = None
        self._counts: tuple[Tally, Tally] | None = None
        self._pieces: tuple[_Piece, ...] = ()
        self._recent = tuple(looks)
        while len(self._recent) >= 2 * PIECE:
            older, self._recent = self._recent[:PIECE], self._recent[PIECE:]
            self._pieces += (_Piece.of(older),)

    def plus(self, look: Look) -> CompressedLooks:
        """These looks with one more."""
        longer = CompressedLooks((*self._recent, look))
        longer._pieces = self._pieces + longer._pieces
        longer._kept = self._kept
        if self._before is not None and look.step >= self._before[0]:
            longer._before = self._before
        if self._counts is not None:
            baseline, candidate = self._counts
            longer._counts = baseline + look.baseline, candidate + look.candidate
        return longer

    @property
    def counts(self) -> tuple[Tally, Tally]:
        """What all of them counted, of the baseline and of the candidate. Worked out once, and each look after that is
        added."""
        if self._counts is None:
            self._counts = _counts(self)
        return self._counts

    def digest_before(self, step: int) -> int:
        """The same number for equal looks of earlier steps, whatever came since. Worked out once a step."""
        if self._before is None or self._before[0] != step:
            self._before = step, _digest_before(self, step)
        return self._before[1]

    def packed(self, *, beside: bool) -> str:
        """As `pack_looks`. Of a campaign under way only the looks since the last time are worked out; of one that is
        over the same looks are stored for months, and only their text is made."""
        if not len(self):
            return ""
        kept = self._kept
        if kept is None or not kept.is_text_of(len(self), beside=beside):
            columns = self._grown(beside=beside)
            packed = packed_bytes(columns.numbers, columns.later)
            kept = self._kept = _KeptColumns(columns._replace(numbers=b""), packed, numbers_of)
        return packed_text(kept.content)

    def columns(self, *, beside: bool) -> LookColumns:
        """The columns of all looks, at least one; only those since the last time are worked out."""
        known, columns = self._kept, self._grown(beside=beside)
        if known is None or (known.shape.looks < len(self) and beside == known.shape.beside):
            self._kept = _KeptColumns(columns._replace(numbers=b""), zlib.compress(columns.numbers), zlib.decompress)
        return columns

    def size(self, *, beside: bool) -> int:
        """Bytes of the columns of all looks, at least one."""
        kept = self._kept
        if kept is None or len(self) - kept.shape.looks > 2 * PIECE:
            # Nobody has stored these looks for long: what is new is encoded once, and not at each question again.
            return len(self.columns(beside=beside).numbers)
        return kept.shape.size_with(self, beside=beside)

    def _grown(self, *, beside: bool) -> LookColumns:
        kept = self._kept
        return LookColumns.of(self, beside=beside) if kept is None else kept.columns.grown(self, beside=beside)

    def __len__(self) -> int:
        return PIECE * len(self._pieces) + len(self._recent)

    def __iter__(self) -> Iterator[Look]:
        for piece in self._pieces:
            yield from piece.looks()
        yield from self._recent

    def __reversed__(self) -> Iterator[Look]:
        yield from reversed(self._recent)
        for piece in reversed(self._pieces):
            yield from reversed(piece.looks())

    @overload
    def __getitem__(self, index: int) -> Look: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Look, ...]: ...
    def __getitem__(self, index: int | slice) -> Look | tuple[Look, ...]:
        if isinstance(index, slice):
            return tuple(self[each] for each in range(*index.indices(len(self))))
        position = range(len(self))[index]
        number, inside = divmod(position, PIECE)
        if number < len(self._pieces):
            return self._pieces[number].looks()[inside]
        return self._recent[position - PIECE * len(self._pieces)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompressedLooks | tuple) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"CompressedLooks({list(self)!r})"


def digest_before(looks: Sequence[Look], step: int) -> int:
    """The same number for equal looks of steps before this one."""
    return looks.digest_before(step) if isinstance(looks, CompressedLooks) else _digest_before(looks, step)


def _digest_before(looks: Sequence[Look], step: int) -> int:
    return hash(tuple(look for look in looks if look.step < step))


def counts_in(looks: Sequence[Look]) -> tuple[Tally, Tally]:
    """What looks counted, of the baseline and of the candidate."""
    return looks.counts if isinstance(looks, CompressedLooks) else _counts(looks)


def _counts(looks: Iterable[Look]) -> tuple[Tally, Tally]:
    baselines, candidates = [], []
    for look in looks:
        baselines.append(look.baseline)
        candidates.append(look.candidate)
    return total(baselines), total(candidates)


def started_in(looks: Sequence[Look]) -> int:
    """Requests of both variants in looks."""
    return sum(each.started for each in counts_in(looks))


def with_look(looks: Sequence[Look], look: Look) -> CompressedLooks:
    """These looks and one more, compressed."""
    return (looks if isinstance(looks, CompressedLooks) else CompressedLooks(looks)).plus(look)


def columns_of(looks: Sequence[Look], *, beside: bool) -> LookColumns:
    """The columns of looks, at least one."""
    return looks.columns(beside=beside) if isinstance(looks, CompressedLooks) else LookColumns.of(looks, beside=beside)
