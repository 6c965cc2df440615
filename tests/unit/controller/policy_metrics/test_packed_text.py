"""A text that is packed while it is written is read as it was written, and takes little room meanwhile."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from earlystop.controller.policy_metrics.packed_text import PART, PackedText
from tests.unit.rollout.policies import examples

PIECES = st.lists(st.binary(max_size=3 * PART), max_size=6)


@examples
@given(st.lists(PIECES, max_size=4))
def test_texts_that_are_joined_are_read_as_they_were_written(texts: list[list[bytes]]) -> None:
    whole = PackedText()
    for pieces in texts:
        one = PackedText()
        for piece in pieces:
            one += piece
        one.move_to(whole)
        whole += b"between"
        assert bytes(one) == b"" and len(one) == 0
    expected = b"".join(b"".join(pieces) + b"between" for pieces in texts)
    assert bytes(whole) == expected and len(whole) == len(expected)
    assert all(whole), "no part is empty"


def test_a_page_of_a_thousand_policies_takes_a_tenth_of_its_bytes() -> None:
    lines = [
        f'earlystop_policy_largest_log_e{{claim="{claim}",name="qa-{number:05}"}} {number * 0.37:.6f}\n'.encode()
        for number in range(1000)
        for claim in ("promote", "harm", "tokens", "sample_ratio", "attrition")
    ]
    tracemalloc.start()
    text = PackedText()
    for line in lines:
        text += line
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(text) > 300_000 and taken < len(text) / 6 + PART
