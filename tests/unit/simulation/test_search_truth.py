"""A curve file says what is true of each setting, or is refused with what to write."""

from __future__ import annotations

import pytest

from earlystop.simulation.search_truth import read_curve

SOUND = "setting, em, tokens\nbaseline, 0.80, 600\nwindow-20, 0.79, 300\nwindow-5, 0.70, 120\n"


def test_losses_and_savings_are_those_against_the_baseline() -> None:
    curve = read_curve(SOUND)
    twenty, five = curve.settings
    assert (twenty.name, five.name) == ("window-20", "window-5")
    assert [twenty.em_loss, five.em_loss] == pytest.approx([0.01, 0.1])
    assert [twenty.saving, five.saving] == pytest.approx([0.5, 0.8])
    assert (curve.baseline_em, curve.mean_tokens) == (0.8, 600)


def test_the_best_setting_is_the_one_that_saves_most_of_those_that_keep_the_margin() -> None:
    curve = read_curve(SOUND)
    assert curve.best(0.02, 0.1) == 0
    assert curve.best(0.2, 0.1) == 1
    assert curve.best(0.02, 0.6) is None


def test_settings_are_taken_in_the_order_of_the_policy() -> None:
    assert [each.name for each in read_curve(SOUND).in_order_of(["window-5"]).settings] == ["window-5"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Write setting, em, tokens"),
        ("setting,tokens,em\n", "Write setting, em, tokens"),
        ("setting,em,tokens\nwindow-5,0.7,120\n", "Write one whose setting is baseline"),
        ("setting,em,tokens\nbaseline,0.8\n", "Line 2 of the curve has 2 cells"),
        ("setting,em,tokens\nbaseline,much,600\n", "Line 2 of the curve has em 'much'"),
        ("setting,em,tokens\nbaseline,80,600\n", "Write 0 to 1, and 1 or more"),
        ("setting,em,tokens\nbaseline,0.8,nan\n", "Write numbers, as 0.81 and 420"),
        ("setting,em,tokens\nbaseline,nan,600\n", "Write numbers, as 0.81 and 420"),
        ("setting,em,tokens\nbaseline,0.8,infinity\n", "Write numbers, as 0.81 and 420"),
        ("setting,em,tokens\nbaseline,0.8,1_00\n", "Write numbers, as 0.81 and 420"),
        ("setting,em,tokens\nbaseline,٠.8,100\n", "Write numbers, as 0.81 and 420"),
        ("setting,em,tokens\nbaseline,0.8,0\n", "Write 0 to 1, and 1 or more"),
        ("setting,em,tokens\nbaseline,0.8,5e-324\n", "Write 0 to 1, and 1 or more"),
        ("setting,em,tokens\nbaseline,0.8,0.4\nwindow-5,0.7,0.2\n", "Write 0 to 1, and 1 or more"),
        (SOUND + ",0.7,120\n", "Line 5 of the curve names no setting"),
        (SOUND + "window-9,0.7," + "1" * 200_000, "Line 5 of the curve is no line of a CSV file"),
        (SOUND + "window-5,0.7,120\n", "Line 5 of the curve is about window-5 again"),
    ],
)
def test_a_curve_that_says_nothing_sound_is_refused_with_what_to_write(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_curve(text)


@pytest.mark.parametrize("text", [SOUND.replace("\n", "\r"), SOUND.replace("\n", "\r\n"), f"\n , ,\n{SOUND}\n,,\n"])
def test_a_curve_is_read_with_the_line_ends_and_the_empty_lines_of_any_program(text: str) -> None:
    assert read_curve(text) == read_curve(SOUND)


def test_a_setting_that_may_be_tried_and_has_no_row_is_named() -> None:
    with pytest.raises(ValueError, match=r"no row for window-9.*window-20, window-5"):
        read_curve(SOUND).in_order_of(["window-20", "window-9"])
