"""Options with which the evaluator cannot work are answered with what to write, in text that no terminal cuts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earlystop.command_line import plain_app
from earlystop.evaluator.__main__ import ABOUT, main
from earlystop.evaluator.scoring import Scoring
from earlystop.evaluator.start import scoring_of

NEEDED = {"--url": "http://gateway/v1", "--policy": "llm/qa", "--token-budget": "9"}
QUESTION: Mapping[str, object] = {"question": "1 + 1?", "answers": ["2"]}


def started(tmp_path: Path, changed: Mapping[str, str], row: Mapping[str, object] = QUESTION) -> Result:
    """What a start with these options says; those that are needed have values that work."""
    file = tmp_path / "golden.jsonl"
    file.write_text(json.dumps(row))
    options = {**NEEDED, "--golden": str(file), **changed}
    arguments = [f"{name}={value}" for name, value in options.items()]
    return CliRunner().invoke(plain_app(main, ABOUT), arguments, env={"COLUMNS": "40"})


def words(result: Result) -> str:
    return " ".join(result.output.split())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"--policy": "qwen-cap"}, "the policy is 'qwen-cap'; write its namespace and name, such as llm/qa"),
        ({"--url": "127.0.0.1:8000"}, "--url is '127.0.0.1:8000'; write http:// or https://, a host"),
        ({"--mode": "squad"}, "'squad' is no way to score; write exact, number"),
        ({"--mode": "json"}, "write json:FIELD, as in json:city"),
        ({"--mode": "regex"}, "write regex:PATTERN"),
        ({"--mode": "regex", "--field": "city"}, "--pattern belongs to --mode regex, and --field to --mode json"),
        ({"--mode": "exact", "--pattern": "(a)"}, "--pattern belongs to --mode regex"),
    ],
)
def test_a_start_that_cannot_work_ends_with_what_to_write(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    result = started(tmp_path, changed)
    assert result.exit_code == 2 and said in words(result)


def test_the_address_of_a_judge_is_checked_as_that_of_the_gateway(tmp_path: Path) -> None:
    result = started(
        tmp_path, {"--judge-url": "judge/v1", "--judge-examples": "graded.jsonl"}, {**QUESTION, "scoring": "judge"}
    )
    assert result.exit_code == 2 and "--judge-url is 'judge/v1'; write http://" in words(result)


def test_help_in_a_narrow_terminal_has_each_option_whole_and_the_keys_of_a_question() -> None:
    result = CliRunner().invoke(plain_app(main, ABOUT), ["--help"], env={"COLUMNS": "40"})
    assert result.exit_code == 0 and "…" not in result.output
    for option in ("--pairs-per-second", "--judge-least-agreement", "exactMatch.questions.about"):
        assert option in result.output
    assert "query_class, scoring, body." in words(result)


def test_the_path_of_a_file_with_an_error_is_whole_in_a_narrow_terminal(tmp_path: Path) -> None:
    result = started(tmp_path, {}, {**QUESTION, "scorring": "number"})
    assert result.exit_code == 2 and f"{tmp_path}/golden.jsonl, line 1: 'scorring'" in result.output


@pytest.mark.parametrize(
    ("mode", "pattern", "field", "line"),
    [
        ("exact", None, None, "exact"),
        ("number:unit", None, None, "number:unit"),
        ("json:city", None, None, "json:city"),
        ("json", None, "city", "json:city"),
        ("regex", "is: (.)", None, "regex:is: (.)"),
    ],
)
def test_the_mode_takes_the_words_of_a_golden_question(
    mode: str, pattern: str | None, field: str | None, line: str
) -> None:
    assert scoring_of(mode, pattern, field) == Scoring.named(line)
