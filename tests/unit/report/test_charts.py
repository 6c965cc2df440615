"""Labels and axes of a page's plots: what is pure of them, in a JavaScript engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from py_mini_racer import MiniRacer

from earlystop.report.embedded import asset


@pytest.fixture(scope="module")
def engine() -> Iterator[MiniRacer]:
    with MiniRacer() as made:
        made.eval(asset("charts.js"))
        yield made


def said(engine: MiniRacer, expression: str) -> Any:
    return json.loads(str(engine.eval(f"JSON.stringify({expression})")))


@pytest.mark.parametrize(
    ("point", "length", "begins"),
    [(100, 50, [106]), (244, 50, [250, 188]), (245, 50, [189]), (190, 170, [80]), (299, 10, [283])],
)
def test_a_label_stands_within_its_plot_at_the_right_of_its_point_where_there_is_room_or_at_its_left(
    engine: MiniRacer, point: int, length: int, begins: list[int]
) -> None:
    found = said(engine, f"labelStarts({point}, {length}, 80, 300, 6)")
    assert found == begins and all(each >= 80 and each + length <= 300 for each in found)


def test_an_axis_of_evidence_says_risks_and_nothing_below_no_sign(engine: MiniRacer) -> None:
    marks = said(engine, "risksBetween(-9, 9.3).map(riskAt)")
    assert marks == ["no sign", "1 in 100", "1 in 10,000"]
    assert said(engine, "risksBetween(-1, 3.3).map(riskAt)") == ["no sign", "1 in 10"]
    assert said(engine, "riskAt(Math.log(20))") == "1 in 20"


def test_a_number_has_its_sign_and_none_is_called_minus_zero(engine: MiniRacer) -> None:
    assert said(engine, "[-1.24, -0.04, 0, 0.04, 1.26].map((each) => signed(each, 1))") == [
        *("-1.2", "+0.0", "+0.0", "+0.0", "+1.3")
    ]


def test_lines_of_evidence_that_are_one_are_named_and_drawn_once(engine: MiniRacer) -> None:
    assert said(engine, "linesOf(Math.log(20), Math.log(20)).map(({ label }) => label)") == [
        "line of a promotion and of harm: 1 in 20"
    ]
    assert said(engine, "linesOf(Math.log(20), Math.log(40)).map(({ label }) => label)") == [
        *("line of a promotion: 1 in 20", "line of harm: 1 in 40")
    ]


@pytest.mark.parametrize(("times", "span"), [([100], [70, 130]), ([100, 120], [80, 140]), ([100, 300], [100, 300])])
def test_an_axis_of_time_is_a_minute_long_or_as_long_as_its_looks(
    engine: MiniRacer, times: list[int], span: list[int]
) -> None:
    assert said(engine, f"spanOf({times})") == span


PLOT = '{"top": 0, "bottom": 200}'


@pytest.mark.parametrize(
    ("labels", "bottoms"),
    [
        ([(100, 50), (200, 50)], [50, 50]),
        ([(100, 50), (110, 52)], [50, 66]),
        ([(100, 50), (110, 52), (120, 50)], [50, 66, 36]),
        ([(100, 50), (110, 70)], [50, 70]),
    ],
)
def test_no_label_stands_on_another(engine: MiniRacer, labels: list[tuple[int, int]], bottoms: list[int]) -> None:
    written = json.dumps([{"lefts": [left], "width": 30, "bottom": bottom} for left, bottom in labels])
    places = said(engine, f"placedLabels({written}, [], {PLOT}, 14)")
    assert [each["bottom"] for each in places] == bottoms


def test_a_label_stands_beside_what_is_drawn_and_at_the_other_side_of_its_point_where_that_is_nearer(
    engine: MiniRacer,
) -> None:
    label = {"lefts": [106, 64], "width": 30, "bottom": 50}
    for drawn, place in (
        ([{"left": 120, "right": 125, "top": 30, "bottom": 60}], (64, 50)),
        ([{"left": 0, "right": 300, "top": 45, "bottom": 47}], (106, 64)),
        ([{"left": 0, "right": 300, "top": 0, "bottom": 200}], (106, 50)),  # there is no place beside it
    ):
        (found,) = said(engine, f"placedLabels({json.dumps([label])}, {json.dumps(drawn)}, {PLOT}, 14)")
        assert (found["left"], found["bottom"]) == place


def test_no_label_leaves_its_plot_however_many_there_are(engine: MiniRacer) -> None:
    written = json.dumps([{"lefts": [100], "width": 30, "bottom": 195}] * 13)
    places = said(engine, f"placedLabels({written}, [], {PLOT}, 14)")
    assert len({each["bottom"] for each in places}) == 13
    assert all(each["top"] >= 0 and each["bottom"] <= 200 for each in places)


def test_a_setting_of_two_verdicts_on_the_same_evidence_is_drawn_once(engine: MiniRacer) -> None:
    one = {"name": "w10", "effect": {"estimate": 0}, "saving": {"estimate": 50}}
    other = {**one, "effect": {"estimate": -3}}
    assert said(engine, f"differentSettings({json.dumps([one, one, other])})") == [one, other]


@pytest.mark.parametrize(("dash", "stroke"), [("undefined", "solid"), ("[6, 4]", "dashed"), ("[3, 3]", "dotted")])
def test_a_piece_of_a_line_beside_its_name_is_drawn_as_the_line_is(engine: MiniRacer, dash: str, stroke: str) -> None:
    assert said(engine, f"strokeOf({{series: [{{}}, {{dash: {dash}}}]}}, 1)") == stroke
