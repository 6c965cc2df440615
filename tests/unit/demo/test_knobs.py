"""A setting is taken as it is written, or it is none: no server guesses what a value may have meant."""

from __future__ import annotations

import pytest

from earlystop.demo.knobs import KNOBS, invalid_knob, stop_rule
from earlystop.demo.voting import StopRule

OWN = StopRule(20, 0.9, 3)


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({}, OWN),
        ({"window": "5"}, StopRule(5, 0.9, 3)),
        ({"agreement": "0.8"}, StopRule(20, 0.8, 3)),
        ({"agreement": "1"}, StopRule(20, 1.0, 3)),
        ({"least-samples": "40"}, StopRule(20, 0.9, 40)),
        ({"least-samples": "10", "window": "40", "agreement": "0.123456"}, StopRule(40, 0.123456, 10)),
    ],
)
def test_a_setting_makes_a_rule_and_leaves_the_rest_to_the_server(values: dict[str, str], rule: StopRule) -> None:
    assert stop_rule(values, OWN) == rule
    assert invalid_knob(values) is None


@pytest.mark.parametrize("name", ["window", "least-samples"])
@pytest.mark.parametrize("text", ["0", "41", "-5", "+5", "05", "5.0", "5e0", "٥", "", " 5", "five"])
def test_what_is_no_whole_number_in_range_is_no_window_and_no_number_of_samples(name: str, text: str) -> None:
    assert stop_rule({"window": "5", "agreement": "0.8", name: text}, OWN) is None
    assert invalid_knob({"agreement": "0.8", name: text}) == name


@pytest.mark.parametrize("text", ["0", "0.0", "1.1", "-0.5", ".8", "0,8", "80%", "0.1234567", "1.5", "nan", "", "0.8 "])
def test_what_is_no_share_is_no_agreement(text: str) -> None:
    assert stop_rule({"agreement": text}, OWN) is None
    assert invalid_knob({"window": "5", "agreement": text}) == "agreement"


def test_each_knob_says_what_its_value_must_be() -> None:
    assert list(KNOBS) == ["window", "agreement", "least-samples"]
    assert all(each.meaning.startswith("a ") for each in KNOBS.values())
