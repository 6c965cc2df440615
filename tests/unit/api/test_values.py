"""Field types that the kinds share."""

from __future__ import annotations

import json
import re
import string
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from earlystop.api.counts import (
    FIRST_COUNTS,
    TALLY_FIELDS,
    ClassAnswers,
    Look,
    Tally,
    UserScatter,
    later_columns,
    later_counts,
)
from earlystop.api.policy import PolicySpec, Setting
from earlystop.api.source import SourceSpec
from earlystop.api.values import DECIMAL_PATTERN, bounded, canonical_decimal
from tests.unit.rollout.policies import examples, policy, written

decimals = st.from_regex(re.compile(DECIMAL_PATTERN), fullmatch=True)


@pytest.mark.slow
@examples
@given(decimals)
def test_a_decimal_in_its_shortest_spelling_is_the_same_number_and_stays_as_it_is(text: str) -> None:
    short = canonical_decimal(text)
    assert Decimal(short) == Decimal(text) and len(short) <= len(text)
    assert re.fullmatch(DECIMAL_PATTERN, short) and canonical_decimal(short) == short


@pytest.mark.slow
@examples
@given(decimals, decimals)
def test_two_spellings_are_one_value_just_when_they_are_one_number(one: str, other: str) -> None:
    assert (canonical_decimal(one) == canonical_decimal(other)) == (Decimal(one) == Decimal(other))


@pytest.mark.parametrize(("text", "short"), [("40.0", "40"), ("-0.0", "0"), ("100", "100"), ("0.950", "0.95")])
def test_a_setting_is_kept_in_its_shortest_spelling(text: str, short: str) -> None:
    assert Setting(name="window", value=text).value == short


@pytest.mark.parametrize("text", ["", "1e3", "+1", ".5", "1.", "01", "1,5", "1.1234567", " 1", "1\n", "٣"])
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Setting(name="window", value=text)


@pytest.mark.parametrize("text", ["low", "true", "nan", "fp8_e4m3", "v1.5", "x" * 32])
def test_a_word_is_kept_as_it_is(text: str) -> None:
    assert Setting(name="effort", value=text).value == text


@pytest.mark.parametrize(
    "text", ["low effort", "low,high", "a;b", '"low"', "low\n", "-low", "8k", "é", "x" * 33, "a=b"]
)
def test_a_word_that_would_need_quotes_in_a_header_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Setting(name="effort", value=text)


def test_a_policy_without_its_defaults_is_the_policy_with_them() -> None:
    spec = policy()
    assert PolicySpec.model_validate(json.loads(json.dumps(spec.wire()))) == spec


def test_a_field_that_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="lookSecond"):
        PolicySpec.model_validate(written({"rollout": {"lookSecond": 3}}))


def test_a_part_of_a_kind_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        policy().suspend = True  # type: ignore[misc]


def test_a_source_has_all_it_needs_from_its_address_alone() -> None:
    source = SourceSpec.model_validate({"url": "http://prometheus:9090"})
    assert (source.scrape_interval_seconds, source.evaluation_delay_seconds, source.timeout_seconds) == (15, 5, 10)


@pytest.mark.parametrize("label", ["policy", "process", "result", "reading", "__name__"])
def test_a_label_that_means_something_else_cannot_be_that_of_namespaces(label: str) -> None:
    with pytest.raises(ValidationError, match=f"the label {label} already has a meaning in counts"):
        SourceSpec.model_validate({"url": "http://prometheus:9090", "namespaceLabel": label})


ends = st.sampled_from(string.ascii_lowercase + string.digits)
names = ends | st.builds(
    "".join, st.tuples(ends, st.text(f"{string.ascii_lowercase}{string.digits}-.", max_size=80), ends)
)


@examples
@given(names, st.integers(1, 80))
def test_the_beginning_of_a_name_is_no_longer_than_asked_and_ends_as_names_do(name: str, length: int) -> None:
    short = bounded(name, length)
    assert name.startswith(short) and len(short) <= length and short[-1].isalnum()


counts = st.integers(0, 2**63)
tallies = st.builds(Tally, *[counts] * len(TALLY_FIELDS))


@pytest.mark.slow
@examples
@given(tallies, tallies)
def test_tallies_add_up_field_by_field_and_come_apart_again(one: Tally, other: Tally) -> None:
    assert (one + other) - other == one
    assert (one + other).row() == tuple(a + b for a, b in zip(one.row(), other.row(), strict=True))


users = st.builds(UserScatter, *[counts] * 6)
weights = st.none() | st.integers(1, 99)
classes = st.lists(st.builds(ClassAnswers, *[counts] * 4), max_size=10).map(tuple)


@pytest.mark.slow
@examples
@given(st.builds(Look, counts, st.integers(0, 19), st.integers(1, 99), tallies, tallies, classes, weights))
def test_a_look_comes_back_from_its_row_with_all_its_query_classes_and_the_baselines_weight(look: Look) -> None:
    assert Look.from_row(json.loads(json.dumps(look.row()))) == look
    paired = any((*look.baseline.pair_answers, *look.candidate.pair_answers))
    later = any((*look.baseline.row()[FIRST_COUNTS:], *look.candidate.row()[FIRST_COUNTS:]))
    expected = 31 + 4 * len(look.classes) + (look.baseline_weight is not None)
    assert later_counts([look]) == (0 if not later else 7 if paired else 2)
    assert len(look.row()) == expected + len(later_columns(later_counts([look])))


@pytest.mark.slow
@examples
@given(st.builds(Look, counts, st.integers(0, 19), st.integers(1, 99), tallies, tallies, classes, weights))
def test_a_look_without_later_counts_has_the_row_that_earlier_releases_wrote(look: Look) -> None:
    earlier = replace(
        look, baseline=Tally(*look.baseline.row()[:FIRST_COUNTS]), candidate=Tally(*look.candidate.row()[:FIRST_COUNTS])
    )
    row = earlier.row()
    assert len(row) == 31 + 4 * len(look.classes) + (look.baseline_weight is not None)
    assert Look.from_row(row) == earlier


@pytest.mark.slow
@examples
@given(st.builds(Look, counts, st.integers(0, 19), st.integers(1, 99), tallies, tallies, classes, weights, users))
def test_a_look_comes_back_from_its_row_with_what_is_known_of_its_users(look: Look) -> None:
    assert Look.from_row(json.loads(json.dumps(look.row())), by_users=True) == look
    with pytest.raises(ValueError, match="6 where users are counted"):
        Look.from_row([0] * 33, by_users=True)


@pytest.mark.slow
@examples
@given(tallies)
def test_the_pairs_of_a_tally_are_its_own_counts(tally: Tally) -> None:
    assert tuple(tally.pairs) == tally.row()[10:14] and tally.pairs.total == sum(tally.row()[10:14])
    assert tally.pairs.plus(tally.pairs) == (tally + tally).pairs


@pytest.mark.parametrize("width", [0, 18, 20, 30, 33, 34, 37])
def test_a_row_of_another_width_is_refused_with_both_widths(width: int) -> None:
    with pytest.raises(ValueError, match=f"31 integers, 4 for each query class, .* this row has {width}"):
        Look.from_row([0] * width)
