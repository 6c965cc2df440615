"""The settings of a search: which they are, in which order, under which names, and where between careful and bold."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.search_space import SearchSetting, settings_of
from earlystop.api.values import NAME_PATTERN
from earlystop.rollout.plan import parse_plan, plan_text
from tests.unit.rollout.policies import examples, policy

CHOICES: dict[str, Any] = {"name": "effort", "type": "Choice", "choices": ["high", "medium", "low"]}


def found(*parameters: dict[str, Any], more: dict[str, Any] | None = None, **changes: Any) -> list[SearchSetting]:
    """The settings of a Grid over these parameters. more: another parameter of the policy, with a baseline's value."""
    spec = policy({"candidates": None, "search": {"strategy": "Grid", "parameters": list(parameters)}, **changes})
    if more is not None:
        (other,) = policy({"parameters": [more]}).parameters
        spec = spec.model_copy(update={"parameters": (*spec.parameters, other)})
    return list(spec.search_settings())


def values(settings: list[SearchSetting]) -> list[str]:
    return [value for setting in settings for _, value in setting.values]


def test_a_list_is_tried_from_careful_to_bold_in_whichever_order_it_is_written() -> None:
    settings = found({"name": "window", "values": ["5", "20.0", "10"]})
    assert [each.name for each in settings] == ["window-20", "window-10", "window-5"]
    assert [each.place for each in settings] == [(0.0,), (0.5,), (1.0,)]


def test_the_baselines_own_setting_is_left_out_of_a_list_and_of_combinations() -> None:
    assert values(found({"name": "window", "values": ["40", "20"]})) == ["20"]
    both = found({"name": "window", "values": ["40", "20"]}, {"name": "patience", "values": ["2.5", "1"]})
    assert [dict(each.values) for each in both] == [
        {"window": "40", "patience": "1"},
        {"window": "20", "patience": "2.5"},
        {"window": "20", "patience": "1"},
    ]


def test_a_range_on_a_log_scale_has_equal_factors_and_equal_places() -> None:
    settings = found({"name": "window", "range": {"from": "1", "to": "32", "step": "2", "scale": "Log"}})
    assert values(settings) == ["32", "16", "8", "4", "2", "1"]
    assert [each.place[0] for each in settings] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])


def test_a_count_gives_so_many_numbers_with_the_ends_as_they_are_written() -> None:
    patience = {"from": "0.01", "to": "0.15", "count": 5}
    assert values(found({"name": "patience", "range": patience})) == ["0.15", "0.115", "0.08", "0.045", "0.01"]
    windows = values(found({"name": "window", "range": {"from": "1", "to": "20", "count": 4, "scale": "Log"}}))
    assert windows == ["20", "7", "3", "1"]


def test_a_tolerance_is_bolder_when_it_is_higher() -> None:
    higher = {"name": "epsilon", "type": "Decimal", "minimum": "0", "maximum": "1", "stopsSooner": "WhenHigher"}
    assert values(found({"name": "epsilon", "values": ["0.2", "0.1"]}, more=higher)) == ["0.1", "0.2"]


@pytest.mark.parametrize(
    ("order", "tried"), [(None, "high medium low"), ("WhenHigher", "high medium low"), ("WhenLower", "low medium high")]
)
def test_a_choice_without_values_is_tried_with_all_its_choices_in_their_order(order: str | None, tried: str) -> None:
    ordered = CHOICES if order is None else {**CHOICES, "stopsSooner": order}
    assert values(found({"name": "effort"}, more=ordered)) == tried.split()


def test_a_boolean_without_values_is_tried_with_both() -> None:
    assert values(found({"name": "thinking"}, more={"name": "thinking", "type": "Boolean"})) == ["false", "true"]


def test_names_that_would_be_alike_or_too_long_differ_by_a_digest() -> None:
    alike = {"name": "effort", "type": "Choice", "choices": ["A.b", "a_b", "plain"]}
    first, second, third = (each.name for each in found({"name": "effort"}, more=alike))
    assert first != second and first.startswith("effort-a-b-") and second.startswith("effort-a-b-")
    assert third == "effort-plain"
    long = {"name": "a-name-of-thirty-two-characters-", "type": "Boolean"}
    long["name"] = long["name"][:31] + "x"
    assert all(len(each.name) <= 32 for each in found({"name": long["name"]}, more=long))


def test_a_value_that_is_spelt_as_the_name_of_another_setting_gets_a_name_of_its_own() -> None:
    alike = {"name": "effort", "type": "Choice", "choices": ["A.b", "a.b"]}
    first, second = (each.name for each in found({"name": "effort"}, more=alike))
    spelt = [each.removeprefix("effort-") for each in (first, second)]
    three = found({"name": "effort"}, more={**alike, "choices": ["A.b", "a.b", spelt[0]]})
    assert [each.name for each in three[:2]] == [first, second]
    assert three[2].name.startswith("effort-") and len({each.name for each in three}) == 3


WORDS = st.from_regex(r"\A[A-Za-z][A-Za-z0-9._+-]{0,31}\Z")
NUMBERS = st.decimals(min_value=-9, max_value=9, places=6).map(lambda number: format(number, "f"))


@pytest.mark.slow
@settings(examples, max_examples=20)
@given(st.lists(WORDS, min_size=2, max_size=16, unique=True), st.lists(NUMBERS, min_size=1, max_size=12))
def test_every_name_is_a_label_and_the_only_one_of_its_setting(choices: list[str], numbers: list[str]) -> None:
    unique = list(dict.fromkeys(f"{float(each):.6f}" for each in numbers if float(each)))
    wide = {"name": "bias", "type": "Decimal", "minimum": "-9", "maximum": "9", "stopsSooner": "WhenHigher"}
    spec = policy({"parameters": [{**CHOICES, "choices": choices}, wide], "baseline": {"values": []}})
    searched = [{"name": "effort"}, *([{"name": "bias", "values": unique}] if unique else [])]
    search = policy({"candidates": None, "search": {"strategy": "Bayesian", "parameters": searched}}).search
    assert search is not None
    settings = settings_of(search, spec.parameters, ())
    assert len({each.name for each in settings}) == len({each.values for each in settings}) == len(settings)
    for each in settings:
        assert re.match(NAME_PATTERN, each.name) and len(each.name) <= 32
        assert all(0 <= place <= 1 for place in each.place)


def test_a_plan_of_a_grid_tries_every_setting_by_its_name() -> None:
    changes = {"candidates": None, "search": {"strategy": "Grid", "parameters": [{"name": "window", "values": ["20"]}]}}
    plan = parse_plan(plan_text(policy(changes)))
    assert (plan.names, plan.variants) == (("window-20",), ("window-20",))
    assert plan.settings_of("window-20") == {"window": "20", "patience": "2.5"}


def test_candidates_as_they_are_written_are_the_settings_to_try() -> None:
    spec = policy()
    assert spec.settings_to_try() == spec.candidates
    assert spec.most_at_once == 1


def test_of_a_search_that_tries_one_after_the_other_one_is_tried_at_once() -> None:
    ladder = {"parameters": [{"name": "window", "values": ["20", "10"]}]}
    spec = policy({"candidates": None, "search": ladder})
    assert len(spec.settings_to_try()) == 2 and spec.most_at_once == 1


def test_a_search_that_cannot_be_made_has_no_settings_to_try() -> None:
    assert policy({"candidates": None, "search": {"parameters": [{"name": "pace"}]}}).settings_to_try() == ()
