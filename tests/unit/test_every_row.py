"""A table that is one test: every row is tried, and each that fails is told with what it holds."""

from __future__ import annotations

import pytest

from tests.unit.every_row import every_row


def test_every_row_is_tried_and_all_that_fail_are_told_with_their_values() -> None:
    tried = []

    @every_row(("number", "word"), [(1, "one"), (2, "two"), (3, "three")])
    def check(number: int, word: str) -> None:
        tried.append(number)
        assert number == 2, f"{word} is not two"

    with pytest.raises(ExceptionGroup, match="2 of 3 rows of check fail") as raised:
        check()
    assert tried == [1, 2, 3]
    assert [(str(each).split("\n")[0], each.__notes__) for each in raised.value.exceptions] == [
        ("one is not two", ["row: number=1, word='one'"]),
        ("three is not two", ["row: number=3, word='three'"]),
    ]


def test_two_tables_try_every_pair_and_one_that_fails_says_both_values() -> None:
    tried = []

    @every_row("first", "ab")
    @every_row("second", (1, 2))
    def check(first: str, second: int) -> None:
        tried.append((first, second))
        assert (first, second) != ("b", 2)

    with pytest.raises(ExceptionGroup) as raised:
        check()
    assert tried == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    (outer,) = raised.value.exceptions
    assert isinstance(outer, ExceptionGroup) and outer.__notes__ == ["row: first='b'"]
    assert outer.exceptions[0].__notes__ == ["row: second=2"]


def test_a_row_that_raises_nothing_where_it_should_fails() -> None:
    @every_row("text", ("1", "2"))
    def check(text: str) -> None:
        with pytest.raises(ValueError, match="invalid"):
            int(text)

    with pytest.raises(ExceptionGroup, match="2 of 2 rows"):
        check()


@every_row("number", (1, 2))
def test_fixtures_are_given_to_every_row(number: int, request: pytest.FixtureRequest) -> None:
    assert request.node.originalname == "test_fixtures_are_given_to_every_row" and number in (1, 2)


def test_a_table_without_rows_and_an_asynchronous_test_are_refused() -> None:
    with pytest.raises(ValueError, match="no row of number"):
        every_row("number", ())

    async def check(number: int) -> None:
        assert number

    with pytest.raises(TypeError, match="asynchronous"):
        every_row("number", (1,))(check)  # type: ignore[arg-type]
