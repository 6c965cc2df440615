"""Whole numbers in as few bytes as they need, one after the other."""

from __future__ import annotations

from collections.abc import Iterable


def varint(number: int) -> bytes:
    """A whole number in as few bytes as it needs: seven bits each, the sign in the lowest."""
    rest = 2 * number if number >= 0 else -2 * number - 1
    octets = bytearray()
    while rest > 0x7F:
        octets.append(rest & 0x7F | 0x80)
        rest >>= 7
    octets.append(rest)
    return bytes(octets)


MOST_BITS = 280
"""Of one number: a count has at most 40 digits. Of a number without end each further byte would copy all before it."""
SMALL = {number: bytes([2 * number if number >= 0 else -2 * number - 1]) for number in range(-64, 64)}
"""The numbers that take one byte, which most of them do."""
_OF_ONE_BYTE = [octet >> 1 if octet % 2 == 0 else -(octet + 1) // 2 for octet in range(128)]


def numbers_in(content: bytes) -> list[int]:
    """Inverse of `varint` for a sequence. Raises ValueError when the last number is cut off, or one is longer than
    MOST_BITS."""
    numbers: list[int] = []
    number = shift = 0
    for octet in content:
        if octet >= 0x80:
            if shift >= MOST_BITS:
                raise ValueError("a number is longer than any count")
            number |= (octet & 0x7F) << shift
            shift += 7
        elif not shift:
            numbers.append(_OF_ONE_BYTE[octet])
        else:
            number |= octet << shift
            numbers.append(number >> 1 if number % 2 == 0 else -(number + 1) // 2)
            number = shift = 0
    if shift:
        raise ValueError("the last number is cut off")
    return numbers


def varints(numbers: Iterable[int]) -> bytes:
    """The bytes of all numbers, one after the other: what `numbers_in` reads."""
    return b"".join([SMALL[each] if each in SMALL else varint(each) for each in numbers])
