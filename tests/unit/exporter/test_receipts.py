"""A receipt says under which assignment an answer was given; nobody without its key can read, change or make one."""

from __future__ import annotations

import base64
import random
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.wire import UNASSIGNED, commitment_of, user_group
from earlystop.exporter.assignment import Assignment
from earlystop.exporter.receipts import MOST_CHARACTERS, ReceiptKeyError, Receipts, read_keys
from tests.unit.exporter.pages import assignment

KEY, OTHER = b"k" * 16 + b"0123456789abcdef", b"o" * 16 + b"0123456789abcdef"
RECEIPTS = Receipts([KEY])

words = st.text(string.ascii_letters + string.digits + "._+-", min_size=1, max_size=64)
names = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=63)
assignments = st.builds(
    Assignment,
    policy=st.builds("{}/{}".format, names, names),
    revision=words.filter(lambda word: word != UNASSIGNED),
    step=st.integers(0, 9999),
    variant=words.filter(lambda word: word != UNASSIGNED),
    query_class=words,
    known_group=st.none() | st.integers(0, 31),
)


@pytest.mark.slow
@given(assignments, st.integers(0, 2**40), st.booleans())
def test_a_receipt_gives_back_what_it_was_made_of(told: Assignment, arrived: int, is_scored: bool) -> None:
    found = RECEIPTS.open(RECEIPTS.issue(told, arrived, is_scored=is_scored))
    assert found is not None
    assert (found.assignment, found.assignment.group) == (told, told.group)
    assert (found.arrived, found.is_scored) == (arrived, is_scored)


def test_the_longest_names_fit_into_a_receipt_that_can_be_opened() -> None:
    longest = assignment("v" * 64, policy=f"{'n' * 63}/{'p' * 253}", revision="r" * 64, query_class="c" * 64)
    receipt = RECEIPTS.issue(longest, 2**40, is_scored=True)
    assert len(receipt) <= MOST_CHARACTERS and RECEIPTS.open(receipt) is not None


def test_the_length_of_a_receipt_and_its_text_tell_nothing_of_the_variant() -> None:
    # A seed, since two random bytes are "w5" in one run of 400.
    drawn = Receipts([KEY], random.Random(0).randbytes)
    receipts = {name: drawn.issue(assignment(name), 1, is_scored=False) for name in ("baseline", "w5", "v" * 64)}
    assert len({len(receipt) for receipt in receipts.values()}) == 1
    for name, receipt in receipts.items():
        assert name.encode() not in base64.urlsafe_b64decode(receipt + "==")
    assert RECEIPTS.issue(assignment(), 1, is_scored=False) != RECEIPTS.issue(assignment(), 1, is_scored=False)


@pytest.mark.slow
@given(st.data())
def test_no_changed_byte_goes_unnoticed(data: st.DataObject) -> None:
    receipt = RECEIPTS.issue(assignment(), 1_000, is_scored=False)
    sealed = bytearray(base64.urlsafe_b64decode(receipt + "=" * (-len(receipt) % 4)))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    assert RECEIPTS.open(base64.urlsafe_b64encode(bytes(sealed)).decode()) is None


def test_one_receipt_that_is_written_in_another_way_keeps_its_identity() -> None:
    receipt = RECEIPTS.issue(assignment(), 1_000, is_scored=False)
    known = RECEIPTS.open(receipt)
    assert known is not None
    for other in (receipt + "=", receipt + "====", "!" + receipt, receipt[:7] + "\n" + receipt[7:]):
        found = RECEIPTS.open(other)
        assert found is None or found.identity == known.identity


@given(st.text(max_size=400))
def test_no_text_that_somebody_makes_up_is_a_receipt(text: str) -> None:
    assert RECEIPTS.open(text) is None


@pytest.mark.parametrize("text", ["", "=", "A", "A" * 22, "\ud800", "ä" * 22, "A" * 100_000, "\x00" * 40])
def test_odd_texts_are_no_receipts(text: str) -> None:
    assert RECEIPTS.open(text) is None


def test_a_receipt_of_another_key_is_none_and_one_of_an_earlier_key_still_counts() -> None:
    receipt = Receipts([OTHER]).issue(assignment(), 1, is_scored=False)
    assert RECEIPTS.open(receipt) is None
    assert Receipts([KEY, OTHER]).open(receipt) is not None


def test_requests_that_count_for_no_campaign_get_no_receipt() -> None:
    forged = assignment(revision=f"0123456789-{commitment_of('llm/qa', 'secret')}", token="guessed")
    for told in (forged, assignment(revision=UNASSIGNED), assignment(UNASSIGNED), assignment(policy="none")):
        assert RECEIPTS.issue(told, 1, is_scored=False) == ""
    genuine = assignment(revision=forged.revision, token="secret")
    assert RECEIPTS.issue(genuine, 1, is_scored=False)


def test_a_user_is_known_to_a_receipt_by_the_group_alone() -> None:
    found = RECEIPTS.open(RECEIPTS.issue(assignment(user="ada"), 1, is_scored=False))
    assert found is not None and found.assignment.user is None
    assert found.assignment.group == user_group("llm/qa", "r1", "", "ada")


def test_equal_random_numbers_give_away_no_more_than_that_receipts_are_equal() -> None:
    receipts = Receipts([KEY], random_bytes=bytes)
    one, other = (
        base64.urlsafe_b64decode(receipts.issue(assignment(name), 1, is_scored=False) + "==") for name in ("w10", "w11")
    )
    same = sum(a == b for a, b in zip(one, other, strict=True))
    # Of some 170 bytes under two key streams about one is equal by chance.
    assert same < 10


def test_keys_are_read_a_line_each_and_the_first_seals(tmp_path: Path) -> None:
    file = tmp_path / "key"
    rng = random.Random(1)
    first, second = (f"{rng.getrandbits(256):064x}" for _ in range(2))
    file.write_text(f"{first}\r\n\n  {second}\n")
    assert read_keys(file) == (first.encode(), second.encode())


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "holds no key"),
        (b"\n \n", "holds no key"),
        (b"short", "could be guessed"),
        (b"a" * 64, "could be guessed"),
        (b"\xff" * 40, "no ASCII text"),
    ],
)
def test_a_file_without_a_key_that_holds_is_refused_with_what_to_write(
    tmp_path: Path, content: bytes, what: str
) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(ReceiptKeyError, match=f"{what}.*openssl rand -hex 32"):
        read_keys(file)


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ReceiptKeyError, match=r"missing cannot be read \(No such file"):
        read_keys(tmp_path / "missing")
