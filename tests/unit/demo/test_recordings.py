"""Reading recordings, and the set that comes with the package."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

from earlystop.demo.generate import generate
from earlystop.demo.recordings import (
    BUILTIN_FILE,
    Recording,
    RecordingError,
    load_recordings,
    parse_recordings,
)

GOOD = {"question": "Which?", "answer": "this", "generated_answer": ["The answer is this.", "that"]}


def parse(*rows: object) -> tuple[Recording, ...]:
    return parse_recordings([row if isinstance(row, str) else json.dumps(row) for row in rows], "some.jsonl")


def test_both_forms_of_a_line_give_the_same_recording() -> None:
    short = {"question": "Which?", "answer": "this", "texts": ["b", "a"], "samples": [1, 0, 1, 1]}
    long = {"question": "Which?", "answer": "this", "generated_answer": ["a", "b", "a", "a"]}
    assert parse(short) == parse(long) == (Recording("Which?", ("this",), ("a", "b", "a", "a")),)


def test_several_gold_answers_are_kept() -> None:
    assert parse({**GOOD, "answer": ["this", "it"]})[0].gold == ("this", "it")


def test_blank_lines_and_unknown_fields_are_ignored() -> None:
    assert len(parse("", {**GOOD, "source": "x"}, "  ")) == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "a list instead of a JSON object"),
        ({**GOOD, "question": None}, "field 'question'"),
        ({**GOOD, "question": "  "}, "field 'question'"),
        ({**GOOD, "answer": 7}, "field 'answer'"),
        ({**GOOD, "answer": ""}, "field 'answer'"),
        ({**GOOD, "answer": []}, "field 'answer'"),
        ({**GOOD, "answer": ["yes", 7]}, "field 'answer'"),
        ({"question": "Which?", "answer": "this"}, "field 'generated_answer'"),
        ({**GOOD, "generated_answer": []}, "field 'generated_answer'"),
        ({**GOOD, "generated_answer": "The answer is this."}, "field 'generated_answer'"),
        ({**GOOD, "generated_answer": ["a", None]}, "field 'generated_answer'"),
        ({**GOOD, "texts": [], "samples": [0]}, "field 'texts'"),
        ({**GOOD, "texts": ["a"]}, "field 'samples'"),
        ({**GOOD, "texts": ["a"], "samples": [1]}, "field 'samples' holds 1; write indices from 0 to 0"),
        ({**GOOD, "texts": ["a"], "samples": [-1]}, "field 'samples' holds -1"),
        ({**GOOD, "texts": ["a", "b"], "samples": [True]}, "field 'samples' holds true"),
        ({**GOOD, "texts": ["a"], "samples": ["0"]}, "field 'samples'"),
    ],
)
def test_a_malformed_line_is_refused_by_its_number_and_field(row: object, said: str) -> None:
    with pytest.raises(RecordingError) as caught:
        parse({**GOOD, "question": "Another?"}, row)
    assert str(caught.value).startswith("some.jsonl, line 2: ")
    assert said in str(caught.value)


def test_a_question_that_stands_twice_is_refused() -> None:
    with pytest.raises(RecordingError, match=r"line 3: field 'question' repeats that of line 1"):
        parse(GOOD, "", {**GOOD, "question": " Which? "})


def test_no_recordings_at_all_are_refused() -> None:
    with pytest.raises(RecordingError, match="no recordings"):
        parse("", " ")


def test_a_file_is_read_by_its_path_and_named_in_errors(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    # U+2028 ends a line for Python, but not for JSON.
    row = json.dumps({**GOOD, "question": "Which\u2028one?"}, ensure_ascii=False)
    file.write_text(row + "\n", "utf-8")
    assert load_recordings(file)[0].question == "Which\u2028one?"
    file.write_bytes(b"\xff")
    with pytest.raises(RecordingError, match=r"mine\.jsonl: byte 0 is not UTF-8"):
        load_recordings(str(file))
    with pytest.raises(OSError, match="absent"):
        load_recordings(tmp_path / "absent.jsonl")


def test_the_shipped_set_is_what_its_script_makes() -> None:
    shipped = resources.files("earlystop.demo").joinpath(BUILTIN_FILE).read_text("utf-8")
    assert shipped == "".join(line + "\n" for line in generate())


def test_the_shipped_set_stays_small() -> None:
    assert len(resources.files("earlystop.demo").joinpath(BUILTIN_FILE).read_bytes()) <= 300_000


def test_another_seed_makes_another_set() -> None:
    assert list(generate(1)) != list(generate(2))
