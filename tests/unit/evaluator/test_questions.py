"""Golden questions are read whole or not at all, and every wrong line is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earlystop.evaluator.questions import MAX_CLASSES, GoldenError, GoldenQuestion, load_golden, parse_golden
from earlystop.evaluator.scoring import Scoring, ScoringMode
from tests.unit.evaluator.mounted import mount
from tests.unit.every_row import every_row

GOOD = '{"question": "1 + 1?", "answers": ["2", "two"], "query_class": "sums"}'


def test_questions_aliases_and_classes_are_read(tmp_path: Path) -> None:
    file = tmp_path / "golden.jsonl"
    file.write_text(GOOD + '\n\n{"question": "Capital of France?", "answers": ["Paris"]}\n')
    assert load_golden(file, Scoring()) == (
        GoldenQuestion("1 + 1?", ("2", "two"), "sums"),
        GoldenQuestion("Capital of France?", ("Paris",), "default"),
    )


@every_row(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ('{"question": "q", "answers": ["2"], "body": {"temperature": NaN}}', "NaN is no number of JSON"),
        ('{"question": "q", "answers": ["2"], "body": {"top_p": -Infinity}}', "-Infinity is no number of JSON"),
        ('{"question": "\\ud83d", "answers": ["2"]}', "half a character"),
        ('{"question": "q", "answers": ["\\udc4d"]}', "half a character"),
        ('{"question": "q", "answers": ["2"], "body": {"stop": "\\ud83d"}}', "half a character"),
        ("[]", "list instead of a JSON object"),
        ('{"answers": ["2"]}', "'question'"),
        ('{"question": " ", "answers": ["2"]}', "'question'"),
        ('{"question": "q"}', "'answers'"),
        ('{"question": "q", "answers": "2"}', "'answers'"),
        ('{"question": "q", "answers": []}', "'answers'"),
        ('{"question": "q", "answers": [2]}', "'answers'"),
        ('{"question": "q", "answers": ["the"]}', "no answer can match"),
        ('{"question": "q", "answers": ["2"], "query_class": "a b"}', "'query_class'"),
        ('{"question": "q", "answers": ["2"], "group": " "}', "'group' must be a text that is not empty"),
        ('{"question": "q", "answers": ["2"], "group": 7}', "the same for all wordings of a question"),
        ('{"question": "q", "answers": ["2"], "scoring": "fuzzy"}', "'fuzzy' is no way to score; write exact, number"),
        ('{"question": "q", "answers": ["2"], "scoring": 1}', "'scoring' must be a text"),
        (
            '{"question": "q", "answers": ["2"], "scoring": "json:"}',
            "write json:FIELD, as in json:city",
        ),
        ('{"question": "q", "answers": ["2"], "scoring": "regex"}', "write regex:PATTERN, as in"),
        ('{"question": "q", "answers": ["2"], "scoring": "numeric"}', "write exact, number"),
        ('{"question": "q", "answers": ["2"], "scoring": "regex:a"}', "0 groups"),
        ('{"question": "q", "answers": ["AB"], "scoring": "choice"}', "no answer can match when scored by choice"),
        (
            '{"question": "q", "answers": ["2"], "scorring": "number"}',
            "'scorring' is no key of a golden question; perhaps",
        ),
        ('{"question": "q", "answers": ["2"], "Scoring": "number"}', "perhaps scoring is meant"),
        (
            '{"question": "q", "answers": ["2"], "class": "x"}',
            "perhaps query_class is meant",
        ),
        ('{"question": "q", "answers": ["2"], "bodies": {}}', "perhaps body is meant"),
        ('{"question": "q", "answer": ["2"]}', "perhaps answers is meant"),
        ('{"scorring": "number"}', "perhaps scoring is meant"),
        (
            '{"scoring": "number", "pattern": "x"}',
            "remove it, there are question, answers, query_class, scoring, group, body",
        ),
        ('{"question": "q", "answers": ["2"], "answer_type": 1}', "remove it, there are question"),
        ('{"question": "q", "answers": ["2"], "id": 7}', "'id' is no key of a golden question; remove it"),
        (
            '{"question": "q", "answers": ["2"], "scoring": "exact", "scoring": "raw"}',
            "'scoring' stands twice",
        ),
        ('{"question": "q", "answers": ["2"], "body": {"n_": 1, "n_": 2}}', "'n_' stands twice; write it once"),
        ('{"question": "1 + 1?", "answers": ["2"]}', "repeats that of golden.jsonl, line 1"),
    ],
)
def test_a_malformed_question_is_named_by_its_line(line: str, said: str) -> None:
    with pytest.raises(GoldenError) as caught:
        parse_golden([("golden.jsonl", [GOOD, "", line])], "golden.jsonl", Scoring())
    assert str(caught.value).startswith("golden.jsonl, line 3: ")
    assert said in str(caught.value)


def test_the_same_question_with_another_body_is_refused_with_a_file_for_each_body_to_write() -> None:
    row = {"question": "q", "answers": ["2"]}
    lines = [json.dumps({**row, "body": {"reasoning_effort": effort}}) for effort in ("low", "high")]
    with pytest.raises(GoldenError, match=r"g, line 1 with another 'body'.* write a file for each body, such as"):
        parse_golden([("g", lines)], "g", Scoring())
    with pytest.raises(GoldenError, match=r"line 2: 'question' repeats that of g, line 1; keep one of them"):
        parse_golden([("g", lines[:1] * 2)], "g", Scoring())


def test_all_malformed_lines_are_told_at_once_and_a_long_list_is_cut() -> None:
    with pytest.raises(GoldenError) as caught:
        parse_golden([("g", ["{"] * 14)], "g", Scoring())
    assert str(caught.value).count("\n") == 10
    assert "g, line 10:" in str(caught.value) and "and 4 more lines" in str(caught.value)


def test_a_gold_answer_that_the_mode_can_never_match_is_refused() -> None:
    with pytest.raises(GoldenError, match="line 1: 'answers' holds 'two'"):
        parse_golden([("g", [GOOD])], "g", Scoring(ScoringMode.NUMBER))


def test_an_empty_file_bytes_that_are_no_text_and_too_many_classes_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "golden.jsonl"
    for content, said in ((b"\n", "no questions"), (b"\xff", "not UTF-8")):
        file.write_bytes(content)
        with pytest.raises(GoldenError, match=said):
            load_golden(file, Scoring())
    lines = [f'{{"question": "q{n}", "answers": ["a b"], "query_class": "c{n}"}}' for n in range(MAX_CLASSES + 1)]
    with pytest.raises(GoldenError, match="17 query classes"):
        parse_golden([("g", lines)], "g", Scoring())


def test_a_mounted_config_map_is_read_key_by_key_and_each_question_once(tmp_path: Path) -> None:
    other = '{"question": "Capital of France?", "answers": ["Paris"]}'
    mounted = mount(tmp_path / "golden", {"sums.jsonl": GOOD + "\n", "capitals.jsonl": other})
    assert [each.question for each in load_golden(mounted, Scoring())] == ["Capital of France?", "1 + 1?"]
    assert load_golden(mounted / "sums.jsonl", Scoring()) == (GoldenQuestion("1 + 1?", ("2", "two"), "sums"),)


def test_malformed_questions_of_a_mounted_config_map_are_named_by_key_and_line(tmp_path: Path) -> None:
    mounted = mount(tmp_path / "golden", {"a.jsonl": GOOD, "b.jsonl": "\n{\n" + GOOD})
    with pytest.raises(GoldenError) as caught:
        load_golden(mounted, Scoring())
    first, second = str(caught.value).split("\n")
    assert first.startswith(f"{mounted}/b.jsonl, line 2: not JSON")
    assert (
        second == f"{mounted}/b.jsonl, line 3: 'question' repeats that of {mounted}/a.jsonl, line 1; keep one of them"
    )
    with pytest.raises(GoldenError, match="empty: no questions"):
        load_golden(mount(tmp_path / "empty", {}), Scoring())


def test_a_line_names_its_own_scoring_and_a_line_of_its_own_that_of_the_lines_after_it() -> None:
    lines = [
        '{"question": "q1", "answers": ["2"]}',
        '{"scoring": "number"}',
        '{"question": "q2", "answers": ["3/4"]}',
        '{"question": "q3", "answers": ["A"], "scoring": "choice"}',
        '{"question": "q4", "answers": ["x"], "scoring": "json:result.answer"}',
    ]
    other = ['{"question": "q5", "answers": ["2"]}']
    found = parse_golden([("g", lines), ("h", other)], "g", Scoring())
    assert [each.scoring for each in found] == [
        None,
        Scoring(ScoringMode.NUMBER),
        Scoring(ScoringMode.CHOICE),
        Scoring(ScoringMode.JSON, field="result.answer"),
        None,
    ]


def test_multiple_choice_questions_with_the_letter_a_are_read_in_every_mode_that_can_score_them() -> None:
    lines = ['{"question": "q1", "answers": ["A"]}', '{"question": "q2", "answers": ["B"]}']
    for scoring in (
        Scoring(),
        Scoring(ScoringMode.RAW),
        Scoring(ScoringMode.CHOICE),
        Scoring(ScoringMode.REGEX, r"answer is \(?([A-D])\)?"),
    ):
        assert len(parse_golden([("mc", lines)], "mc", scoring)) == 2


@pytest.mark.parametrize(
    "gold", ["3 or 4", "5 ft 3 kg", "5 ft, 3 boxes", "3-5", "12-31-12", "1.2.3", "between 3 and 4"]
)
def test_a_gold_answer_of_several_numbers_is_refused_where_numbers_are_compared(gold: str) -> None:
    with pytest.raises(GoldenError, match="no answer can match when scored by number"):
        parse_golden([("g", [f'{{"question": "q", "answers": ["{gold}"], "scoring": "number"}}'])], "g", Scoring())


def test_a_gold_answer_in_two_units_of_one_kind_is_one_number() -> None:
    (question,) = parse_golden(
        [("g", ['{"question": "q", "answers": ["5 ft 3 in"], "scoring": "number"}'])], "g", Scoring()
    )
    scoring = Scoring(ScoringMode.NUMBER)
    assert scoring.matches("63 inches", question.answers) and not scoring.matches("5 feet", question.answers)


def test_a_byte_order_mark_does_not_spoil_the_first_line(tmp_path: Path) -> None:
    (tmp_path / "golden.jsonl").write_text("\ufeff" + GOOD, "utf-8")
    assert len(load_golden(tmp_path / "golden.jsonl", Scoring())) == 1
