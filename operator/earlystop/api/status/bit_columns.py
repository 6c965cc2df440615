"""Columns of whole numbers as bits: each number as an exponential Golomb code of the order that suits its column.

Such a code of order k is the number with 2^k added to it, in binary, and before it how many digits that has beyond
k + 1: as many zeros, which the number's own 1 ends, or from `MOST_ZEROS` on these and that number in a code of its own.
Counts are stored as departures from what is expected of them, about as often above it as below, each about as large as
the others of its column: in guards of six classes this takes as much room as an adaptive arithmetic code.
Source: J. Teuhola, "A compression method for clustered bit-vectors", Information Processing Letters 7 (1978) 308-311.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from earlystop.api.whole_numbers import MOST_BITS

NEAR = (-2, -1, 0)
"""Orders that are tried, from the length of the column's middle number in bits."""
MOST_ZEROS = 6
"""A first number may be many times as large as the others of its column, since nothing is expected of it."""
MOST_NESTED = 2
"""How many lengths stand before a number: of one of `MOST_BITS` the length itself has one."""
ALL_ZEROS, OTHERS = "0", "1"
"""What a column begins with: nothing follows where all of its numbers are 0, else how its order differs from that of
the one before."""


def bits_of(columns: Iterable[Sequence[int]]) -> bytes:
    """The columns one after the other, the last byte filled up with zeros."""
    codes, order = [], 0
    for column in columns:
        if any(column):
            unsigned = [2 * each if each >= 0 else -2 * each - 1 for each in column]
            before, order = order, _order_of(unsigned)
            codes += [OTHERS, _code(2 * (order - before) if order >= before else 2 * (before - order) - 1, 0)]
            codes += [_code(each, order) for each in unsigned]
        elif column:
            codes.append(ALL_ZEROS)
    bits = "".join(codes)
    length = -(-len(bits) // 8)
    return int(bits.ljust(8 * length, "0") or "0", 2).to_bytes(length)


class BitReader:
    """Columns in the order in which they were written, and the bytes behind the last one."""

    __slots__ = ("_at", "_bits", "_content", "_left", "_order")

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._bits = f"{int.from_bytes(bytes([1]) + content):b}"[1:]
        self._at = self._order = 0
        self._left = MOST_NUMBERS

    def column(self, length: int) -> list[int]:
        """The next column, of so many numbers. Raises ValueError where there are fewer, where one is longer than
        MOST_BITS, and where all columns would have more than MOST_NUMBERS: a column of zeros is one bit."""
        if not isinstance(length, int) or not 0 <= length <= self._left:
            raise ValueError(f"a column cannot have {length!r} numbers")
        self._left -= length
        if not length:
            return []
        self._at += 1
        if self._bits[self._at - 1 : self._at] == ALL_ZEROS:
            return [0] * length
        self._order += _signed(self._number(0))
        if not 0 <= self._order <= MOST_BITS:
            raise ValueError("a column has an order that none is written with")
        return [_signed(self._number(self._order)) for _ in range(length)]

    def rest(self) -> bytes:
        """The bytes behind the columns. Raises ValueError where the bits up to these are not zeros."""
        length = -(-self._at // 8)
        if self._at > len(self._bits) or "1" in self._bits[self._at : 8 * length]:
            raise ValueError("it has more bits than numbers, or fewer")
        return self._content[length:]

    def _number(self, order: int, nested: int = MOST_NESTED) -> int:
        begin = self._bits.find("1", self._at, self._at + MOST_ZEROS)
        if begin >= 0:
            length = begin - self._at + order + 1
        else:
            if not nested:
                raise ValueError("it has a number that is longer than any count")
            self._at += MOST_ZEROS
            length = self._number(0, nested - 1) + MOST_ZEROS + order + 1
            begin = self._at
        end = begin + length
        if length > MOST_BITS or end > len(self._bits):
            raise ValueError("it has fewer numbers than fields, or one that is longer than any count")
        self._at = end
        return int(self._bits[begin:end], 2) - (1 << order)


MOST_NUMBERS = 1 << 19
"""Of all columns: a table has half of them at most (`series_table`), and the other texts of a status have room for half
of the rest."""


def _code(number: int, order: int) -> str:
    raised = number + (1 << order)
    more = raised.bit_length() - order - 1
    if more < MOST_ZEROS:
        return "0" * more + f"{raised:b}"
    return "0" * MOST_ZEROS + _code(more - MOST_ZEROS, 0) + f"{raised:b}"


def _order_of(unsigned: Sequence[int]) -> int:
    """The order with which a column is shortest, of those near the length of its middle number."""
    middle = sorted(unsigned)[len(unsigned) // 2].bit_length()
    orders = [middle + each for each in NEAR if middle + each >= 0]
    return min(orders, key=lambda order: _bits_of_all(unsigned, order))


def _bits_of_all(unsigned: Sequence[int], order: int) -> int:
    raised = 1 << order
    return 2 * sum([(each + raised).bit_length() for each in unsigned]) - order * len(unsigned)


def _signed(number: int) -> int:
    return number // 2 if number % 2 == 0 else -(number + 1) // 2
